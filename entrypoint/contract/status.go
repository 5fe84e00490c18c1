package contract

// States of a job in Status.State, in the order in which they come.
const (
	StateStarting = "starting"
	StateReady    = "ready"
	StateEnding   = "ending"
)

// Status is the content of Dir/StatusName, written whole and renamed into
// place at each change. Times are seconds since 1970.
type Status struct {
	Contract int    `json:"contract"`
	State    string `json:"state"`
	Since    int64  `json:"since"`
	// Reason says why the job ends, in StateEnding.
	Reason string `json:"reason,omitempty"`
	// Home is the job home, as the job sees it.
	Home string `json:"home"`
}

package keep

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"perch/shim/internal/target"
)

// Phase is what a carrier is at.
type Phase string

// The phases of a carrier.
const (
	// Opening: the job is not entered yet.
	Opening Phase = "opening"
	// Standing: an SSH banner of the job was read through the carrier.
	Standing Phase = "standing"
	// Refused: the job answers, but Perch cannot talk to it; Text says why.
	Refused Phase = "refused"
	// Ended: the job has left the queue.
	Ended Phase = "ended"
)

// Status is what keep tells the shims of its host, in the runtime folder.
type Status struct {
	Job   string    `json:"job"`
	Phase Phase     `json:"phase"`
	Since time.Time `json:"since"`
	Text  string    `json:"text,omitempty"`
	Pid   int       `json:"pid"`
}

// ReadStatus returns what the target's keep said last; the zero Status if it
// has not said anything.
func ReadStatus(t target.Target) Status {
	data, err := os.ReadFile(filepath.Join(t.Runtime, target.CarrierStatus))
	var s Status
	if err != nil || json.Unmarshal(data, &s) != nil {
		return Status{}
	}
	return s
}

func writeStatus(t target.Target, s Status) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("telling of the carrier: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(t.Runtime, target.CarrierStatus), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("telling of the carrier: %w", err)
	}
	return nil
}

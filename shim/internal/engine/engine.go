// Package engine says what Perch needs of whoever runs jobs: submit, find,
// carry, remove. Nothing outside the engines' own packages asks which one it
// is. What happens to a job between these is read from its user log, which
// every engine writes in HTCondor's format.
package engine

import (
	"context"
	"errors"
	"time"
)

// Engine runs jobs for the user that runs this process.
type Engine interface {
	// Queue names the queue that Submit and Find use: a schedd's name, or
	// "local@" and this machine. It is part of a target's identity.
	Queue() string
	// Submit reads the user's submit description, adds what Perch needs and
	// submits it. It returns an error, and no job stays behind, unless
	// exactly one job was made. The error is one line for the user.
	Submit(ctx context.Context, s Submission) (Job, error)
	// Find returns the user's jobs of a target that have not left the queue,
	// or those of all targets where target is "".
	Find(ctx context.Context, target string) ([]Job, error)
	// Carry opens a way from the unix socket sock, which it makes, to the
	// socket of a running job. ErrNotYet: the job cannot be entered so far;
	// ErrNoSuchWay: this engine has no such way. A nil error means that it
	// was started, not that it leads anywhere: that is seen by the SSH banner
	// read through sock. The carrier ends with ctx, and takes sock with it.
	Carry(ctx context.Context, j Job, sock string, way Way) (Carrier, error)
	// Remove takes the job out of the queue, by force where it runs. A job
	// that has left the queue already is no error.
	Remove(ctx context.Context, j Job, reason string) error
}

// Carrier is an open way to a job's socket.
type Carrier interface {
	// Wait blocks until the carrier has ended, and says why.
	Wait() error
}

// Way is how a carrier reaches the job.
type Way int

const (
	// Forward is one connection to the job, which forwards the socket.
	Forward Way = iota
	// PerConnection starts a program in the job for each connection.
	PerConnection
)

var (
	// ErrNotYet says that a job cannot be entered now, but may be later.
	ErrNotYet = errors.New("the job cannot be entered yet")
	// ErrNoSuchWay says that an engine has no such way to its jobs.
	ErrNoSuchWay = errors.New("there is no such way to this job")
)

// Submission is what Perch adds to a user's submit description.
type Submission struct {
	// JDL is the submit description's absolute path.
	JDL string
	// Target and Name become the job's AttrTarget and AttrName.
	Target, Name string
	// HostKey and AuthorizedKeys are the files that the job gets; their base
	// names are contract.HostKeyFile and contract.AuthorizedKeysFile.
	HostKey, AuthorizedKeys string
	// Fingerprint is the host key's, for AttrKey.
	Fingerprint string
	// Entrypoint is the static perch-entrypoint that is sent unless the JDL
	// names one in the image.
	Entrypoint string
	// Log is the user log to write where the JDL names none.
	Log string
	// IdleTimeout and IdleConnected are defaults for the attributes of that
	// name where the JDL does not set them; negative: leave them out.
	IdleTimeout, IdleConnected time.Duration
	// Vacate is the time between SIGTERM and SIGKILL (job_max_vacate_time).
	Vacate time.Duration
	// Notice, if not nil, gets a line that the user should read although the
	// submission goes on.
	Notice func(string)
}

// State is a job's state, in HTCondor's words and numbers (JobStatus).
type State int

// The values are those of the job attribute JobStatus.
const (
	Idle         State = 1
	Running      State = 2
	Removed      State = 3
	Completed    State = 4
	Held         State = 5
	Transferring State = 6
	Suspended    State = 7
)

// String returns HTCondor's word for the state, in lower case.
func (s State) String() string {
	switch s {
	case Idle:
		return "idle"
	case Running:
		return "running"
	case Removed:
		return "removed"
	case Completed:
		return "completed"
	case Held:
		return "held"
	case Transferring:
		return "transferring output"
	case Suspended:
		return "suspended"
	}
	return "unknown"
}

// Job is what an engine says about a job.
type Job struct {
	// ID is the job's number as the engine's tools take it, such as "12.0".
	ID    string `json:"id"`
	State State  `json:"state"`
	// Since is when it entered State.
	Since time.Time `json:"since"`
	// Target, Name and Key are the attributes of that name.
	Target string `json:"target"`
	Name   string `json:"name"`
	Key    string `json:"key"`
	// Log is the user log's absolute path.
	Log string `json:"log"`
	// Reason says why it is held, or why it is idle; "" where none is known.
	Reason string `json:"reason,omitempty"`
	// Scratch is the scratch directory on the machine where the job runs, as
	// seen from outside of its container; "" where it is not known.
	Scratch string `json:"scratch,omitempty"`
	// Evicted says that the job has run, was put back into the queue, and
	// will not be started again: its home is gone.
	Evicted bool `json:"evicted,omitempty"`
	// Notice is what the administrator's rules have to say to the user.
	Notice string `json:"notice,omitempty"`
}

// Live says whether the job can be entered, now or later.
func (j Job) Live() bool {
	switch j.State {
	case Idle, Held:
		return !j.Evicted
	case Running, Suspended:
		return true
	}
	return false
}

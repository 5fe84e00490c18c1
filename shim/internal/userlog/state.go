package userlog

import (
	"fmt"
	"strings"
	"time"

	"perch/shim/internal/engine"
)

// State is what the events of one job add up to. The zero value is a job of
// which the log says nothing yet.
//
// The log is silent about a job that was submitted on hold: it has a Submit
// only, and counts as idle here.
type State struct {
	// State is 0 as long as nothing is known.
	State engine.State
	// Since is when it entered State.
	Since time.Time
	// Reason says why it is held, removed, idle again, or not reachable.
	Reason string
	// Scratch is the scratch directory of a running job.
	Scratch string
	// Starts counts the times that the job began to execute.
	Starts int
	// ReturnValue and Signal say how a completed job ended; see Event.
	ReturnValue, Signal int
	// StarterErrors counts the errors from the starter (event 021) since the
	// job last ran for real or was released; StarterError is the last one's
	// text.
	StarterErrors int
	StarterError  string
}

// Ended says whether the job has left the queue.
func (s *State) Ended() bool {
	return s.State == engine.Removed || s.State == engine.Completed
}

// Add takes the next event of the job. Kinds that say nothing about the state
// change nothing.
func (s *State) Add(e Event) {
	switch e.Number {
	case Submit:
		*s = State{}
		s.enter(engine.Idle, e, "")
	case Execute:
		s.enter(engine.Running, e, "")
		s.Scratch = e.Scratch
		s.Starts++
	case Evicted, ShadowException, ReconnectFailed:
		s.enter(engine.Idle, e, e.Reason)
	case Terminated:
		s.enter(engine.Completed, e, "")
		s.ReturnValue, s.Signal = e.ReturnValue, e.Signal
	case Aborted:
		s.enter(engine.Removed, e, e.Reason)
	case Held:
		s.enter(engine.Held, e, e.Reason)
	case Released:
		s.StarterErrors, s.StarterError = 0, ""
		s.enter(engine.Idle, e, e.Reason)
	case Suspended:
		s.turn(engine.Running, engine.Suspended, e)
	case Unsuspended:
		s.turn(engine.Suspended, engine.Running, e)
	case ImageSize:
		s.StarterErrors, s.StarterError = 0, ""
	case RemoteError:
		s.StarterErrors++
		s.StarterError = e.Reason
	case Disconnected:
		s.Reason = e.Reason
	case Reconnected:
		s.Reason = ""
	case FileTransfer:
		s.transfer(e)
	}
}

func (s *State) enter(state engine.State, e Event, reason string) {
	*s = State{State: state, Since: e.Time, Reason: reason,
		Starts: s.Starts, StarterErrors: s.StarterErrors, StarterError: s.StarterError}
}

// turn changes the state only, and only from the one that it follows on.
func (s *State) turn(from, to engine.State, e Event) {
	if s.State == from {
		s.State, s.Since = to, e.Time
	}
}

func (s *State) transfer(e Event) {
	word, what, _ := strings.Cut(e.Text, " transferring ")
	switch {
	case s.State == engine.Idle && what == "input files" && word == "Started":
		s.Reason = "transferring input files"
	case s.State == engine.Idle && what == "input files" && word == "Finished":
		s.Reason = "starting"
	case what == "output files" && word == "Started":
		s.turn(engine.Running, engine.Transferring, e)
	}
}

// String describes the state for a person, in one line without the time.
func (s *State) String() string {
	text := s.State.String()
	if s.State == 0 {
		text = "not in the log yet"
	}
	if s.State == engine.Completed && s.Signal != 0 {
		return fmt.Sprintf("%s, killed by signal %d", text, s.Signal)
	}
	if s.State == engine.Completed {
		return fmt.Sprintf("%s with exit status %d", text, s.ReturnValue)
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}

// Package userlog reads, follows and writes the user log, the file in which
// HTCondor notes what happens to a job (the submit command log). The format is
// described in the HTCondor manual, "Job Event Log Codes", and held by recorded
// logs of the real thing in testdata.
//
// A log may be shared by several jobs, is written by other programs and is
// never trusted: records are bounded in size, and what cannot be read is
// skipped.
package userlog

import "time"

// Number is the kind of an event. Kinds without a name here are delivered as
// their number.
type Number int

// The events that Perch knows, by HTCondor's numbers.
const (
	Submit          Number = 0
	Execute         Number = 1
	Evicted         Number = 4
	Terminated      Number = 5
	ImageSize       Number = 6
	ShadowException Number = 7
	Aborted         Number = 9
	Suspended       Number = 10
	Unsuspended     Number = 11
	Held            Number = 12
	Released        Number = 13
	RemoteError     Number = 21
	Disconnected    Number = 22
	Reconnected     Number = 23
	ReconnectFailed Number = 24
	AdUpdate        Number = 28
	FileTransfer    Number = 40
)

// Event is one record of a user log. Fields that its kind does not have are
// zero.
type Event struct {
	Number Number
	// Job is the job's id as HTCondor's tools take it, such as "12.0".
	Job string
	// Time is in the machine's time zone, with fractions of a second where
	// the log has them.
	Time time.Time
	// Text is the rest of the first line.
	Text string
	// Lines are the further lines, without the white space around them.
	Lines []string

	// Host is who is named in the first line: the submit host (Submit), the
	// execute host (Execute), the slot (RemoteError, "Error from starter on …").
	Host string
	// Slot and Scratch come with Execute: the slot's name and the scratch
	// directory as seen from outside of the job's container.
	Slot, Scratch string
	// Reason says in HTCondor's words why: Evicted (25.x only), Aborted, Held,
	// Released, ShadowException, RemoteError, Disconnected, ReconnectFailed.
	Reason string
	// Code and Subcode belong to Reason (HoldReasonCode and so on).
	Code, Subcode int
	// ReturnValue and Signal come with Terminated. Signal is 0 unless the job
	// was killed by one, and ReturnValue is then meaningless.
	ReturnValue, Signal int
	// UserTime and SystemTime are the processor time that Terminated and
	// Evicted report for the run, in whole seconds.
	UserTime, SystemTime time.Duration
}

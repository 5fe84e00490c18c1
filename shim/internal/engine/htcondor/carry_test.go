package htcondor

import (
	"errors"
	"strings"
	"testing"

	"perch/shim/internal/engine"
)

// TestRefusal has what condor_ssh_to_job says, of 23.9 and 25.14.
func TestRefusal(t *testing.T) {
	cause := errors.New("exit status 1")
	for _, c := range []struct {
		name, said, want string
		notYet           bool
	}{
		{name: "not yet, or forbidden", said: "\n(Use -auto-retry to keep trying periodically.)\n", notYet: true},
		{name: "-debug", said: "ErrorString = \"Failed to read address of starter for this job\"\nRetry = true\n", notYet: true},
		{name: "gone", said: "Unable to fetch job ad; is it still in the queue?\n",
			want: "entering job 12.0: condor_ssh_to_job: Unable to fetch job ad; is it still in the queue?"},
		{name: "held", said: "The job is on hold: \"via condor_hold (by user alice)\".\n",
			want: `entering job 12.0: condor_ssh_to_job: The job is on hold: "via condor_hold (by user alice)".`},
		{name: "ended", said: "Connection to condor-job.pool.perch.test closed by remote host.\n",
			want: "entering job 12.0: condor_ssh_to_job: Connection to condor-job.pool.perch.test closed by remote host."},
		{name: "silent", want: "entering job 12.0: condor_ssh_to_job: exit status 1"},
	} {
		err := refusal("12.0", c.said, cause)
		if errors.Is(err, engine.ErrNotYet) != c.notYet {
			t.Errorf("%s: %v; not yet: %v", c.name, err, !c.notYet)
		}
		if !c.notYet && err.Error() != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, err, c.want)
		}
	}
}

// TestNoWay: where ssh could not be told the paths, the other way is named.
func TestNoWay(t *testing.T) {
	long := "/" + strings.Repeat("d", maxSocketPath)
	for _, c := range []struct{ name, scratch, sock string }{
		{"the scratch directory is not known", "", "/run/sock"},
		{"too long", long, "/run/sock"},
		{"a colon on the worker", "/exec:ute/dir_1", "/run/sock"},
		{"a blank here", "/execute/dir_1", "/run/a dir/sock"},
	} {
		_, err := (&Engine{}).Carry(t.Context(), engine.Job{ID: "1.0", Scratch: c.scratch}, c.sock, engine.Forward)
		if !errors.Is(err, engine.ErrNoSuchWay) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestForwardOptions holds the carrier's command line: the user's own files
// have no say in it.
func TestForwardOptions(t *testing.T) {
	want := "-F /dev/null -o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=15 -o ServerAliveCountMax=4" +
		" -N -o ExitOnForwardFailure=yes -o StreamLocalBindUnlink=yes -L /run/sock:/execute/dir_1/.perch/sock"
	if got := strings.Join(forward("/run/sock", "/execute/dir_1/.perch/sock"), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

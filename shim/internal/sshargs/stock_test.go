package sshargs

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPrintedLineMeansTheSame asks the stock ssh what it makes of a line, and
// of the same line parsed and printed.
func TestPrintedLineMeansTheSame(t *testing.T) {
	for _, line := range []string{
		"-vTD 1234 -p2222 a@host -l b",
		"-oUser=x -oPort=1 -b -- host -v",
		"host -L 1:localhost:2 -R3:x:4 -- -v",
		"-- a@b@host -p 3",
		"ssh://me@host:77 -A -p 1 ls",
		"-l x ssh://me@host:77",
		"-b-- host -p 7",
		"-4Cqo ConnectTimeout=1m host -oConnectTimeout=2",
	} {
		args := append([]string{"-F", "/dev/null", "-G"}, strings.Fields(line)...)
		l, err := Parse(args)
		if err != nil {
			t.Errorf("Parse(%q): %v", args, err)
			continue
		}
		want, got := dump(t, args), dump(t, l.Args())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q printed as %q: ssh -G -want +got\n%s", args, l.Args(), diff)
		}
		if !strings.Contains(want, "\nuser "+l.User()) || !strings.Contains(want, "\nhostname "+l.Host()+"\n") {
			t.Errorf("%q: user %q and host %q, which ssh -G does not print:\n%.60s", args, l.User(), l.Host(), want)
		}
	}
}

func dump(t *testing.T, args []string) string {
	t.Helper()
	out, err := exec.Command("ssh", args...).Output()
	if err != nil {
		t.Errorf("ssh %q: %v", args, err)
	}
	return string(out)
}

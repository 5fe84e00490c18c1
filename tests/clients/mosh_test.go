package clients

import (
	"strings"
	"testing"

	"perch/tests/session"
)

// moshSays is mosh's own: it wants an address, to which it can send UDP.
const moshSays = "Did not find remote IP address (is SSH ProxyCommand disabled?)"

// TestMosh: it ends, and says why.
func TestMosh(t *testing.T) {
	j := session.Start(t)
	out, err := j.Command("mosh", "--ssh=perch-ssh", j.Target).CombinedOutput()
	if err == nil || !strings.Contains(string(out), moshSays) {
		t.Errorf("mosh says %q, %v", out, err)
	}
}

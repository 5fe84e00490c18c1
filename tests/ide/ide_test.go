// Package ide has real IDEs, and programs that hold their conversations word
// for word, work in a job: a real VS Code server is started there, and reached
// from a real browser.
package ide

import (
	"os"
	"testing"
	"time"

	"perch/tests/session"
	"perch/tests/vscode"
)

func TestMain(m *testing.M) { os.Exit(session.Main(m)) }

// TestContainer works in a job of the local engine, in the repository's own
// image. All have the one job, as a user's windows have.
func TestContainer(t *testing.T) {
	t.Parallel()
	server := vscode.Get(t)
	s := session.Start(t, append(session.Image(t), "request_memory = 2G")...)
	l := newLaptop(t)
	l.join(t, l.local(t, s))
	j := &job{command: s.Command, target: s.Target, server: server}
	j.upload(t)
	t.Run("conversations", func(t *testing.T) { conversations(t, j, s) })
	t.Run("exec server", func(t *testing.T) { execServer(t, j, s) })
	t.Run("open-remote-ssh", func(t *testing.T) { openRemoteSSH(t, j, s) })
	t.Run("coding agent", func(t *testing.T) { codingAgent(t, j, s) })
	t.Run("Zed", func(t *testing.T) { zed(t, j, s) })
	t.Run("Gateway", func(t *testing.T) { gateway(t, j, s) })
	t.Run("workbench by -L", func(t *testing.T) { workbenchByForward(t, j) })
	t.Run("workbench by -D", func(t *testing.T) { workbenchBySOCKS(t, j) })
	t.Run("reconnect", func(t *testing.T) { reconnect(t, j, j.here(t), time.Second) })
	t.Run("reconnect from another address", func(t *testing.T) { fromElsewhere(t, j, l) })
	t.Run("reconnect too late", func(t *testing.T) { tooLate(t, j, l.there(t)) })
}

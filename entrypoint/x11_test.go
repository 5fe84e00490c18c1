package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startX starts an X server on a display of its own, which lets in only whom
// its cookie file has, and returns the environment of its users.
func startX(t *testing.T) []string {
	t.Helper()
	authority := filepath.Join(t.TempDir(), "authority")
	const cookie = "00112233445566778899aabbccddeeff"
	const display = "87"
	add := exec.Command("xauth", "-f", authority, "add", ":"+display, ".", cookie)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("xauth: %v\n%s", err, out)
	}
	x := exec.CommandContext(t.Context(), "Xvfb", ":"+display, "-auth", authority, "-nolisten", "tcp", "-screen", "0", "321x234x24")
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Process.Kill(); x.Wait() })
	env := []string{"DISPLAY=:" + display, "XAUTHORITY=" + authority, "PATH=/usr/bin:/bin"}
	eventually(t, "the X server answers", func() bool {
		info := exec.Command("xdpyinfo")
		info.Env = env
		return info.Run() == nil
	})
	return env
}

// X clients in the job show their windows on the user's display: with a cookie
// that is real, and with none or another one they are not let in.
func TestX11(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	env := startX(t)
	for _, flag := range []string{"-X", "-Y"} {
		t.Run(flag, func(t *testing.T) {
			remote := func(command string) result {
				cmd := j.client("ssh", flag, "job", command)
				cmd.Env = env
				return run(t, cmd, "")
			}
			if got := remote("xdpyinfo"); got.code != 0 || !strings.Contains(got.stdout, "321x234 pixels") {
				t.Errorf("xdpyinfo: got %+v", got)
			}
			if got := remote("xauth list $DISPLAY; stat -c %a $XAUTHORITY"); !strings.Contains(got.stdout, "MIT-MAGIC-COOKIE-1") || !strings.HasSuffix(got.stdout, "600\n") {
				t.Errorf("xauth list: got %+v", got)
			}
			if got := remote("XAUTHORITY=/dev/null xdpyinfo"); got.code == 0 {
				t.Error("a client without the cookie is let in")
			}
			if got := remote("echo $DISPLAY $XAUTHORITY"); got.stdout == "\n" {
				t.Errorf("got %+v", got)
			}
		})
	}
	if got := j.ssh("", "-x", "job", "echo $DISPLAY$XAUTHORITY; ls $XDG_RUNTIME_DIR"); strings.Contains(got.stdout, "xauth") || strings.Contains(got.stdout, ":") {
		t.Errorf("without forwarding, and after it: got %+v", got)
	}
}

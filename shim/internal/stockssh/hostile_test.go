package stockssh

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// role makes the test program act as something else, see TestMain.
const role = "PERCH_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "hostile":
		fmt.Fprintln(os.Stderr, becomeHostile(os.Args[1], os.Args[2:]))
	case "arguments":
		fmt.Fprintln(os.Stderr, writeArguments(os.Args))
	}
	os.Exit(1)
}

// becomeHostile runs argv where the files in dir have taken the place of the
// account's entry in /etc/passwd, and with it of its home, and of ssh's system
// configuration. ssh takes the home from there, not from HOME. It runs in a
// mount namespace of its own.
func becomeHostile(dir string, argv []string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	for from, to := range map[string]string{"passwd": "/etc/passwd", "system_config": "/etc/ssh/ssh_config"} {
		if err := syscall.Mount(filepath.Join(dir, from), to, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting over %s: %w", to, err)
		}
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, argv, slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, role+"=") }))
}

// hostile is a command that runs argv with that text as the user's and the
// system's ssh_config.
func hostile(t *testing.T, config string, mode os.FileMode, argv ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"passwd":           "root:x:0:0::" + dir + "/home:/bin/sh\n",
		"system_config":    config,
		"home/.ssh/config": config,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/proc/self/exe", append([]string{dir}, argv...)...)
	cmd.Env = append(os.Environ(), role+"=hostile", "HOME="+dir+"/home")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// TestHostileConfig puts what could break ssh into ~/.ssh/config and
// /etc/ssh/ssh_config, shows that it does break a plain ssh, and that Perch's
// command line means the same with it as without.
func TestHostileConfig(t *testing.T) {
	for _, c := range []struct {
		name, config string
		mode         os.FileMode
		trap         string // in the output of a plain ssh -G, error or not
	}{
		{"settings", `
LocalForward 4711 evil:4712
RemoteCommand evil
ControlMaster auto
ControlPath ~/evil
ProxyJump evil
SendEnv *
Host *.perch
  HostName other
  User evil
  IdentityFile ~/evil
  StrictHostKeyChecking no
`, 0o600, "\nproxyjump evil\n"},
		{"match", "Match exec true\n  ProxyCommand evil\n", 0o600, "\nproxycommand evil\n"},
		{"syntax error", "Host *\n  ProxyCommand \"evil\n", 0o600, "invalid quotes"},
		{"unknown option", "Evil yes\n", 0o600, "Bad configuration option: evil"},
		{"writable by others", "Port 4711\n", 0o666, "Bad owner or permissions"},
		{"blank", "", 0o600, "\nport 22\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := testTarget(t, t.TempDir())
			plain := hostile(t, c.config, c.mode, "ssh", "-G", target.Alias)
			if out, err := output(plain); !strings.Contains(fmt.Sprint(out, err), c.trap) {
				t.Errorf("the trap is not in place: a plain ssh says\n%s%v", out, err)
			}
			line := argv(t, target, "-v", "-T", "-D", "41007", "JDL:x", "bash")
			out, err := output(hostile(t, c.config, c.mode, append([]string{"ssh", "-G"}, line[1:]...)...))
			if err != nil {
				t.Fatal(err)
			}
			want := dump(t, line...)
			if os.Getuid() != 0 { // in its namespace ssh takes us for root
				want = withoutUser(want)
			}
			if diff := cmp.Diff(want, settingsOf(out)); diff != "" {
				t.Errorf("ssh -G, without the hostile files -, with them +\n%s", diff)
			}
		})
	}
}

func withoutUser(lines []string) []string {
	for i, l := range lines {
		if strings.HasPrefix(l, "user ") {
			lines[i] = "user root"
		}
	}
	return lines
}

package clients

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"perch/tests/session"
)

// site is the user's machine with the one job.
type site struct {
	*session.Job
	witness *witness
	// laptop is the environment of the user on another machine.
	laptop []string
	// prepared has a sync.Once for each line of prepare.
	prepared sync.Map
}

// newSite starts the job and writes what the README tells a user to: the job's
// host key among the known ones, and a section that leads through perch proxy.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Job: session.Start(t)}
	// Debian's programs come before others of the same name.
	s.Env = append(s.Env, "PATH="+filepath.Dir(session.Program("perch"))+":/usr/bin:/bin:"+os.Getenv("PATH"),
		"LC_ALL=C.UTF-8", "KEY="+s.Identity, "ALIAS="+s.HostKeyAlias)
	s.letIn(t)
	known := filepath.Join(s.User, ".ssh", "known_hosts")
	s.write(t, ".ssh/known_hosts", s.Run(t, "perch", "hostkey", s.Target))
	s.write(t, "ssh_config", fmt.Sprintf(`Host job
    ProxyCommand perch proxy JDL:~/job.jdl
    HostKeyAlias %s
    IdentityFile %s
    ConnectTimeout 0
    Ciphers ^aes128-gcm@openssh.com
    UserKnownHostsFile %s
    IdentitiesOnly yes
    StrictHostKeyChecking yes
    BatchMode yes
`, s.HostKeyAlias, s.Identity, known))
	s.write(t, ".gitconfig", "[user]\n\tname = A User\n\temail = user@example.org\n")
	fingerprint := strings.Fields(s.Run(t, "ssh-keygen", "-lf", known))[1]
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	s.Env = append(s.Env, "FINGERPRINT="+fingerprint, "TESTDATA="+testdata, "NODE_MODULES="+nodeModules(t))
	s.laptop = s.newLaptop(t)
	s.witness = s.newWitness(t)
	return s
}

func (s *site) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.User, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// witness is a session that is there all the time: whatever a client does or
// suffers, it goes on.
type witness struct {
	sync.Mutex
	in  io.Writer
	out *bufio.Reader
	n   int
}

func (s *site) newWitness(t *testing.T) *witness {
	t.Helper()
	cmd := s.Command("perch-ssh", s.Target, "cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the session that should outlive all others: %v", err)
		}
	})
	return &witness{in: in, out: bufio.NewReader(out)}
}

// answers fails the test unless the session still does.
func (w *witness) answers(t *testing.T) {
	t.Helper()
	w.Lock()
	defer w.Unlock()
	w.n++
	asked := fmt.Sprintln("question", w.n)
	if _, err := io.WriteString(w.in, asked); err != nil {
		t.Fatalf("another session: %v", err)
	}
	if answer, err := w.out.ReadString('\n'); err != nil || answer != asked {
		t.Fatalf("another session answers %q to %q, %v", answer, asked, err)
	}
}

// row is a client at work.
type row struct {
	*site
	client
	// name is a folder's.
	name string
}

func (s *site) row(c client) *row {
	return &row{s, c, dashed(c.String())}
}

// patience is for what hangs.
const patience = 90 * time.Second

// ended is what a line came to.
type ended struct {
	stdout, stderr string
	code           int
}

// sh is a line of the client's, with variables of its own.
func (r *row) sh(ctx context.Context, line string, vars ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	env := r.Env
	if r.way == byLaptop {
		env = r.laptop
	}
	cmd.Dir, cmd.Env = r.User, append(slices.Clone(env), vars...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs a line to its end.
func (r *row) run(t *testing.T, line string, vars ...string) ended {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	cmd := r.sh(ctx, line, vars...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) || ctx.Err() != nil {
		t.Fatalf("%s: %v after %v\nstdout: %s\nstderr: %s", line, err, patience, &stdout, &stderr)
	}
	return ended{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// succeed runs a line that has to.
func (r *row) succeed(t *testing.T, line string, vars ...string) ended {
	t.Helper()
	e := r.run(t, line, vars...)
	if e.code != 0 {
		t.Fatalf("%s\n%q: exit status %d\nstdout: %s\nstderr: %s", line, vars, e.code, e.stdout, e.stderr)
	}
	return e
}

package htcondor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/carrierssh"
	"perch/shim/internal/engine"
)

// maxSocketPath is sun_path of unix(7), less the final zero.
const maxSocketPath = 107

// Carry runs condor_ssh_to_job. On the way Forward the ssh inside it forwards
// sock to the job's socket; its sshd is outside of the container and reaches
// the socket by the scratch directory's path there.
func (e *Engine) Carry(ctx context.Context, j engine.Job, sock string, way engine.Way) (engine.Carrier, error) {
	if way == engine.PerConnection {
		return e.carryEach(ctx, j, sock)
	}
	far := filepath.Join(j.Scratch, contract.Dir, contract.SocketName)
	if j.Scratch == "" || len(far) > maxSocketPath || strings.ContainsAny(far+sock, ": \t") {
		return nil, fmt.Errorf("forwarding %s: %w", far, engine.ErrNoSuchWay)
	}
	note := filepath.Join(filepath.Dir(sock), carrierssh.NoteName)
	ssh := strings.Join(append([]string{e.PerchSSH, carrierssh.Flag, note, e.SSH}, forward(sock, far)...), " ")
	return e.start(ctx, j.ID, note, sock, "-ssh", ssh, j.ID)
}

// hardened are the options of every ssh of Perch's in condor_ssh_to_job: the
// user's ssh_config has no say, and a connection that has died is noticed
// within a minute.
var hardened = []string{"-F", "/dev/null",
	"-o", "ControlMaster=no", "-o", "ControlPath=none",
	"-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"}

func forward(sock, far string) []string {
	return append(slices.Clone(hardened), "-N",
		"-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindUnlink=yes",
		"-L", sock+":"+far)
}

// process is a running condor_ssh_to_job.
type process struct {
	done chan struct{}
	err  error
}

// Wait blocks until condor_ssh_to_job has ended.
func (p *process) Wait() error {
	<-p.done
	return p.err
}

func (e *Engine) start(ctx context.Context, id, note, sock string, args ...string) (*process, error) {
	cmd := exec.Command("condor_ssh_to_job", args...)
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.done)
		p.err = guard(ctx, cmd, note, started)
		os.Remove(sock)
		if p.err != nil {
			p.err = refusal(id, said.String(), p.err)
		}
	}()
	return p, <-started
}

// guard starts cmd, tells how that went, and sees it to its end. It stays on
// one thread: the kernel ends cmd when that thread ends, so that nothing is
// left if keep is killed.
func guard(ctx context.Context, cmd *exec.Cmd, note string, started chan<- error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		err = fmt.Errorf("starting condor_ssh_to_job: %w", err)
		started <- err
		return err
	}
	started <- nil
	stop := context.AfterFunc(ctx, func() { carrierssh.End(note, cmd.Process) })
	defer stop()
	err := cmd.Wait()
	// Its ssh, and what that has started, may be left in its group.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	carrierssh.Sweep(note)
	return err
}

// refusal tells why condor_ssh_to_job ended. It says the same while a job is
// idle, while its container is not up, and where the site forbids it.
func refusal(id, said string, err error) error {
	line := complaint(said)
	if strings.Contains(said, "auto-retry") || strings.Contains(said, "Failed to read address of starter") {
		return fmt.Errorf("entering job %s: %w", id, engine.ErrNotYet)
	}
	if line == "" {
		return fmt.Errorf("entering job %s: condor_ssh_to_job: %w", id, err)
	}
	return fmt.Errorf("entering job %s: condor_ssh_to_job: %s", id, line)
}

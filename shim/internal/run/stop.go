package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
	"perch/shim/internal/keep"
	"perch/shim/internal/keys"
	"perch/shim/internal/standin"
	"perch/shim/internal/stockssh"
	"perch/shim/internal/target"
	"perch/shim/internal/userlog"
)

// Stop ends the target's jobs: one that can be entered is asked to end by
// itself, so that its output comes back; what is left after grace is removed.
func (r *Runner) Stop(ctx context.Context, arg string, grace time.Duration) error {
	t, err := r.Target(arg)
	if err != nil {
		return err
	}
	jobs, err := r.Engine.Find(ctx, t.Hash)
	if err != nil {
		return err
	}
	stopped := 0
	for _, j := range jobs {
		if !j.Live() && !j.Evicted {
			continue
		}
		if err := r.stopOne(ctx, t, j, grace); err != nil {
			return err
		}
		stopped++
	}
	if stopped == 0 {
		r.Say.Line("%s has no job", t.Name)
	}
	return nil
}

func (r *Runner) stopOne(ctx context.Context, t target.Target, j engine.Job, grace time.Duration) (err error) {
	defer func() {
		if err != nil {
			t.EndKeep() // of a job that may live on: the next call's has a socket again
		}
	}()
	if j.State == engine.Running {
		err := r.reach(ctx, t, j, grace)
		if err == nil {
			err = r.ask(ctx, t, t.Socket())
		}
		if err != nil && !errors.Is(err, errNoKey) && !errors.Is(err, errAnswers) {
			// The carrier may have broken, which keep knows a minute later.
			if anew := r.askBeside(ctx, t, j); anew == nil || errors.Is(anew, errAnswers) {
				err = anew
			}
		}
		t.Hide()
		if err != nil {
			r.Say.Line("job %s cannot be asked to end (%v); removing it", j.ID, err)
		} else if ended, err := r.ended(ctx, j, grace); err != nil {
			return err
		} else if ended {
			r.Say.Line("job %s (%s) has ended", j.ID, t.Name)
			return nil
		} else {
			r.Say.Line("job %s has not ended within %v; removing it", j.ID, grace)
		}
	}
	if err := r.Engine.Remove(ctx, j, StopReason); err != nil {
		return err
	}
	r.Say.Line("job %s (%s) was removed", j.ID, t.Name)
	return nil
}

// What is no better by another carrier.
var (
	errNoKey   = errors.New("its key is not here")
	errAnswers = errors.New("it answers")
)

// reach has a carrier stand where this host has none.
func (r *Runner) reach(ctx context.Context, t target.Target, j engine.Job, limit time.Duration) error {
	if t.Standing() {
		return nil
	}
	if set, err := keys.Load(t.State); err != nil || set.Fingerprint != j.Key {
		return errNoKey
	}
	if err := t.MakeDirs(); err != nil {
		return err
	}
	if err := keep.Start(r.Paths.Perch, t, j); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); !t.Standing(); {
		select {
		case <-ctx.Done():
			tick.Stop()
			return fmt.Errorf("no connection to it stands after %v", limit)
		case <-tick.C:
		}
	}
	return nil
}

// askBeside asks through a carrier of its own, beside the one that keep has.
func (r *Runner) askBeside(ctx context.Context, t target.Target, j engine.Job) error {
	if err := t.MakeDirs(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(t.Runtime, "stop")
	if err != nil {
		return fmt.Errorf("making a directory for a carrier: %w", err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sock := filepath.Join(dir, "sock")
	c, err := r.Engine.Carry(ctx, j, sock, engine.PerConnection)
	if errors.Is(err, engine.ErrNoSuchWay) {
		c, err = r.Engine.Carry(ctx, j, sock, engine.Forward)
	}
	if err != nil {
		return err
	}
	err = r.ask(ctx, t, sock)
	// HTCondor does not end a job that is entered: this carrier goes, and keep
	// closes the other.
	t.EndKeep()
	cancel()
	_ = c.Wait()
	return err
}

// ask gives the command to end over SSH, by the stock client, as the user
// name that does not count as somebody being there.
func (r *Runner) ask(ctx context.Context, t target.Target, sock string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	// The file's own proxy command would submit a job if this one had gone.
	proxy := stockssh.ProxyValue(standin.ConnectCommand(r.Paths.PerchSSH, sock))
	cmd := exec.CommandContext(ctx, r.Paths.SSH, "-F", t.ConfigPath(), "-T",
		"-o", "ProxyCommand="+proxy, "-o", "ConnectTimeout=10", "-l", contract.ControlUser, "-s", t.Alias(), contract.Subsystem)
	cmd.Stdin = strings.NewReader(contract.CommandStop + "\n")
	cmd.WaitDelay = time.Second
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	answer := strings.TrimSpace(string(out))
	switch {
	case answer == contract.ReplyOK:
		return nil
	case answer != "":
		return fmt.Errorf("%w %q", errAnswers, answer)
	case err != nil:
		return fmt.Errorf("%w: %s", err, strings.Join(strings.Fields(said.String()), " "))
	}
	return fmt.Errorf("it does not answer")
}

// ended waits for the end of a job in its user log: for grace, and then for as
// long as HTCondor transfers its output, which a removal would lose.
func (r *Runner) ended(ctx context.Context, j engine.Job, grace time.Duration) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var state userlog.State
	events := userlog.Follow(ctx, j.Log, j.ID)
	late := time.After(grace)
	over := false
	for {
		select {
		case some, open := <-events:
			if !open {
				return false, fmt.Errorf("waiting for the end of job %s: %w", j.ID, context.Cause(ctx))
			}
			for _, e := range some {
				state.Add(e)
			}
		case <-late:
			over = true
			if state.State == engine.Transferring {
				r.Say.Line("job %s transfers its output; waiting for that", j.ID)
			}
		}
		switch {
		case state.Ended():
			return true, nil
		case state.State == engine.Held:
			return false, fmt.Errorf("job %s is held since %s: %s; its output may still be there: see to the reason, or give it up by perch stop",
				j.ID, state.Since.Format(time.TimeOnly), state.Reason)
		case over && state.State != engine.Transferring:
			return false, nil
		}
	}
}

// Logs returns the files that say how the target's last job went: those that
// exist.
func (r *Runner) Logs(arg string) ([]string, error) {
	t, err := r.Target(arg)
	if err != nil {
		return nil, err
	}
	log := t.Note().Job.Log
	if log == "" {
		log = t.LogPath()
	}
	var files []string
	for _, f := range []string{log, filepath.Join(t.State, target.KeepLog)} {
		if _, err := os.Stat(f); err == nil {
			files = append(files, f)
		}
	}
	if files == nil {
		return nil, fmt.Errorf("%s has no logs; it never had a job here", t.Name)
	}
	return files, nil
}

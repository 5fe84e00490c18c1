package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// profileLimit is how long an image's profile may take before sessions go
	// on without it.
	profileLimit = 5 * time.Second
	// maxProfile is how much environment is taken from it, in bytes.
	maxProfile = 1 << 20
)

var errSlowProfile = fmt.Errorf("the image's profile takes longer than %v, and commands go on without it; look into /etc/profile.d", profileLimit)

// Profile is what the image's own profile (/etc/profile and what it reads) makes
// of the environment. A login shell reads it by itself; sshd(8) leaves commands,
// and so an IDE's terminals, without it.
type Profile struct {
	done chan struct{}
	vars map[string]string
	err  error
}

// Overruled is what a profile takes away that the job knows better. Commands have
// it all the same; a login shell, which reads the profile itself, has not.
type Overruled struct {
	// Path are the parts of the job's PATH, but those that every system has,
	// that are not in the profile's.
	Path []string
	// Vars are other variables, as they were.
	Vars map[string]string
}

// ReadProfile has the account's shell read its profile, beside the caller. What
// the profile writes is thrown away, and it is killed when it takes too long.
// overruled is called before anything has the profile's variables.
func (a Account) ReadProfile(ctx context.Context, overruled func(Overruled)) *Profile {
	p := &Profile{done: make(chan struct{})}
	given := a.environ(nil, nil)
	type result struct {
		vars map[string]string
		err  error
	}
	read := make(chan result, 1)
	ctx, cancel := context.WithTimeout(ctx, profileLimit)
	go func() {
		vars, err := a.profileEnviron(ctx, given)
		read <- result{vars, err}
	}()
	go func() {
		defer cancel()
		defer close(p.done)
		select {
		case got := <-read:
			if p.err = got.err; got.vars != nil {
				var lost Overruled
				p.vars, lost = a.changes(Vars(given), got.vars)
				overruled(lost)
			}
		case <-ctx.Done(): // a profile that waits for a file system cannot even be killed
			p.err = errSlowProfile
		}
	}()
	return p
}

// Wait returns when the profile has been read. The error says why it was not;
// then commands do without it.
func (p *Profile) Wait() error {
	<-p.done
	return p.err
}

// profileEnviron returns the environment at the end of the profile, nil where none
// is read. It is that of a program, which has what the profile exports.
func (a Account) profileEnviron(ctx context.Context, environ []string) (map[string]string, error) {
	switch filepath.Base(a.Shell) {
	case "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh":
	default:
		return nil, nil // csh(1) takes no command as a login shell, fish(1) no $0
	}
	// A file, since what a profile leaves behind would hold a pipe.
	out, err := os.CreateTemp(a.Runtime, "profile")
	if err != nil {
		return nil, fmt.Errorf("reading the image's profile, without which commands go on: %w", err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.CommandContext(ctx, a.Shell, "-l", "-c", `exec cat /proc/self/environ >|"$0"`, out.Name())
	cmd.Env, cmd.Dir = environ, a.Home
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, errSlowProfile
	}
	text, readErr := io.ReadAll(io.LimitReader(out, maxProfile))
	switch {
	case err != nil, readErr != nil:
		return nil, fmt.Errorf("reading the image's profile, without which commands go on: %w", errors.Join(err, readErr))
	case len(text) == 0, len(text) == maxProfile:
		return nil, errors.New("the image's profile ends without an environment, and commands go on without it; look into /etc/profile")
	}
	got := map[string]string{}
	for assignment := range bytes.SplitSeq(text, []byte{0}) {
		if name, value, ok := strings.Cut(string(assignment), "="); ok && (isName(name) || strings.HasPrefix(name, "BASH_FUNC_")) {
			got[name] = value
		}
	}
	return got, nil
}

// kept are variables that the job or Perch knows better than a profile, beside
// those of Place and HTCondor's own.
var kept = []string{
	"HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "XDG_RUNTIME_DIR",
	"CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "NVIDIA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
}

// granted are those by which libraries know how many threads to start (HTCondor
// manual, STARTER_NUM_THREADS_ENV_VARS). A profile may ask for fewer.
var granted = []string{
	"CUBACORES", "GOMAXPROCS", "JULIA_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT",
	"OPENBLAS_NUM_THREADS", "PYTHON_CPU_COUNT", "ROOT_MAX_THREADS", "TF_LOOP_PARALLEL_ITERATIONS", "TF_NUM_THREADS",
}

// knows says whether the job's value of a variable counts, and not a profile's.
func (a Account) knows(name, job, profile string) bool {
	if slices.Contains(granted, name) {
		most, err := strconv.Atoi(job)
		asked, failed := strconv.Atoi(profile)
		return err == nil && (failed != nil || asked > most)
	}
	_, ours := a.Place[name]
	return isName(name) && (ours || slices.Contains(kept, name) || strings.HasPrefix(name, "_CONDOR_"))
}

// changes are what a profile has set or changed, but for what the job knows better.
// Parts of PATH that it drops are the image's or the job's own, and stand in front;
// what every system has is the profile's choice.
func (a Account) changes(given, got map[string]string) (vars map[string]string, lost Overruled) {
	vars, lost.Vars = map[string]string{}, map[string]string{}
	for name, value := range got {
		before, has := given[name]
		if value != before && !slices.Contains(foreign, name) && !(has && a.knows(name, before, value)) {
			vars[name] = value
		}
	}
	for name, value := range given {
		if got[name] != value && a.knows(name, value, got[name]) {
			lost.Vars[name] = value
		}
	}
	path, ok := vars["PATH"]
	if !ok {
		return vars, lost
	}
	own, usual := filepath.SplitList(path), filepath.SplitList(defaultPath)
	for _, part := range filepath.SplitList(given["PATH"]) {
		if part != "" && !slices.Contains(slices.Concat(own, usual, lost.Path), part) {
			lost.Path = append(lost.Path, part)
		}
	}
	vars["PATH"] = strings.Join(slices.Concat(lost.Path, own), ":")
	return vars, lost
}

// changed waits for the profile, and returns what it has changed. A nil Profile
// has changed nothing.
func (p *Profile) changed() map[string]string {
	if p == nil {
		return nil
	}
	<-p.done
	return p.vars
}

package target

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// The environment decides which queue a target belongs to; finding out takes
// HTCondor's tools some tens of milliseconds. So each target leaves a link,
// named by the real path and what of the environment counts.
var deciding = []string{"PERCH_ENGINE", "CONDOR_CONFIG", "_CONDOR_SCHEDD_HOST", "_CONDOR_SCHEDD_NAME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME"}

func shortcut(jdl string) (string, error) {
	base, err := runtimeBase()
	if err != nil {
		return "", err
	}
	parts := []string{jdl}
	for _, name := range deciding {
		parts = append(parts, os.Getenv(name))
	}
	// Where HTCondor is found, its queue is meant.
	tool, _ := exec.LookPath("condor_submit")
	parts = append(parts, tool)
	return filepath.Join(base, "by-path", hashOf(parts...)), nil
}

// Known returns the target that arg names if this host has prepared it before
// in the same environment, and it still is, without asking any queue.
func Known(arg string) (Target, bool, error) {
	jdl, err := RealPath(arg)
	if errors.Is(err, errNone) && Word(arg) != "" {
		return Target{}, false, nil // perch knows whether there is such a template
	}
	if err != nil {
		return Target{}, false, err
	}
	short, err := shortcut(jdl)
	if err != nil {
		return Target{}, false, err
	}
	runtime, err := os.Readlink(short)
	if err != nil {
		return Target{}, false, nil
	}
	state, err := os.Readlink(filepath.Join(runtime, StateLink))
	if err != nil {
		return Target{}, false, nil
	}
	t := Target{JDL: jdl, Name: nameOf(jdl), Hash: filepath.Base(runtime), State: state, Runtime: runtime}
	for _, needed := range []string{t.ConfigPath(), t.IdentityPath()} {
		if unix.Access(needed, unix.R_OK) != nil {
			return Target{}, false, nil // the state folder was deleted since
		}
	}
	return t, true, nil
}

// Socket is the unix socket that leads to the job while Standing.
func (t Target) Socket() string { return filepath.Join(t.Runtime, Socket) }

// Alias is the host name by which ssh knows the target.
func (t Target) Alias() string { return t.Name + ".perch" }

// HostKeyAlias is the name under which the host key stands in known_hosts.
func (t Target) HostKeyAlias() string { return "perch-" + t.Hash }

// Standing tells whether a keep of this host holds a proved carrier to a job
// of the target. It asks nobody, so a job that has just died may still stand.
func (t Target) Standing() bool {
	if _, err := os.Lstat(t.Socket()); err != nil {
		return false
	}
	return t.Kept()
}

// Hide takes the socket away, so that no shim of this host enters the job any
// more: one that was asked to end lets people in for a moment yet. Keep does not
// show it again while its carrier holds.
func (t Target) Hide() { _ = os.Remove(t.Socket()) }

// Kept tells whether a keep of this host runs for the target.
func (t Target) Kept() bool {
	lock, err := unix.Open(filepath.Join(t.Runtime, KeepLock), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(lock)
	return unix.Flock(lock, unix.LOCK_SH|unix.LOCK_NB) == unix.EWOULDBLOCK
}

// EndKeep asks the target's keep of this host, if there is one, to end, which it
// does within seconds. Keep has its lock until then, so that the next one does
// not meet it.
func (t Target) EndKeep() {
	lock, err := unix.Open(filepath.Join(t.Runtime, KeepLock), unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer unix.Close(lock)
	_ = unix.Ftruncate(lock, 1) // takes no room on a full disk
}

// String names the target for people.
func (t Target) String() string { return fmt.Sprintf("%s (%s)", t.Name, strconv.Quote(t.JDL)) }

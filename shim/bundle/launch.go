package bundle

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
)

// launcher is the path, in a container made without root, of this program
// itself. Started under that name it is the container's first process: it gives
// the user the own uid back by a user namespace, starts the program in it,
// passes signals on and reaps, as Apptainer's appinit does.
const launcher = "/.perch-launch"

// exitNoProgram is the shell's exit status for a command that is not there
// (POSIX, Shell Command Language, 2.8.2).
const exitNoProgram = 127

// A program that imports this package need not know that it is also the
// launcher.
func init() {
	if len(os.Args) > 3 && os.Args[0] == launcher {
		os.Exit(launch(os.Args[1], os.Args[2], os.Args[3:]))
	}
}

// launch runs args as uid and gid and returns its exit status.
func launch(uid, gid string, args []string) int {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	child, err := startAs(uid, gid, args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "perch: starting %s in the container: %v\n", args[0], err)
		return exitNoProgram
	}
	go forward(signals, child)
	return reap(child)
}

// startAs starts args in a user namespace in which uid and gid stand for the
// user whose container this is.
func startAs(uid, gid string, args []string) (int, error) {
	u, errUID := strconv.Atoi(uid)
	g, errGID := strconv.Atoi(gid)
	if err := errors.Join(errUID, errGID); err != nil {
		return 0, err
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return 0, err
	}
	return syscall.ForkExec(path, args, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys: &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: u, HostID: 0, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: g, HostID: 0, Size: 1}},
		},
	})
}

// forward passes on what is meant for the program. SIGCHLD is not, and SIGURG
// is how the Go runtime interrupts its own threads.
func forward(signals <-chan os.Signal, child int) {
	for s := range signals {
		if s != syscall.SIGCHLD && s != syscall.SIGURG {
			_ = syscall.Kill(child, s.(syscall.Signal))
		}
	}
}

// reap waits for every process that ends until it is child, and returns its
// exit status, 128+n for signal n.
func reap(child int) int {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return exitNoProgram
		case pid == child && status.Signaled():
			return 128 + int(status.Signal())
		case pid == child:
			return status.ExitStatus()
		}
	}
}

// launcherProgram returns the path of this program, which has to run in any
// image, and therefore to be static.
func launcherProgram() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := elf.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "", fmt.Errorf("%s is not static and so cannot start a container's first process; build it with CGO_ENABLED=0", path)
		}
	}
	return path, nil
}

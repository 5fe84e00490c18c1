// Package serve is the life of a job: it prepares the job home, serves SSH
// until the job should end, and takes leave of everybody.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/check"
	"perch/entrypoint/internal/config"
	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/home"
	"perch/entrypoint/internal/idle"
	"perch/entrypoint/internal/login"
	"perch/entrypoint/internal/reap"
	"perch/entrypoint/internal/sockpath"
	"perch/entrypoint/internal/sshd"
)

// gcPercent lets the heap grow to five times what is in use, which is a few MiB,
// but not beyond sshd.MemoryLimit.
const gcPercent = 400

// failure is an error with the exit code that it leads to.
type failure struct {
	code int
	err  error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// Run serves until the job ends and returns the exit code. What has happened
// goes to the job's output, failures to its error output.
func Run(stdout, stderr io.Writer) int {
	// A closed output must not end the job. The signal is caught, not ignored:
	// commands would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	// x/crypto allocates each packet that it reads, and a small heap would be
	// collected every few packets: a third of the processor time of a transfer.
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(sshd.MemoryLimit)

	err := run(signals, stdout)
	if err == nil {
		return contract.ExitOK
	}
	fmt.Fprintf(stderr, "perch-entrypoint: %v\n", err)
	var f failure
	if errors.As(err, &f) {
		return f.code
	}
	return contract.ExitFailure
}

func run(signals <-chan os.Signal, stdout io.Writer) error {
	settings, notes := config.Read(os.Getenv)
	place, err := home.Prepare(os.Getenv, home.Wishes{Sysroot: settings.Sysroot, IDECache: settings.IDECache})
	if err != nil {
		return failure{contract.ExitNoHome, err}
	}
	defer place.Close()
	log := openLog(place.Path(contract.LogName), stdout)
	defer log.Close()
	job := &job{place: place, log: log, account: login.Find(place, os.Environ()), settings: settings, notes: notes, begun: time.Now()}
	if err := job.setUp(); err != nil {
		log.say("cannot serve: %v", err)
		return err
	}
	return job.serve(signals)
}

// job is a job that is being served.
type job struct {
	place    *home.Place
	account  login.Account
	settings config.Settings
	notes    []string
	log      *eventLog
	begun    time.Time
	said     int // of place.Found
	untold   untold

	hostKey    ssh.Signer
	authorized []ssh.PublicKey
}

// setUp makes ready what has to be there before anybody connects.
func (j *job) setUp() error {
	j.writeStatus(contract.StateStarting, "")
	if err := j.takeKeys(); err != nil {
		return failure{contract.ExitNoKeys, err}
	}
	if err := j.place.CopyProgram(); err != nil {
		j.notes = append(j.notes, err.Error())
	}
	if missing := j.account.MissingLocales(); missing != nil {
		j.place.Note("wrong LANG", finding.Mended, "the image has no locale for %s: it is dropped", strings.Join(missing, ", "))
	}
	for _, note := range j.notes {
		j.note(note, true)
	}
	j.sayFound()
	return nil
}

func (j *job) takeKeys() error {
	hostKey, authorized, err := j.place.TakeKeys()
	if err != nil {
		return err
	}
	if j.hostKey, err = ssh.ParsePrivateKey(hostKey); err != nil {
		return fmt.Errorf("reading the host key: %w", err)
	}
	keys, notes := sshd.ParseAuthorizedKeys(authorized)
	j.notes = append(j.notes, notes...)
	if len(keys) == 0 {
		return errors.New("reading the authorized keys: there is none that can be used")
	}
	j.authorized = keys
	return nil
}

// serve serves until the job should end, and ends it.
func (j *job) serve(signals <-chan os.Signal) error {
	socket := j.place.Socket
	listener, err := listen(socket)
	if name := j.place.Path(contract.SocketName); err == nil && name != socket {
		err = relink(socket, name)
	}
	if err != nil {
		j.log.say("cannot serve: %v", err)
		return failure{contract.ExitNoSocket, err}
	}
	defer os.Remove(socket)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	j.account.Profile = j.account.ReadProfile(ctx, func(o login.Overruled) { j.place.KeepEnviron(j.account.Shell, o.Path, o.Vars) })
	asked := make(chan string, 1)
	watch := idle.New(j.settings.IdleTimeout, j.settings.IdleConnected)
	server := sshd.New(sshd.Config{
		HostKey:    j.hostKey,
		Authorized: j.authorized,
		Account:    j.account,
		Activity:   watch,
		Stop:       func(reason string) { offer(asked, reason) },
		Log:        j.log.details(),
		Greeting:   j.greeting,
		Notes:      j.untold.take,
	})
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	j.writeStatus(contract.StateReady, "")
	j.log.say("ready: sessions start in %s", j.place.Home)
	go j.inspect() // beside: an image on a network file system may be slow

	reason, signalled, err := await(signals, asked, failed, watch)
	j.log.say("the job ends: %s", reason)
	j.writeStatus(contract.StateEnding, reason)
	server.Shutdown(reason)
	if signalled {
		// Init may be gone: its death is the same signal.
		reap.Sweep("XDG_RUNTIME_DIR=" + j.place.Runtime)
	}
	return err
}

// inspect says what people and an IDE would trip over here.
func (j *job) inspect() {
	if err := j.account.Profile.Wait(); err != nil {
		j.note(err.Error(), true)
	}
	j.sayFound()
	for _, problem := range check.Problems(j.place, j.account) {
		j.note(problem, true)
	}
	// What the start took, whole libraries among it, is not needed any more.
	debug.FreeOSMemory()
}

// await blocks until there is a reason to end the job. It says whether that was
// a signal.
func await(signals <-chan os.Signal, asked <-chan string, failed <-chan error, watch *idle.Watch) (reason string, signalled bool, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	idled := make(chan string, 1)
	go func() { idled <- watch.Wait(ctx) }()
	select {
	case s := <-signals:
		return fmt.Sprintf("it got the signal %q", s), true, nil
	case reason := <-asked:
		return reason, false, nil
	case reason := <-idled:
		return reason, false, nil
	case err := <-failed:
		return fmt.Sprintf("serving failed: %v", err), false, fmt.Errorf("serving SSH: %w", err)
	}
}

// offer puts reason into c unless one is in it already.
func offer(c chan<- string, reason string) {
	select {
	case c <- reason:
	default:
	}
}

// listen makes the job's socket. One that is left over from an earlier run in
// the same place is replaced; one that is being served is not.
func listen(path string) (*net.UnixListener, error) {
	if conn, err := sockpath.Dial(path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("making the socket: another perch-entrypoint serves %q; end that job first", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("making the socket: %w", err)
	}
	listener, err := sockpath.Listen(path)
	if err != nil {
		return nil, fmt.Errorf("making the socket: %w", err)
	}
	return listener, nil
}

// relink makes a link, in place of what has that name.
func relink(target, name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("linking the socket: %w", err)
	}
	if err := os.Symlink(target, name); err != nil {
		return fmt.Errorf("linking the socket: %w", err)
	}
	return nil
}

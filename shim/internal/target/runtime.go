package target

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/google/renameio/v2"
)

// Names in the runtime folder.
const (
	// Socket leads to the job. It is there while the carrier stands.
	Socket = "sock"
	// KeepPrefix begins the name of a keep's own folder: while one that has lost
	// its lock ends, the next one is there already.
	KeepPrefix = "keep-"
	// CarrierSocket is the carrier's in its keep's folder, before it is proved.
	CarrierSocket = "carrier.sock"
	// CarrierStatus is what keep says about the carrier.
	CarrierStatus = "carrier.json"
	// KeepLock is held by the target's keep.
	KeepLock = "keep.lock"
	// StateLink leads to the target's state folder.
	StateLink = "state"
)

// maxSocketPath is sun_path of unix(7), less the final zero; longest is what
// stands behind the runtime folder in the longest socket's path.
const (
	maxSocketPath = 107
	longest       = "/perch/0123456789abcdef/" + KeepPrefix + "4294967295/" + CarrierSocket
)

// runtimeBase returns the folder of this host's sockets: in XDG_RUNTIME_DIR
// where that is private and short enough, else in /tmp, where only a real directory of our own
// with mode 0700 will do.
func runtimeBase() (string, error) {
	own := os.Getenv("XDG_RUNTIME_DIR")
	if own == "" {
		own = "/run/user/" + strconv.Itoa(os.Getuid())
	}
	return runtimeIn(own, "/tmp")
}

func runtimeIn(own, shared string) (string, error) {
	if len(own)+len(longest) <= maxSocketPath && private(own) == nil {
		dir := filepath.Join(own, "perch")
		if err := os.Mkdir(dir, 0o700); err == nil || os.IsExist(err) {
			return dir, private(dir)
		}
	}
	dir := filepath.Join(shared, "perch-"+strconv.Itoa(os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("making a directory for sockets: %w; set XDG_RUNTIME_DIR to one of your own", err)
	}
	return dir, private(dir)
}

func private(dir string) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("looking at the directory for sockets: %w", err)
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !st.IsDir() || int(sys.Uid) != os.Getuid() || st.Mode().Perm() != 0o700 {
		return fmt.Errorf("%s is not a private directory of yours (mode %v); remove it or set XDG_RUNTIME_DIR to one that is", dir, st.Mode())
	}
	return nil
}

// MakeDirs makes both folders, 0700, and the links between them.
func (t Target) MakeDirs() error {
	for _, dir := range []string{t.State, t.Runtime} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the folder of this target: %w; free some space or mend the permissions", err)
		}
	}
	if err := link(t.State, filepath.Join(t.Runtime, StateLink)); err != nil {
		return err
	}
	shortcut, err := shortcut(t.JDL)
	if err != nil {
		return err
	}
	return link(t.Runtime, shortcut)
}

// link makes name a symbolic link to dest, whatever it was before.
func link(dest, name string) error {
	if old, err := os.Readlink(name); err == nil && old == dest {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("making a link: %w", err)
	}
	if err := renameio.Symlink(dest, name); err != nil {
		return fmt.Errorf("making a link: %w", err)
	}
	return nil
}

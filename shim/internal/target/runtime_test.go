package target

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gofrs/flock"
)

// TestRuntimeIn: own stands for XDG_RUNTIME_DIR and shared for /tmp, where
// others may have made what they like.
func TestRuntimeIn(t *testing.T) {
	mine := "perch-" + strconv.Itoa(os.Getuid())
	for _, c := range []struct {
		name      string
		plant     func(own, shared string) error
		want, err string
	}{
		{name: "private", want: "own/perch"},
		{name: "there already", want: "own/perch",
			plant: func(own, _ string) error { return os.Mkdir(own+"/perch", 0o700) }},
		{name: "own is open to others", want: "shared/" + mine,
			plant: func(own, _ string) error { return os.Chmod(own, 0o755) }},
		{name: "own is missing", want: "shared/" + mine,
			plant: func(own, _ string) error { return os.Remove(own) }},
		{name: "own is a link", want: "shared/" + mine,
			plant: func(own, shared string) error {
				return errors.Join(os.Rename(own, own+"2"), os.Symlink(own+"2", own))
			}},
		{name: "a link in own", err: "is not a private directory of yours",
			plant: func(own, shared string) error { return os.Symlink(shared, own+"/perch") }},
		{name: "shared: a link", err: "remove it or set XDG_RUNTIME_DIR",
			plant: func(own, shared string) error {
				return errors.Join(os.Remove(own), os.Mkdir(shared+"/trap", 0o700), os.Symlink("trap", filepath.Join(shared, mine)))
			}},
		{name: "shared: a file", err: "is not a private directory of yours",
			plant: func(own, shared string) error {
				return errors.Join(os.Remove(own), os.WriteFile(filepath.Join(shared, mine), nil, 0o700))
			}},
		{name: "shared: open to others", err: "is not a private directory of yours",
			plant: func(own, shared string) error {
				dir := filepath.Join(shared, mine)
				return errors.Join(os.Remove(own), os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777))
			}},
		{name: "shared is missing", err: "set XDG_RUNTIME_DIR to one of your own",
			plant: func(own, shared string) error { return errors.Join(os.Remove(own), os.Remove(shared)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := t.TempDir()
			own, shared := filepath.Join(base, "own"), filepath.Join(base, "shared")
			if err := errors.Join(os.Mkdir(own, 0o700), os.Mkdir(shared, 0o700)); err != nil {
				t.Fatal(err)
			}
			if c.plant != nil {
				if err := c.plant(own, shared); err != nil {
					t.Fatal(err)
				}
			}
			got, err := runtimeIn(own, shared)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %q, error %v; want %q", got, err, c.err)
				}
				return
			}
			if err != nil || got != filepath.Join(base, c.want) {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// TestPrivateToAnother can be seen by root alone.
func TestPrivateToAnother(t *testing.T) {
	if os.Getuid() != 0 {
		return // only root can give a directory away
	}
	dir := filepath.Join(t.TempDir(), "theirs")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	if err := private(dir); err == nil {
		t.Error("another user's directory passes for ours")
	}
}

// TestMakeDirs: the folders are private, whatever the umask, and the target is
// known from then on without any queue being asked.
func TestMakeDirs(t *testing.T) {
	home := place(t)
	jdl := write(t, filepath.Join(home, "a.jdl"))
	tg := resolve(t, jdl)
	if _, known, err := Known(jdl); known || err != nil {
		t.Errorf("known before it was made: %v, %v", known, err)
	}
	for range 2 {
		if err := tg.MakeDirs(); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{tg.State, tg.Runtime} {
		if err := private(dir); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{tg.ConfigPath(), tg.IdentityPath()} {
		if _, known, err := Known(jdl); known || err != nil {
			t.Errorf("known without %s: %v, %v", path, known, err)
		}
		write(t, path)
	}
	if got, known, err := Known("JDL:" + jdl); !known || err != nil || got != tg {
		t.Errorf("Known: %+v, %v, %v; want %+v", got, known, err, tg)
	}
	t.Run("in another environment", func(t *testing.T) {
		for _, name := range deciding {
			t.Setenv(name, "/elsewhere")
			if _, known, err := Known(jdl); known || err != nil {
				t.Errorf("with another %s: known %v, %v", name, known, err)
			}
			t.Setenv(name, "")
		}
	})
	if err := os.Remove(filepath.Join(tg.Runtime, StateLink)); err != nil {
		t.Fatal(err)
	}
	if _, known, err := Known(jdl); known || err != nil {
		t.Errorf("known without its state: %v, %v", known, err)
	}
}

// TestMakeDirsRefuses a state folder that cannot be made.
func TestMakeDirsRefuses(t *testing.T) {
	home := place(t)
	t.Setenv("XDG_STATE_HOME", write(t, filepath.Join(home, "a-file")))
	tg := resolve(t, write(t, filepath.Join(home, "a.jdl")))
	if err := tg.MakeDirs(); err == nil || !strings.Contains(err.Error(), "making the folder of this target") {
		t.Errorf("error %v", err)
	}
}

func TestLink(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "sub", "name")
	for _, dest := range []string{"one", "two", "two"} {
		if err := link(dest, name); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Readlink(name); got != dest {
			t.Errorf("leads to %q, %v; want %q", got, err, dest)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

// TestStanding needs a socket, and a keep that holds its lock.
func TestStanding(t *testing.T) {
	tg := Target{Runtime: t.TempDir()}
	check := func(when string, kept, standing bool) {
		t.Helper()
		if tg.Kept() != kept || tg.Standing() != standing {
			t.Errorf("%s: kept %v, standing %v; want %v, %v", when, tg.Kept(), tg.Standing(), kept, standing)
		}
	}
	check("empty", false, false)
	lock := flock.New(filepath.Join(tg.Runtime, KeepLock))
	if got, err := lock.TryLock(); !got || err != nil {
		t.Fatal(err)
	}
	check("kept", true, false)
	if err := os.Symlink(CarrierSocket, tg.Socket()); err != nil {
		t.Fatal(err)
	}
	check("with a carrier", true, true)
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	check("after keep was killed", false, false)
	if _, err := os.Stat(filepath.Join(tg.Runtime, KeepLock)); errors.Is(err, fs.ErrNotExist) {
		t.Error("looking at the lock removed it")
	}
}

// Package target turns what the user names into the one identity and the two
// folders of a target: notes and keys in the state folder, which may lie on a
// shared network home, sockets in this host's runtime folder.
package target

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Prefix marks a target among ssh's host names.
const Prefix = "JDL:"

// Target is a submit description, in one queue.
type Target struct {
	// JDL is the submit description's real path.
	JDL string
	// Name is for people: the file's name, without what ssh takes ill.
	Name string
	// Hash ties jobs to the target. It is made of the real path and the
	// queue, so two submit descriptions never share one.
	Hash string
	// State is the folder of notes and keys, Runtime that of sockets.
	State, Runtime string
}

// Resolve finds the target of a queue that arg names: the path of a submit
// description, absolute, relative or with ~, with Prefix or without. Its state
// folder is below stateHome, which is XDG_STATE_HOME. It makes no folder.
func Resolve(arg, queue, stateHome string) (Target, error) {
	jdl, err := RealPath(arg)
	if err != nil {
		return Target{}, err
	}
	runtime, err := runtimeBase()
	if err != nil {
		return Target{}, err
	}
	name := nameOf(jdl)
	hash := hashOf(jdl, queue)
	return Target{
		JDL:     jdl,
		Name:    name,
		Hash:    hash,
		State:   filepath.Join(stateHome, "perch", "jobs", name+"-"+hash),
		Runtime: filepath.Join(runtime, hash),
	}, nil
}

// errNone says that there is no file of the name, which may be a template's.
var errNone = errors.New("check the path")

// RealPath returns the absolute path, without links, of the submit description
// that arg names: a file, or the one that was made of a template of that name. The error says in one line what is wrong with it.
func RealPath(arg string) (string, error) {
	path := trimPrefix(arg)
	if path == "" {
		return "", errors.New("no submit description is named; say JDL:path/to/file.jdl")
	}
	path, err := expandHome(path)
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", fmt.Errorf("finding %q: %w", arg, err)
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) && Word(arg) != "" {
		real, err = filepath.EvalSymlinks(TemplatePath(Word(arg)))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no submit description %s; %w", path, errNone)
	}
	if err != nil {
		return "", fmt.Errorf("finding submit description: %w; check the path", err)
	}
	return real, readable(real)
}

// Word is the name of a template, if arg may be one, or "".
func Word(arg string) string {
	name := trimPrefix(arg)
	if strings.ContainsAny(name, "/~") || strings.HasSuffix(name, ".jdl") {
		return ""
	}
	return name
}

// TemplatePath is where the submit description lies that is made of the template
// name, in the user's data folder (XDG_DATA_HOME).
func TemplatePath(name string) string {
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		data = filepath.Join(os.Getenv("HOME"), ".local", "share")
	}
	return filepath.Join(data, "perch", "templates", name+".jdl")
}

func readable(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("finding submit description: %w; check the path", err)
	}
	if st.IsDir() {
		return fmt.Errorf("%s is a directory; name the submit description in it", path)
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file; name a submit description", path)
	}
	if err := unix.Access(path, unix.R_OK); err != nil {
		return fmt.Errorf("reading submit description %s: %w; check its permissions", path, err)
	}
	return nil
}

func trimPrefix(arg string) string {
	if len(arg) >= len(Prefix) && strings.EqualFold(arg[:len(Prefix)], Prefix) {
		return arg[len(Prefix):]
	}
	return arg
}

func expandHome(path string) (string, error) {
	if !strings.HasPrefix(path, "~") {
		return path, nil
	}
	name, rest, _ := strings.Cut(path[1:], "/")
	if name == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("finding your home for %q: %w; give the full path", path, err)
		}
		return filepath.Join(home, rest), nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", fmt.Errorf("finding the home of %q: %w; give the full path", name, err)
	}
	return filepath.Join(u.HomeDir, rest), nil
}

func hashOf(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(h[:8])
}

// nameOf keeps of a file's name what is safe in a host name (ssh.c,
// valid_hostname), a folder's name and a ClassAd string.
func nameOf(jdl string) string {
	base := strings.TrimSuffix(filepath.Base(jdl), filepath.Ext(jdl))
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '_'
	}, base)
	name = strings.TrimLeft(name, "-.")
	if name == "" {
		return "job"
	}
	return name[:min(len(name), 48)]
}

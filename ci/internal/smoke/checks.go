package smoke

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// checks are tried in this order: the first is the condition of all others, the
// last one ends the job.
var checks = []check{
	{"entrypoint ready", checkReady, false},
	{"system", checkSystem, false},
	{"user", checkUser, false},
	{"uid mapping", checkMapping, false},
	{"root read-only", checkRoot, false},
	{"home", checkHome, false},
	{"scratch and tmp", checkTmp, false},
	{"exit status", checkExitStatus, false},
	{"terminal", checkTerminal, false},
	{"sftp", checkSFTP, false},
	{"forward to the job", checkForward, false},
	{"forward from the job", checkRemoteForward, false},
	{"agent", checkAgent, false},
	{"tools", checkTools, false},
	{"C library", checkLibc, false},
	{"locale", checkLocale, false},
	{"C program", checkC, false},
	{"C++ program", checkCXX, false},
	{"Python program", checkPython, false},
	{"Jupyter kernel", checkKernel, false},
	{"git clone", checkGit, false},
	{"VS Code server", checkIDEServer, false},
	{"user namespaces", checkNamespaces, false},
	{"permissions", checkPermissions, true},
	{"secrets", checkSecrets, true},
	{"leftovers", checkLeftovers, true},
	{"size", checkSize, true},
	{"stop", checkStop, false},
}

// checkReady waits until the job can be entered.
func checkReady(ctx context.Context, j *job) (string, error) { return j.ready(ctx) }

// checkSystem finds the image's own system in a session.
func checkSystem(ctx context.Context, j *job) (string, error) {
	got, err := j.client.session(ctx, "cat /etc/os-release")
	if err != nil {
		return "", err
	}
	if j.tree != "" {
		want, err := readInTree(j.tree, "/etc/os-release")
		if err != nil {
			return "", err
		}
		if got != want {
			return "", fmt.Errorf("/etc/os-release is not the image's, but %q", got)
		}
	}
	for line := range strings.Lines(got) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(name), `"`), nil
		}
	}
	return "", errors.New("/etc/os-release has no PRETTY_NAME")
}

// readInTree reads a file of an unpacked image; links lead nowhere outside.
func readInTree(tree, path string) (string, error) {
	root, err := os.OpenRoot(tree)
	if err != nil {
		return "", err
	}
	defer root.Close()
	name := strings.TrimPrefix(path, "/")
	if link, err := root.Readlink(name); err == nil && filepath.IsAbs(link) {
		name = strings.TrimPrefix(link, "/")
	}
	content, err := root.ReadFile(name)
	return string(content), err
}

// checkUser looks for the right uid, and no rights beyond it.
func checkUser(ctx context.Context, j *job) (string, error) {
	out, err := j.client.session(ctx, "cat /proc/self/status")
	if err != nil {
		return "", err
	}
	uid, caps, noNew := statusField(out, "Uid"), statusField(out, "CapEff"), statusField(out, "NoNewPrivs")
	if uid != fmt.Sprint(j.uid) && j.uid != anyone || uid == "0" || strings.Trim(caps, "0") != "" || noNew != "1" {
		return "", fmt.Errorf("uid %s, capabilities %s, no_new_privs %s; want a user's, none, 1", uid, caps, noNew)
	}
	return fmt.Sprintf("uid %s, no capabilities", uid), nil
}

// statusField returns the first value of a field of proc_pid_status(5).
func statusField(status, name string) string {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			value, _, _ := strings.Cut(strings.TrimSpace(rest), "\t")
			return value
		}
	}
	return ""
}

// checkMapping wants files that are made in the job to be the user's, seen from
// within and, where it can be seen, from outside: a batch system collects and
// charges them by owner.
func checkMapping(ctx context.Context, j *job) (string, error) {
	out, err := j.client.session(ctx, `: >"$HOME/owned" && ls -n "$HOME/owned" && id -u && cat /proc/self/uid_map`)
	if err != nil {
		return "", err
	}
	lines := strings.SplitN(out, "\n", 3)
	if fields := strings.Fields(lines[0]); len(lines) < 3 || len(fields) < 3 || fields[2] != lines[1] {
		return "", fmt.Errorf("a file made in the job is not the user's own: %q", out)
	}
	if err := ownedOutside(j.scratch, j.uid); err != nil {
		return "", err
	}
	return "uid_map " + strings.Join(strings.Fields(lines[2]), " "), nil
}

// ownedOutside wants the file "owned" to be the user's as this machine sees it,
// where it sees the job's scratch directory.
func ownedOutside(scratch string, uid int) error {
	if scratch == "" {
		return nil
	}
	var info unix.Stat_t
	if err := unix.Lstat(filepath.Join(scratch, "owned"), &info); err != nil {
		return fmt.Errorf("a file made in the job's home is not seen from outside: %w", err)
	}
	if int(info.Uid) != uid {
		return fmt.Errorf("a file made in the job is, seen from outside, of uid %d; want %d", info.Uid, uid)
	}
	return nil
}

// checkHome wants sessions to start in the scratch directory, as their home.
func checkHome(ctx context.Context, j *job) (string, error) {
	out, err := j.client.session(ctx, `: >"$HOME/smoke" && pwd && printf '%s\n' "$HOME" "$_CONDOR_SCRATCH_DIR"`)
	if err != nil {
		return "", err
	}
	lines := strings.Split(out, "\n")
	if len(lines) != 4 || lines[0] != lines[1] || lines[0] != lines[2] || j.scratch != "" && lines[0] != j.scratch {
		return "", fmt.Errorf("sessions start in, have as home, and as scratch directory: %q", out)
	}
	return lines[0], nil
}

// checkTmp wants the directories that the entrypoint promises: there, the
// user's own, and short enough for an IDE's sockets.
func checkTmp(ctx context.Context, j *job) (string, error) {
	const longest = 53
	out, err := j.client.session(ctx, `for d in "$HOME/scratch" "$TMPDIR" "$XDG_RUNTIME_DIR" /tmp /var/tmp; do (: >"$d/smoke") || exit 1; done; printf '%s\n' "$TMPDIR" "$XDG_RUNTIME_DIR"`)
	if err != nil {
		return "", err
	}
	dirs := strings.Fields(out)
	if len(dirs) != 2 {
		return "", fmt.Errorf("TMPDIR and XDG_RUNTIME_DIR are %q", out)
	}
	for _, dir := range dirs {
		if len(dir) > longest {
			return "", fmt.Errorf("%s is longer than %d bytes", dir, longest)
		}
	}
	return dirs[0], nil
}

// checkStop has the job end, as perch stop does.
func checkStop(ctx context.Context, j *job) (string, error) { return j.stop(ctx) }

package home

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"perch/entrypoint/internal/finding"
)

// nameUser sees that programs find an entry for this user, where /etc/passwd
// has none: ssh and scp refuse to run then, whoami fails. The entry is added
// where the image lets it be (as those for OpenShift do); else libnss_wrapper
// of the image shows programs another passwd file. A user namespace with a
// passwd file bound over the image's is not made: all files of others would
// seem to be nobody's, groups would be lost, and sudo would not work.
func (p *Place) nameUser(getenv func(string) string) {
	uid := strconv.Itoa(os.Getuid())
	if _, err := user.LookupId(uid); err == nil || known(uid) {
		return
	}
	const what = "no passwd entry"
	name := userName(getenv, uid) // also as the real name, which git wants
	entry := fmt.Sprintf("%s:x:%d:%d:%s:%s:%s\n", name, os.Getuid(), os.Getgid(), name, p.Home, shellFor(getenv))
	if appendTo("/etc/passwd", entry) == nil {
		p.Found.Add(what, finding.Mended, "uid %s was added to /etc/passwd", uid)
		return
	}
	library := nssWrapper()
	if library == "" {
		p.Found.Add(what, finding.Said, "/etc/passwd has no entry for uid %s: ssh, scp and whoami refuse to run in this job; put libnss-wrapper into the image, or let the pool map the user", uid)
		return
	}
	if err := p.wrap(library, entry, getenv("LD_PRELOAD")); err != nil {
		p.Found.Add(what, finding.Said, "/etc/passwd has no entry for uid %s, and none can be shown to programs: %v", uid, err)
		return
	}
	p.Found.Add(what, finding.Around, "/etc/passwd has no entry for uid %s: programs are shown one by %s; static ones do not see it", uid, library)
}

// known asks the image's name service, which may know more than /etc/passwd.
func known(uid string) bool {
	getent, err := exec.LookPath("getent")
	return err == nil && exec.Command(getent, "passwd", uid).Run() == nil
}

// userName is the name that sessions have, too (see package login).
func userName(getenv func(string) string, uid string) string {
	for _, name := range []string{getenv("USER"), getenv("LOGNAME")} {
		if name != "" && !strings.ContainsAny(name, ":\n") {
			return name
		}
	}
	return "uid" + uid
}

func shellFor(getenv func(string) string) string {
	for _, shell := range []string{getenv("SHELL"), "/bin/bash"} {
		if filepath.IsAbs(shell) && !strings.ContainsAny(shell, ":\n") && unix.Access(shell, unix.X_OK) == nil {
			return shell
		}
	}
	return "/bin/sh"
}

// appendTo adds a line to a file that is there and may be written.
func appendTo(path, line string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

var triples = map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

// nssWrapper is the path of the image's libnss_wrapper, or "".
func nssWrapper() string {
	for _, dir := range []string{"/usr/lib/" + triples[runtime.GOARCH], "/usr/lib64", "/usr/lib"} {
		path := filepath.Join(dir, "libnss_wrapper.so")
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// wrap writes a passwd and a group file into Dir and sets the variables by which
// nss_wrapper(1) shows them. It wants both.
func (p *Place) wrap(library, entry, preloaded string) error {
	passwd, group := p.Path("passwd"), p.Path("group")
	if err := extend("/etc/passwd", passwd, entry); err != nil {
		return err
	}
	gid := strconv.Itoa(os.Getgid())
	entry = fmt.Sprintf("gid%s:x:%[1]s:\n", gid)
	if _, err := user.LookupGroupId(gid); err == nil {
		entry = ""
	}
	if err := extend("/etc/group", group, entry); err != nil {
		return err
	}
	p.Environ["NSS_WRAPPER_PASSWD"], p.Environ["NSS_WRAPPER_GROUP"] = passwd, group
	p.Environ["LD_PRELOAD"] = strings.TrimSuffix(library+":"+preloaded, ":")
	return nil
}

// extend writes a copy of a file with a line more. The file may be missing.
func extend(from, to, line string) error {
	content, err := os.ReadFile(from)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if n := len(content); n > 0 && content[n-1] != '\n' {
		content = append(content, '\n')
	}
	return os.WriteFile(to, append(content, line...), 0o600)
}

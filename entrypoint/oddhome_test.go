package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/sockpath"
)

// oddities are the rows of docs/job-home.md.
var oddities = map[string]oddity{
	"HOME unset":     {finding.Mended, home("unset HOME")},
	"HOME is root":   {finding.Mended, home("export HOME=/")},
	"HOME missing":   {finding.Mended, home("export HOME=/nonesuch")},
	"HOME elsewhere": {finding.Mended, home("mkdir \"$D/x\"; export HOME=\"$D/x\"")},
	"HOME read-only": {finding.Mended, home("mkdir \"$D/x\"; mount -t tmpfs -o ro none \"$D/x\"; export HOME=\"$D/x\"")},

	"no scratch directory": {finding.Around, noScratch},
	"name in the way":      {finding.Said, nameInTheWay},
	"no tmp in the home":   {finding.Around, noTmpInHome},

	"no passwd entry":   {finding.Around, noEntry},
	"writable passwd":   {finding.Mended, writablePasswd},
	"no nss_wrapper":    {finding.Said, noWrapper},
	"read-only home":    {finding.Said, readOnly},
	"open home":         {finding.Said, open},
	"noexec home":       {finding.Around, noexec},
	"noexec everywhere": {finding.Said, noexecEverywhere},
	"full disk":         {finding.Said, full},
	"few inodes":        {finding.Said, fewInodes},
	"over quota":        {finding.Said, overQuota},
	"long path":         {finding.Around, longPath("", "/tmp/perch-")},
	"shared /tmp":       {finding.Around, sharedTmp},
	"missing /tmp":      {finding.Around, missingTmp},
	"no usable /tmp":    {finding.Around, longPath("mount -t tmpfs -o ro none /tmp", "/var/tmp/perch-")},
	"tiny /tmp":         {finding.Around, longPath("mount -t tmpfs -o size=64k none /tmp", "")},
	"noexec /tmp":       {finding.Around, longPath("mount -t tmpfs -o noexec none /tmp", "")},
	"no sockets":        {finding.Around, noSockets},
	"invalid TMPDIR":    {finding.Mended, invalidTmp},
	"locks of the dead": {finding.Mended, locks},

	"few open files":        {finding.Said, limited("ulimit -n 300", "only 300 open files")},
	"low soft limits":       {finding.Mended, soft},
	"few processes":         {finding.Said, limited("ulimit -u 500", "only 500 processes")},
	"few inotify watches":   {finding.Said, fewInotify("watches", "watches for changed files")},
	"few inotify instances": {finding.Said, fewInotify("instances", "watchers of files")},
	"missing tools":         {finding.Said, missingTools},
	"old C library":         {finding.Around, oldLibrary(age, "glibc 2.17, VS Code's server needs 2.28")},
	"old, no sysroot":       {finding.Said, oldLibcAlone},
	"old libstdc++":         {finding.Around, oldLibrary(ageCxx, "GLIBCXX_3.4.21, VS Code's server needs 3.4.25")},
	"no libstdc++":          {finding.Said, noCxx},
	"no C library":          {finding.Said, noLibc},
	"no shell":              {finding.Said, noShell},
	"no terminals":          {finding.Said, noTerminals},
	"IDE server cache":      {finding.Said, noCache},
	"IDE servers linked":    {finding.Mended, linkedServers},
	"processors":            {finding.Around, processors},
	"PATH dropped":          {finding.Mended, droppedPath},
	"variables changed":     {finding.Mended, changedVariables},
	"wrong LANG":            {finding.Mended, wrongLang},
}

// home: whatever HOME is, sessions have the scratch directory.
func home(script string) func(t *testing.T) {
	return func(t *testing.T) {
		j := newOdd(t, "h").in(script)
		j.wantRun("echo ~; echo $HOME; pwd", j.home+"\n"+j.home+"\n"+j.home)
		j.want(finding.Mended, "sessions have the scratch directory "+j.home)
	}
}

// onSSHFS has the home on sshfs.
func onSSHFS(options string) string {
	return `far() {
			mkfifo "$D/there" "$D/back"; mkdir "$D/far"
			links=rw # a newer sshfs hides where links lead
			if sshfs -h 2>&1 | grep -q no_contain_symlinks; then links=no_contain_symlinks; fi
			setpriv --pdeathsig KILL /usr/lib/openssh/sftp-server <"$D/there" >"$D/back" &
			setpriv --pdeathsig KILL sshfs -f -o "passive,$links` + options + `" ":$D/far" "$1" >"$D/there" <"$D/back" &
			until mountpoint -q "$1"; do sleep 0.05; done
		}
		` + over("far")
}

// noSockets: sshfs's protocol knows none.
func noSockets(t *testing.T) {
	j := newOdd(t, "h").in(onSSHFS(""))
	j.wantRun(`echo "${XDG_RUNTIME_DIR%-*}"; stat -c %F ~/.perch/sock`, "/tmp/perch\nsymbolic link")
	j.want(finding.Around, "takes no sockets")
}

// open: whatever mode it is given, all is open there.
func open(t *testing.T) {
	j := newOdd(t, "h")
	j.prepare(onSSHFS(",umask=000"))
	if got := run(t, j.cmd, ""); got.code != contract.ExitNoHome || !strings.Contains(got.stderr, "stays open to others (mode 0777) on this file system, and keys and sockets have to be in it; use another one") {
		t.Errorf("got %+v", got)
	}
}

// droppedPath: Debian's /etc/profile sets PATH anew, whatever the image had.
func droppedPath(t *testing.T) {
	j := newOdd(t, "h").in(`mount -t tmpfs none /etc/profile.d; echo 'export SITE=profile' >/etc/profile.d/site.sh; export PATH="/opt/it's own/bin:$PATH"`)
	j.wantRun(`echo "$SITE ${PATH%%:*}"; unset SITE; PATH=/bin bash -lc 'echo "$SITE ${PATH%%:*}"'`, "profile /opt/it's own/bin\nprofile /opt/it's own/bin")
	j.want(finding.Mended, "/opt/it's own/bin")
}

// changedVariables: a profile of the image knows nothing of what the job was granted.
func changedVariables(t *testing.T) {
	j := newOdd(t, "h").in(`mount -t tmpfs none /etc/profile.d; echo 'export OMP_NUM_THREADS=64 CUDA_VISIBLE_DEVICES=' >/etc/profile.d/site.sh
		export OMP_NUM_THREADS=2 CUDA_VISIBLE_DEVICES="GPU-it's"`)
	const granted = "2 GPU-it's"
	j.wantRun(`echo "$OMP_NUM_THREADS $CUDA_VISIBLE_DEVICES"; bash -lc 'echo "$OMP_NUM_THREADS $CUDA_VISIBLE_DEVICES"'`, granted+"\n"+granted)
	j.want(finding.Mended, "the job's own CUDA_VISIBLE_DEVICES, OMP_NUM_THREADS away")
}

// wrongLang: locales that the image lacks would have perl and others complain in
// every call.
func wrongLang(t *testing.T) {
	j := newOdd(t, "h").in("export LANG=xx_YY.UTF-8 LC_ALL=tlh_KX.UTF-8")
	j.wantRun(`echo "$LANG ${LC_ALL-none}"; locale charmap 2>&1; perl -e 1 2>&1`, "C.UTF-8 none\nUTF-8")
	j.want(finding.Mended, "no locale for LANG=xx_YY.UTF-8, LC_ALL=tlh_KX.UTF-8")
}

const stranger = 4242

// asStranger starts a job of a uid that no passwd file knows.
func asStranger(t *testing.T, script string) *oddJob {
	t.Helper()
	j := newOdd(t, "h")
	filepath.WalkDir(j.home, func(path string, _ os.DirEntry, err error) error { return os.Chown(path, stranger, stranger) })
	j.prepare(script)
	j.cmd.Args[len(j.cmd.Args)-1] = strings.Replace(j.cmd.Args[len(j.cmd.Args)-1], "exec ", "exec setpriv --reuid 4242 --regid 4242 --clear-groups ", 1)
	j.start()
	j.waitReady()
	return j
}

func noEntry(t *testing.T) {
	j := asStranger(t, ":")
	j.wantRun("whoami; id -u; id -gn", "uid4242\n4242\ngid4242")
	j.wantRun("node -p 'os.userInfo().username'", "uid4242")
	j.wantRun("ssh -G x | grep '^user '", "user uid4242")
	j.wantRun("cd && git init -q r && cd r && git -c user.email=a@b commit -q --allow-empty -m x && git log --format=%an", "uid4242")
	j.want(finding.Around, "libnss_wrapper.so")
}

// writablePasswd is an image made for OpenShift.
func writablePasswd(t *testing.T) {
	j := asStranger(t, `cp /etc/passwd "$D/passwd"; chmod 666 "$D/passwd"; mount --bind "$D/passwd" /etc/passwd`)
	j.wantRun("whoami; grep -c :4242: /etc/passwd; echo ${LD_PRELOAD-none}; ssh -G x | grep '^user '", "uid4242\n1\nnone\nuser uid4242")
	wantFound(t, j.found("no passwd entry"), finding.Mended, "was added to /etc/passwd")
}

func noWrapper(t *testing.T) {
	j := asStranger(t, "for f in /usr/lib/*/libnss_wrapper.so; do mount --bind /dev/null \"$f\"; done")
	wantFound(t, j.found("no passwd entry"), finding.Said, "put libnss-wrapper into the image")
	j.wantRun("echo $USER; ssh -G x 2>&1 | head -1", "uid4242\nNo user exists for uid 4242")
}

func readOnly(t *testing.T) {
	j := newOdd(t, "h")
	j.prepare(`mount --bind "$H" "$H"; mount -o remount,bind,ro "$H"`)
	got := run(t, j.cmd, "")
	if got.code != contract.ExitNoHome || !strings.Contains(got.stderr, "read-only file system; ask the site") {
		t.Errorf("got %+v", got)
	}
}

func noexec(t *testing.T) {
	j := newOdd(t, "h").in(over("mount -t tmpfs -o noexec none"))
	j.wantRun("cp /bin/echo ~/.vscode-server/node && ~/.vscode-server/node runs", "runs")
	j.want(finding.Around, "without exec: the IDE's servers are in /")
}

func noexecEverywhere(t *testing.T) {
	j := newOdd(t, "h").in(over("mount -t tmpfs -o noexec none") + `for place in /tmp /dev/shm; do mount -t tmpfs -o noexec none $place; done
		mount --bind "$D" /mnt; mount --bind "$H" /media; mount -t tmpfs -o noexec none /var/tmp; mkdir -p "$D"; mount --move /mnt "$D"; mount --move /media "$H"`)
	wantFound(t, j.found("noexec home"), finding.Said, "an IDE's server cannot start; ask the site")
	j.wantRun("echo in", "in")
}

func full(t *testing.T) {
	j := newOdd(t, "h").in(over("mount -t tmpfs -o size=1m none") + `dd if=/dev/zero of="$H/big" bs=4k 2>/dev/null || :`)
	wantFound(t, pick(t, j.run(j.dir+"/bin/perch-entrypoint check --json"), "full disk"), finding.Said, "raise request_disk")
	j.wantRun("rm ~/big && echo gone", "gone") // who is in can make room

	j = newOdd(t, "h")
	j.prepare(over("mount -t tmpfs -o nr_inodes=40 none") + `for i in {1..99}; do true >"$H/$i" || break; done 2>/dev/null`)
	if got := run(t, j.cmd, ""); got.code != contract.ExitNoHome || !strings.Contains(got.stderr, "no space left on device; make room there, or raise request_disk") {
		t.Errorf("without room for a directory: got %+v", got)
	}
}

func fewInodes(t *testing.T) {
	newOdd(t, "h").in(over("mount -t tmpfs -o nr_inodes=500 none")).want(finding.Said, "more files only")
}

// overQuota has a btrfs with a limit on its subvolume, since its quotas are the
// ones that kernels have without CONFIG_QUOTA.
func overQuota(t *testing.T) {
	j := newOdd(t, "h").in(`truncate -s 256M "$D/disk"; mkfs.btrfs -q "$D/disk"; mkdir "$D/m"; mount -o loop "$D/disk" "$D/m"
		btrfs -q quota enable "$D/m"; btrfs -q subvolume create "$D/m/s" >/dev/null
		` + over(`mount --bind "$D/m/s"`) + `sync -f "$H"; btrfs qgroup limit 8M "$D/m/s"; dd if=/dev/urandom of="$H/small" bs=600k count=1 2>/dev/null
		for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of="$H/big$i" bs=64k count=100 2>/dev/null || :; sync -f "$H"; done; rm "$H/small"; sync -f "$H"`)
	wantFound(t, j.found("over quota"), finding.Said, "disk quota exceeded; delete files")
}

func longPath(script, runtime string) func(t *testing.T) {
	return func(t *testing.T) {
		j := newOdd(t, strings.Repeat("deep/", 15)+"h").in(script + "\nexport LC_ALL=C")
		got := strings.Fields(j.run(`stat -Lc %a "$TMPDIR" "$XDG_RUNTIME_DIR"; echo "$TMPDIR" "$XDG_RUNTIME_DIR"; cp /bin/echo "$TMPDIR/" && "$TMPDIR/echo" runs; head -c 2000000 /dev/zero >"$TMPDIR/f" && echo room`))
		if len(got) != 6 || got[0] != "700" || got[1] != "700" || len(got[2]) > 53 || len(got[3]) > 53 || got[4] != "runs" || got[5] != "room" || !strings.HasPrefix(got[3], runtime) {
			t.Errorf("got %q", got)
		}
		wantFound(t, j.found("long path"), finding.Around, "too long for the sockets of an IDE")
	}
}

// sharedTmp: other users of the machine see nothing of the job's.
func sharedTmp(t *testing.T) {
	j := newOdd(t, strings.Repeat("deep/", 15)+"h").in("mkdir -m 1777 \"$D/t\"; mount --bind \"$D/t\" /tmp")
	j.wantRun(`stat -Lc '%a %u' "$XDG_RUNTIME_DIR"; setpriv --reuid 4243 --clear-groups ls "$XDG_RUNTIME_DIR" 2>&1 | grep -o 'Permission denied'`, "700 0\nPermission denied")
	wantFound(t, j.found("long path"), finding.Around, "sockets in /tmp/perch-")
}

// missingTmp: the image has no /tmp at all.
func missingTmp(t *testing.T) {
	j, root := tree(t, strings.Repeat("deep/", 15)+"job", "/bin/bash")
	if err := errors.Join(os.Remove(filepath.Join(root, "tmp")), os.MkdirAll(filepath.Join(root, "var/tmp"), 0o777)); err != nil {
		t.Fatal(err)
	}
	j.inTree(root)
	j.wantRun(`[ -d /tmp ] || echo "${XDG_RUNTIME_DIR%-*}"`, "/var/tmp/perch")
	wantFound(t, pick(t, j.run("/init check --json"), "long path"), finding.Around, "sockets in /var/tmp/perch-")
}

func invalidTmp(t *testing.T) {
	j := newOdd(t, "h").in("", "TMPDIR=/nonesuch", "XDG_RUNTIME_DIR=/run/user/4242")
	j.wantRun(`stat -c %n "$TMPDIR" "$XDG_RUNTIME_DIR"`, j.home+"/tmp\n"+j.home+"/tmp/run")
	j.want(finding.Mended, "cannot be used here: it is "+j.home+"/tmp")
}

func locks(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	j := newOdd(t, "h")
	left := []string{"bin/" + commit + "/vscode-remote-lock.u." + commit, "cli/agent-host-stable.lock", "cli/servers/Stable-" + commit + "/pid.txt", "." + commit + ".pid"}
	kept := []string{"bin/" + commit + "/product.json", "cli/servers/lru.json"}
	for _, name := range append(left, kept...) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(j.home, ".vscode-server", name)), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(j.home, ".vscode-server", name), "[]")
	}
	oss := filepath.Join(j.home, ".vscode-server-oss/.pid.lock")
	if err := os.MkdirAll(filepath.Dir(oss), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, oss, "1")
	dead, foreign := filepath.Join(j.home, "tmp/run/vscode-ipc-1.sock"), filepath.Join(j.home, "tmp/run/mine.sock")
	if err := os.MkdirAll(filepath.Dir(dead), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dead, foreign} {
		socket, err := sockpath.Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		socket.SetUnlinkOnClose(false)
		socket.Close()
	}
	j.in("")
	for path, stays := range map[string]bool{oss: false, dead: false, foreign: true} {
		if _, err := os.Lstat(path); (err == nil) != stays {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, name := range left {
		if exists(j.home, ".vscode-server", name) {
			t.Errorf("%s is left", name)
		}
	}
	for _, name := range kept {
		if !exists(j.home, ".vscode-server", name) {
			t.Errorf("%s is gone", name)
		}
	}
	wantFound(t, j.found("locks of the dead"), finding.Mended, "removed 6 locks")
}

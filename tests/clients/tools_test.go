package clients

import "fmt"

// tools run an ssh that they are told of, and need their own like in the job,
// or none.
func tools() []client {
	return []client{
		sftp(byShim, `sftp -q -b - -S perch-ssh '[JDL:job.jdl]'`),
		sftp(byProxy, `sftp -q -b - -F ssh_config job`),
		rsync(byShim, `rsync -a -e perch-ssh`, `[JDL:job.jdl]`),
		rsync(byProxy, `rsync -a -e 'ssh -F ssh_config'`, `job`),
		git(byShim, `GIT_SSH=perch-ssh git`, `perch-ssh JDL:job.jdl`, `[JDL:~/job.jdl]`),
		git(byProxy, `GIT_SSH_COMMAND='ssh -F ~/ssh_config' git`, `ssh -F ssh_config job`, `job`),
		sshfs(byShim, `sshfs -o ssh_command=perch-ssh '[JDL:~/job.jdl]:' "$MNT"`),
		sshfs(byProxy, `sshfs -F ~/ssh_config job: "$MNT"`),
		lftp(byShim, `perch-ssh -a -x`, `[JDL:job.jdl]`),
		lftp(byProxy, `ssh -a -x -F ssh_config`, `job`),
	}
}

// copiesOnly is what clients have not that only copy files.
var copiesOnly = map[string]string{"status": copiesAlone, "streams": copiesAlone}

func sftp(way, program string) client {
	batch := func(command string) string { return `echo ` + command + ` | ` + program }
	return client{
		name: "sftp", way: way, packages: "openssh-client", transport: carrying[way],
		lines: map[task]string{
			put:     batch(`put -p '"'"$LOCAL"'"' '"'"$REMOTE"'"'`),
			get:     batch(`get -p '"'"$REMOTE"'"' '"'"$LOCAL"'"'`),
			putTree: batch(`put -p -R "$LOCAL" "$REMOTE_DIR"`),
			getTree: batch(`get -p -R "$REMOTE" "$LOCAL_DIR"`),
		},
		cannot: copiesOnly,
	}
}

func rsync(way, program, host string) client {
	return client{
		name: "rsync", way: way, packages: "rsync", job: "rsync", transport: carrying[way],
		lines: map[task]string{
			put:     program + ` "$LOCAL" "` + host + `:$REMOTE"`,
			get:     program + ` "` + host + `:$REMOTE" "$LOCAL"`,
			putTree: program + ` "$LOCAL" "` + host + `:$REMOTE_DIR/"`,
			getTree: program + ` "` + host + `:$REMOTE" "$LOCAL_DIR/"`,
		},
		cannot: copiesOnly,
	}
}

// git has a working tree in the job, which follows what is pushed. A file goes
// there by a commit and a push, and comes back by a clone.
func git(way, program, ssh, host string) client {
	repo := ssh + ` "git init -q -b main '$REMOTE_DIR' && git -C '$REMOTE_DIR' config receive.denyCurrentBranch updateInstead" && `
	clone := program + ` clone -q "` + host + `:$REMOTE_DIR" "$CLONE"`
	push := repo + clone + ` && cp -r "$LOCAL" "$CLONE" && cd "$CLONE" && git add . && git commit -q -m "$NAME" && ` +
		`git branch -q -M main && ` + program + ` push -q origin main`
	fetch := clone + ` && cp -r "$CLONE/$NAME" "$LOCAL_DIR"`
	return client{
		name: "git", way: way, packages: "git", job: "git", transport: carrying[way],
		lines: map[task]string{
			put: push, get: fetch, putTree: push, getTree: fetch,
		},
		cannot: map[string]string{
			"status":     gitsOwn,
			"streams":    gitsOwn,
			"attributes": "git keeps no times, and of the mode the executable bit alone",
			"two":        notHeld,
			"cut":        notHeld,
		},
	}
}

const (
	gitsOwn = "git runs its own commands in the job, none of the user's"
	notHeld = "not tried: a clone could not be held in its middle yet"
)

// notMounted is because cp of a sparse file sets the size alone through FUSE.
const notMounted = "not tried yet"

func sshfs(way, mount string) client {
	mounted := func(command string) string { return mount + ` && ` + command + ` && fusermount3 -u "$MNT"` }
	return client{
		name: "sshfs", way: way, packages: "sshfs", transport: carrying[way],
		lines: map[task]string{
			put:     mounted(`cp -p "$LOCAL" "$MNT/$REMOTE"`),
			get:     mounted(`cp -p "$MNT/$REMOTE" "$LOCAL"`),
			putTree: mounted(`cp -pr "$LOCAL" "$MNT/$REMOTE_DIR"`),
			getTree: mounted(`cp -pr "$MNT/$REMOTE" "$LOCAL_DIR"`),
		},
		cannot: map[string]string{
			"status":  copiesAlone,
			"streams": copiesAlone,
			"two":     notMounted,
			"cut":     notMounted,
		},
	}
}

func lftp(way, program, host string) client {
	batch := func(command string) string {
		return fmt.Sprintf(`lftp -c "set cmd:fail-exit yes; set net:max-retries 1; set sftp:connect-program '%s'; open sftp://u:@%s; %s"`, program, host, command)
	}
	return client{
		name: "lftp", way: way, packages: "lftp", transport: carrying[way],
		lines: map[task]string{
			put:     batch(`put '$LOCAL' -o '$REMOTE'`),
			get:     batch(`get '$REMOTE' -o '$LOCAL'`),
			putTree: batch(`mirror -R '$LOCAL' '$REMOTE'`),
			getTree: batch(`mirror '$REMOTE' '$LOCAL'`),
		},
		cannot: map[string]string{
			"status":  copiesAlone,
			"streams": copiesAlone,
			"cut":     "not tried: lftp did not always end when its ssh was killed",
		},
	}
}

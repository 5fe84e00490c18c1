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

// sshfs is told to write what a sparse file has not: cp would set the size alone.
func sshfs(way, mount string) client {
	mounted := func(command string) string {
		return `mkdir "$MNT" && ` + mount + ` && ` + command + ` && fusermount3 -u "$MNT"`
	}
	return client{
		name: "sshfs", way: way, packages: "sshfs", transport: carrying[way],
		lines: map[task]string{
			put:     mounted(`cp -p --sparse=never "$LOCAL" "$MNT/$REMOTE"`),
			get:     mounted(`cp -p "$MNT/$REMOTE" "$LOCAL"`),
			putTree: mounted(`cp -pr "$LOCAL" "$MNT/$REMOTE_DIR"`),
			getTree: mounted(`cp -pr "$MNT/$REMOTE" "$LOCAL_DIR"`),
			release: `while grep -qF "$MNT" /proc/self/mounts; do fusermount3 -quz "$MNT"; done`,
		},
		cannot: copiesOnly,
	}
}

func lftp(way, program, host string) client {
	batch := func(command string) string {
		return fmt.Sprintf(`lftp -c "set cmd:fail-exit yes; set net:max-retries 1; set net:reconnect-interval-base 1; set sftp:connect-program '%s'; open sftp://u:@%s; %s"`, program, host, command)
	}
	return client{
		name: "lftp", way: way, packages: "lftp", transport: carrying[way], resumes: true,
		lines: map[task]string{
			put:     batch(`put '$LOCAL' -o '$REMOTE'`),
			get:     batch(`get '$REMOTE' -o '$LOCAL'`),
			putTree: batch(`mirror -R '$LOCAL' '$REMOTE'`),
			getTree: batch(`mirror '$REMOTE' '$LOCAL'`),
		},
		cannot: copiesOnly,
	}
}

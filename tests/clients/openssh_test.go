package clients

import (
	"fmt"
	"strings"
	"testing"
)

const copiesAlone = "it copies files, and runs no command of the user's"

// all are the rows, in the page's order.
func all() (rows []client) {
	for _, some := range [][]client{openssh(), laptop(), tools(), emacs(), libraries(), others()} {
		rows = append(rows, some...)
	}
	return rows
}

// openssh are the clients of OpenSSH that take cp's or no names of files.
func openssh() []client {
	return []client{
		{
			name: "ssh", way: byShim, packages: "openssh-client", transport: "ssh",
			lines: piped(`perch-ssh JDL:job.jdl`),
		},
		{
			name: "ssh", way: byProxy, packages: "openssh-client", transport: "perch-ssh",
			lines: piped(`ssh -F ssh_config job`),
		},
		copying("scp", byShim, `scp -p -S perch-ssh`, `"[JDL:job.jdl]:%s"`),
		copying("scp", byProxy, `scp -p -F ssh_config`, `"job:%s"`),
		copying("scp -O", byShim, `scp -O -T -p -S perch-ssh`, `"[JDL:job.jdl]:'%s'"`),
		copying("scp -O", byProxy, `scp -O -T -p -F ssh_config`, `"job:'%s'"`),
	}
}

// piped are the lines of a client that runs commands: files go through cat and
// tar.
func piped(ssh string) map[task]string {
	return map[task]string{
		command: ssh + ` "$CMD"`,
		put:     ssh + ` "cat >'$REMOTE'" <"$LOCAL"`,
		get:     ssh + ` "cat '$REMOTE'" >"$LOCAL"`,
		putTree: `tar -c -C "$LOCAL_DIR" "$NAME" | ` + ssh + ` "tar -xp -C '$REMOTE_DIR'"`,
		getTree: ssh + ` "tar -c -C '$REMOTE_DIR' '$NAME'" | tar -xp -C "$LOCAL_DIR"`,
	}
}

// copying is a row of a client with cp's way of naming files; remote is how it
// names one of the job's.
func copying(name, way, program, remote string) client {
	return client{
		name: name, way: way, packages: "openssh-client", transport: carrying[way],
		lines: map[task]string{
			put:     program + ` "$LOCAL" ` + fmt.Sprintf(remote, "$REMOTE"),
			get:     program + ` ` + fmt.Sprintf(remote, "$REMOTE") + ` "$LOCAL"`,
			putTree: program + ` -r "$LOCAL" ` + fmt.Sprintf(remote, "$REMOTE_DIR"),
			getTree: program + ` -r ` + fmt.Sprintf(remote, "$REMOTE") + ` "$LOCAL_DIR"`,
		},
		cannot: copiesOnly,
	}
}

// carrying is the process that carries the bytes of a client that runs ssh.
var carrying = map[string]string{byShim: "ssh", byProxy: "perch-ssh"}

// tryCipher: by whatever way OpenSSH comes, it takes the fast cipher.
func (s *site) tryCipher(t *testing.T) {
	for way, line := range map[string]string{
		byShim: "perch-ssh -v JDL:job.jdl true", byProxy: "ssh -v -F ssh_config job true", byLaptop: "ssh -v job.perch true",
	} {
		cmd := s.Command("sh", "-c", line)
		cmd.Dir = s.User
		if way == byLaptop {
			cmd.Env = s.laptop
		}
		said, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(said), "kex: server->client cipher: aes128-gcm@openssh.com ") {
			t.Errorf("%s: %v\n%s", way, err, said)
		}
	}
}

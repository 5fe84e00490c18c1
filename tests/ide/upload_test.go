package ide

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"perch/tests/session"
)

// codingAgent: a program is uploaded by scp, started as a server, and reached by
// a forward that a second ssh holds; all by the stock programs.
func codingAgent(t *testing.T, j *job, s *session.Job) {
	name, port := j.ownServer(t), session.FreePort(t)
	script := filepath.Join(t.TempDir(), "agent.sh")
	text, _, _ := strings.Cut(j.script("agent", name, onPort), "while true")
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Run(t, "scp", "-F", s.Config, "-p", script, s.Alias+":"+name+".sh")
	out, err := s.SSH([]string{"-T"}, "./"+name+".sh").CombinedOutput()
	listens := regexp.MustCompile(`listeningOn==(\d+)==`).FindSubmatch(out)
	if err != nil || listens == nil {
		t.Fatalf("the agent says %q, %v", out, err)
	}
	talk(t, s.SSH([]string{"-N", "-L", fmt.Sprintf("127.0.0.1:%d:127.0.0.1:%s", port, listens[1])}))
	answersBy(t, j, port)
}

// zed: a master holds the connection, all else is multiplexed over it: probes,
// the upload of the server by sftp, the server's own talk on standard input and
// output, a forward.
func zed(t *testing.T, j *job, s *session.Job) {
	control := filepath.Join(s.User, "z.sock")
	master := talk(t, s.SSH([]string{"-N", "-o", "ControlPersist=no", "-o", "ControlMaster=yes", "-o", "ControlPath=" + control}))
	muxed := []string{"-o", "ControlMaster=no", "-o", "ControlPath=" + control}
	await(t, "the master stands", func() bool { return s.SSH(append(muxed, "-O", "check")).Run() == nil })
	for command, want := range map[string]string{"uname -sm": "Linux x86_64\n", `sh -c 'echo $SHELL'`: "/bin/bash\n"} {
		if out, err := s.SSH(append(muxed, "-T"), "cd; "+command).Output(); err != nil || string(out) != want {
			t.Errorf("%s: %q, %v; want %q", command, out, err, want)
		}
	}
	batch := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(batch, []byte("#!/bin/sh\nexec cat\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	put := s.Command("sftp", append([]string{"-F", s.Config}, append(muxed, "-b", "-", s.Alias)...)...)
	put.Stdin = strings.NewReader("-mkdir .zed_server\nput " + batch + " .zed_server/zed-remote-server\nchmod 755 .zed_server/zed-remote-server\n")
	if out, err := put.CombinedOutput(); err != nil {
		t.Fatalf("sftp -b -: %v\n%s", err, out)
	}
	s.Run(t, "scp", append([]string{"-F", s.Config, "-C"}, append(muxed, batch, s.Alias+":.zed_server/copy")...)...)
	proxy := talk(t, s.SSH(append(muxed, "-T"), "cd; env ZED=1 .zed_server/zed-remote-server proxy --identifier x"))
	for _, message := range []string{"first", "second"} { // nothing lies in a buffer
		proxy.send(message + "\n")
		proxy.expect(message)
	}
	name, port := j.ownServer(t), session.FreePort(t)
	c := talk(t, s.SSH(append(muxed, "-T"), "sh"))
	c.send(j.script(c.id, name, onPort))
	to := c.result()["listeningOn"]
	if out, err := s.SSH(append(muxed, "-N", "-O", "forward", "-L", fmt.Sprintf("127.0.0.1:%d:127.0.0.1:%s", port, to))).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	j.reached(t, byAddress("tcp", fmt.Sprintf("127.0.0.1:%d", port)), "http://server")
	if !master.alive() {
		t.Errorf("the master has ended:\n%s", master.stderr)
	}
}

// gateway: JetBrains' client asks by exec, deploys by sftp and tunnels to a
// port, each by a connection of its own.
func gateway(t *testing.T, j *job, s *session.Job) {
	file := filepath.Join(t.TempDir(), "backend")
	if err := os.WriteFile(file, []byte("#!/bin/sh\necho started-$((6*7))\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	put := s.Command("sftp", "-F", s.Config, "-b", "-", s.Alias)
	put.Stdin = strings.NewReader("-mkdir .cache\n-mkdir .cache/JetBrains\nput " + file + " .cache/JetBrains/backend\nchmod 755 .cache/JetBrains/backend\n")
	if out, err := put.CombinedOutput(); err != nil {
		t.Fatalf("sftp: %v\n%s", err, out)
	}
	if out, err := s.SSH([]string{"-T"}, ".cache/JetBrains/backend").Output(); err != nil || string(out) != "started-42\n" {
		t.Errorf("the backend says %q, %v", out, err)
	}
	name, port := j.ownServer(t), session.FreePort(t)
	c := talk(t, s.SSH([]string{"-T"}, "sh"))
	c.send(j.script(c.id, name, onPort))
	talk(t, s.SSH([]string{"-N", "-L", fmt.Sprintf("127.0.0.1:%d:127.0.0.1:%s", port, c.result()["listeningOn"])}))
	answersBy(t, j, port)
}

// answersBy waits for a forward that has just been asked for.
func answersBy(t *testing.T, j *job, port int) {
	t.Helper()
	client := byAddress("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	await(t, "the forward stands", func() bool {
		answer, err := client.Get("http://server/version")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return true
	})
	j.reached(t, client, "http://server")
}

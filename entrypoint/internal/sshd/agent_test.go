package sshd

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// withAgent logs in with an agent that has one key, called name.
func (s *service) withAgent(name string) *ssh.Client {
	s.t.Helper()
	client := s.connect()
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: newPrivate(s.t), Comment: name}); err != nil {
		s.t.Fatal(err)
	}
	if err := agent.ForwardToAgent(client, keys); err != nil {
		s.t.Fatal(err)
	}
	s.forward(client)
	return client
}

// forward opens a session that forwards the agent and says where its socket is.
func (s *service) forward(client *ssh.Client) (path string) {
	s.t.Helper()
	session := s.session(client)
	if err := agent.RequestAgentForwarding(session); err != nil {
		s.t.Fatal(err)
	}
	out, err := session.Output("echo $SSH_AUTH_SOCK")
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// keyIn asks the agent at path what its key is called; "" where none answers.
func keyIn(path string) string {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return ""
	}
	defer conn.Close()
	keys, err := agent.NewClient(conn).List()
	if err != nil || len(keys) != 1 {
		return ""
	}
	return keys[0].Comment
}

// What was started in one connection has the agent of the next: the socket's
// path stays, and leads to the newest agent that is there.
func TestAgentOfTheNewestConnection(t *testing.T) {
	s := serve(t, nil)
	path := filepath.Join(s.Account.Runtime, agentName)
	wants := func(name string) {
		t.Helper()
		eventually(t, "the agent's key is "+name, func() bool { return keyIn(path) == name })
	}
	first := s.withAgent("first")
	if got := s.forward(first); got != path {
		t.Fatalf("SSH_AUTH_SOCK: got %q, want %q", got, path)
	}
	wants("first")
	second := s.withAgent("second")
	wants("second")
	s.connect() // without an agent: nothing changes
	wants("second")
	second.Close()
	wants("first")
	first.Close()
	eventually(t, "the connection is gone", func() bool { return s.activity.here.Load() == 1 })
	if got := keyIn(path); got != "" {
		t.Errorf("without any agent: got the key %q", got)
	}
	s.withAgent("third")
	wants("third")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: got %v, %v", info, err)
	}
}

// A peer that refuses the channel has no agent any more: an older one is asked.
func TestAgentThatIsGone(t *testing.T) {
	s := serve(t, nil)
	s.withAgent("older")
	newer := s.connect()
	path := s.forward(newer) // x/crypto's client refuses what it does not handle
	if got := keyIn(path); got != "older" {
		t.Errorf("got the key %q", got)
	}
}

// Where files in the way are cleaned away, the next session makes the socket anew.
func TestAgentSocketIsMadeAnew(t *testing.T) {
	s := serve(t, nil)
	client := s.withAgent("mine")
	path := filepath.Join(s.Account.Runtime, agentName)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.forward(client)
	if got := keyIn(path); got != "mine" {
		t.Errorf("got the key %q", got)
	}
}

package conformance

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"perch/tests/session"
)

// change is one bit that the next write in a direction gets otherwise.
type change struct {
	toJob bool
	at    int // the byte, counted from the end where it is negative
	bit   byte
}

// changer leads from a port to the job, as session.Relay does, and can change
// what it carries.
type changer struct {
	port string
	next atomic.Pointer[change]
}

func newChanger(t *testing.T, socket string) *changer {
	t.Helper()
	c := &changer{}
	c.port = session.RelayBy(t, socket, c.copy)
	return c
}

func (c *changer) copy(to io.Writer, from io.Reader, toJob bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if next := c.next.Load(); next != nil && n > 0 && next.toJob == toJob && c.next.CompareAndSwap(next, nil) {
			at := next.at
			if at < 0 {
				at += n
			}
			buffer[at] ^= next.bit
		}
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// places are what of a packet is changed: what begins with its length, its
// data, what ends with its MAC. In a session that is quiet, the next write is
// one packet.
var places = map[string]change{"length": {at: 0, bit: 0x80}, "data": {at: 20, bit: 1}, "MAC": {at: -1, bit: 1}}

// One bit changed on the way, by each cipher that has its own MAC and each MAC:
// the connection ends, what the packet held is not taken, and who has noticed
// says so: the client, or the job's log.
func testIntegrity(t *testing.T, j job) {
	offer := j.offer(t)
	var ways []options
	for _, cipher := range both(offer["ciphers stoc"], j.known(t, "cipher")) {
		if !strings.HasSuffix(cipher, "-ctr") {
			ways = append(ways, options{"-c", cipher})
		}
	}
	for _, mac := range both(offer["MACs stoc"], j.known(t, "mac")) {
		ways = append(ways, options{"-c", "aes128-ctr", "-m", mac})
	}
	if len(ways) < 5 {
		t.Fatalf("only %q are offered", ways)
	}
	c := newChanger(t, j.socket(t))
	for _, way := range ways {
		o := slices.Concat(way, options{"-o", "ProxyCommand=none", "-o", "HostName=127.0.0.1", "-p", c.port})
		for place, change := range places {
			t.Run(strings.Join(way, " ")+" "+place+" to the client", func(t *testing.T) { toClient(t, c, change, j.SSH(o, "echo ready; exec cat")) })
			change.toJob = true
			t.Run(strings.Join(way, " ")+" "+place+" to the job", func(t *testing.T) { toJob(t, j, c, change, j.SSH(o, "echo ready; exec cat")) })
		}
	}
	j.ssh(t, nil, "echo in").want(t, "in\n", "", 0)
}

// spoil changes a bit after the session has begun, and returns the client when
// it has ended.
func spoil(t *testing.T, c *changer, change change, cmd *exec.Cmd) *running {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	b := background(t, cmd)
	await(t, "the session runs", func() bool { return b.stdout.String() == "ready\n" })
	c.next.Store(&change)
	io.WriteString(stdin, "typed\n")
	await(t, "the client ends", b.ended)
	if code := cmd.ProcessState.ExitCode(); code != 255 || b.stdout.String() != "ready\n" {
		t.Errorf("exit %d, stdout %q", code, &b.stdout)
	}
	return b
}

func toClient(t *testing.T, c *changer, change change, cmd *exec.Cmd) {
	b := spoil(t, c, change, cmd)
	if !regexp.MustCompile(`Corrupted MAC on input|Bad packet length|message authentication code incorrect`).MatchString(b.stderr.String()) {
		t.Errorf("stderr %q", &b.stderr)
	}
}

func toJob(t *testing.T, j job, c *changer, change change, cmd *exec.Cmd) {
	said := func() int {
		text, err := os.ReadFile(filepath.Join(j.Home, ".perch/log"))
		if err != nil {
			t.Fatal(err)
		}
		why := "a packet from it has changed on the way"
		if change.at == 0 {
			why = "it sent a packet that is larger than SSH allows"
		}
		return len(regexp.MustCompile(`dropping the connection of "\S+" with SHA256:\S+, client "SSH-2.0-OpenSSH_[^"]*": `+why).FindAll(text, -1))
	}
	before := said()
	b := spoil(t, c, change, cmd)
	// As with sshd, which does not tell the client more either.
	if !regexp.MustCompile(`closed by remote host|Broken pipe|reset by peer`).MatchString(b.stderr.String()) {
		t.Errorf("stderr %q", &b.stderr)
	}
	await(t, "the job's log says why", func() bool { return said() == before+1 })
}

package ide

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"perch/tests/session"
)

// laptop is a machine of the user's, without Perch. Its network has a link to the
// submit host's, and nothing else.
type laptop struct {
	dir    string // with the ssh_config and the key
	public string // the key
	pid    int    // a process in its network
	host   reachable
	moves  int
}

// reachable is a submit host with a real sshd.
type reachable struct {
	pid    int     // a process in its network
	log    *buffer // sshd's
	key    string  // sshd's
	login  string
	proxy  string // the command that leads into the job
	jobKey string // what perch hostkey says of the job
}

// The submit host's address; the laptop's have another last number.
const (
	network     = "10.98.0."
	submitsHost = network + "1"
)

func newLaptop(t *testing.T) *laptop {
	t.Helper()
	l := &laptop{dir: t.TempDir(), pid: apart(t, exec.Command("cat"))}
	key := filepath.Join(l.dir, "id")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	l.public = string(public)
	return l
}

// local is this machine's sshd, in a network of its own. The job is another one
// than before, into which the laptop's key leads.
func (l *laptop) local(t *testing.T, s *session.Job) reachable {
	t.Helper()
	s.LetIn(t, l.public)
	sshd, key := s.SSHD(t, "0.0.0.0:22")
	log := &buffer{}
	sshd.Stderr = log
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return reachable{apart(t, sshd), log, key, me.Username, "perch proxy " + s.Target, s.Run(t, "perch", "hostkey", s.Target)}
}

// join links the laptop to a submit host, and does what the README says.
func (l *laptop) join(t *testing.T, host reachable) {
	t.Helper()
	l.host = host
	l.ip(t, host.pid, "link", "add", "laptop", "type", "veth", "peer", "name", "submit", "netns", strconv.Itoa(l.pid))
	l.ip(t, host.pid, "addr", "add", submitsHost+"/24", "dev", "laptop")
	l.ip(t, host.pid, "link", "set", "laptop", "up")
	l.move(t)
	await(t, "sshd listens", func() bool { return strings.Contains(host.log.String(), "Server listening") })
	alias, _, _ := strings.Cut(host.jobKey, " ")
	for name, text := range map[string]string{
		"known_hosts": submitsHost + " " + host.key + host.jobKey,
		"config": fmt.Sprintf(`Host job.perch
    ProxyCommand ssh -F %[1]s/config %[2]s@%[3]s %[4]s
    HostKeyAlias %[5]s
    ConnectTimeout 0
    Ciphers ^aes128-gcm@openssh.com
Host *
    IdentityFile %[1]s/id
    IdentitiesOnly yes
    UserKnownHostsFile %[1]s/known_hosts
    StrictHostKeyChecking yes
    StreamLocalBindUnlink yes
    BatchMode yes
`, l.dir, host.login, submitsHost, host.proxy, alias),
	} {
		if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// apart starts a program in a network of its own. It ends with the test, and so
// does what it has started: sshd waits for those who are cut off.
func apart(t *testing.T, program *exec.Cmd) (pid int) {
	t.Helper()
	cmd := exec.Command("unshare", append([]string{"-npf", "--kill-child", "sh", "-c", `ip link set lo up && echo && exec "$0" "$@"`}, program.Args...)...)
	cmd.Stderr = program.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%s has no network of its own: %v", program, err)
	}
	return cmd.Process.Pid
}

// in is a program in the network of a process.
func (l *laptop) in(pid int, program ...string) *exec.Cmd {
	args := append([]string{"-t", strconv.Itoa(pid), "-n"}, program...)
	cmd := exec.CommandContext(context.Background(), "nsenter", args...)
	cmd.Dir = l.dir
	return cmd
}

func (l *laptop) ip(t *testing.T, pid int, args ...string) {
	t.Helper()
	if out, err := l.in(pid, append([]string{"ip"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %q: %v\n%s", args, err, out)
	}
}

// address is the laptop's after n moves.
func address(n int) string { return network + strconv.Itoa(1+n) }

// lose takes the network away: nothing of what is sent arrives any more, the
// end of a connection neither.
func (l *laptop) lose(t *testing.T) { l.ip(t, l.pid, "link", "set", "submit", "down") }

// move gives the laptop an address that it has not had before.
func (l *laptop) move(t *testing.T) {
	l.moves++
	l.ip(t, l.pid, "addr", "flush", "dev", "submit")
	l.ip(t, l.pid, "addr", "add", address(l.moves)+"/24", "dev", "submit")
	l.ip(t, l.pid, "link", "set", "submit", "up")
}

// ssh is stock ssh on the laptop. It is killed with the ssh that is its proxy.
func (l *laptop) ssh(options []string, command ...string) *exec.Cmd {
	args := append([]string{"ssh", "-F", filepath.Join(l.dir, "config")}, options...)
	cmd := l.in(l.pid, append(append(args, "job.perch"), command...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

var accepted = regexp.MustCompile(`Accepted publickey for \S+ from (\S+) port`)

// cameFrom is the address of the one that sshd let in last.
func (l *laptop) cameFrom() string {
	all := accepted.FindAllStringSubmatch(l.host.log.String(), -1)
	if all == nil {
		return ""
	}
	return all[len(all)-1][1]
}

// standing are the connections that the submit host believes to have with address.
func (l *laptop) standing(t *testing.T, address string) (n int) {
	t.Helper()
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", l.host.pid))
	if err != nil {
		t.Fatal(err)
	}
	var a, b, c, d int
	fmt.Sscanf(address, "%d.%d.%d.%d", &a, &b, &c, &d)
	for line := range strings.Lines(string(table)) {
		// proc(5): local address, remote address in the machine's byte order, state.
		f := strings.Fields(line)
		if len(f) > 3 && strings.HasPrefix(f[2], fmt.Sprintf("%02X%02X%02X%02X:", d, c, b, a)) && f[3] == "01" {
			n++
		}
	}
	return n
}

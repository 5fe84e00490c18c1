// Package conformance tries with the stock client, on a real job's session
// server, what OpenSSH's own regression tests try on sshd. Each test has the
// name of the script whose idea it follows; docs/conformance.md lists them all.
package conformance

import (
	"bytes"
	"crypto/rand"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"perch/tests/session"
)

func TestMain(m *testing.M) { os.Exit(session.Main(m)) }

// ideas are the tests by the names of OpenSSH's scripts, and below those of our
// own that have none.
var ideas = map[string]func(*testing.T, job){
	"connect":            testConnect,
	"connect-uri":        testConnectURI,
	"proxy-connect":      testProxyConnect,
	"exit-status":        testExitStatus,
	"exit-status-signal": testExitStatusSignal,
	"envpass":            testEnvpass,
	"stderr-data":        testStderrData,
	"stderr-after-eof":   testStderrAfterEOF,
	"broken-pipe":        testBrokenPipe,
	"keytype":            testKeytype,
	"limit-keytype":      testLimitKeytype,
	"key-options":        testKeyOptions,
	"multipubkey":        testMultipubkey,
	"cert-userkey":       testCertUserkey,
	"brokenkeys":         testBrokenkeys,
	"allow-deny-users":   testAllowDenyUsers,
	"proto-version":      testProtoVersion,
	"proto-mismatch":     testProtoMismatch,
	"banner":             testBanner,
	"keyscan":            testKeyscan,
	"login-timeout":      testLoginTimeout,
	"integrity":          testIntegrity,
	"ssh-tty":            testSSHTTY,
	"agent":              testAgent,
	"yes-head":           testYesHead,
	"multiplex":          testMultiplex,
	"sftp":               testSFTP,
	"sftp-cmds":          testSFTPCmds,
	"sftp-badcmds":       testSFTPBadcmds,
	"sftp-batch":         testSFTPBatch,
	"sftp-glob":          testSFTPGlob,
	"sftp-resume":        testSFTPResume,
	"sftp-uri":           testSFTPURI,
	"scp":                testSCP,
	"scp3":               testSCP3,
	"scp-uri":            testSCPURI,
	"transfer":           testTransfer,
	"rekey":              testRekey,
	"try-ciphers":        testTryCiphers,
	"kextype":            testKextype,
	"dhgex":              testDHGEX,
	"forwarding":         testForwarding,
	"dynamic-forward":    testDynamicForward,

	"break":       testBreak,
	"eow":         testEOW,
	"sha1":        testSHA1,
	"session-end": testSessionEnd,
	"frames":      testFrames,
}

// TestOpenSSH runs every idea in one job. The one that waits for logins to time
// out, which began with the first, comes last.
func TestOpenSSH(t *testing.T) {
	j := start(t)
	const last = "login-timeout"
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(ideas)), func(name string) bool { return name == last })
	for _, name := range append(others, last) {
		t.Run(name, func(t *testing.T) { ideas[name](t, j) })
	}
}

// job is the job of these tests, and one that is busy with peers that stall.
type job struct {
	*session.Job
	// keys is the directory of further keys that the job was asked to let in.
	keys    string
	stalled *stalled
}

func start(t *testing.T) job {
	t.Helper()
	keys := t.TempDir()
	t.Setenv("PERCH_AUTHORIZED_KEYS_FILE", writeKeys(t, keys))
	other := stall(t)
	return job{session.Start(t), keys, &other}
}

// ran is what has become of a program.
type ran struct {
	stdout, stderr string
	code           int
}

// patience is how long a program may take before it counts as hanging.
const patience = 2 * time.Minute

// run runs a program to its end.
func run(t *testing.T, cmd *exec.Cmd) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() {
		t.Errorf("%q hangs", cmd.Args)
		cmd.Process.Kill()
	})
	defer timer.Stop()
	cmd.Wait() // what it says is the exit code below
	return ran{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// options are those of ssh's, each a word.
type options = []string

// ssh runs the stock ssh with Perch's ssh_config.
func (j job) ssh(t *testing.T, o options, command ...string) ran {
	t.Helper()
	return run(t, j.SSH(o, command...))
}

// ways are the two commands by which users come into a job.
func (j job) ways() map[string]func(o options, command ...string) *exec.Cmd {
	return map[string]func(options, ...string) *exec.Cmd{
		"ssh": j.SSH,
		"perch-ssh": func(o options, command ...string) *exec.Cmd {
			return j.Command("perch-ssh", append(append(o[:len(o):len(o)], j.Target), command...)...)
		},
	}
}

// both runs a test by each of the two ways.
func (j job) both(t *testing.T, test func(t *testing.T, ssh func(o options, command ...string) *exec.Cmd)) {
	for name, way := range j.ways() {
		t.Run(name, func(t *testing.T) { test(t, way) })
	}
}

// want fails the test unless a program said and returned just this.
func (r ran) want(t *testing.T, stdout, stderr string, code int) {
	t.Helper()
	if r != (ran{stdout, stderr, code}) {
		t.Errorf("got %.300q, stderr %.600q, exit %d; want %.300q, stderr %.600q, exit %d", r.stdout, r.stderr, r.code, stdout, stderr, code)
	}
}

// data is a file of random bytes outside of the job.
func data(t *testing.T, size int) (path string, content []byte) {
	t.Helper()
	content = make([]byte, size)
	rand.Read(content)
	path = filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not so after %v", what, patience)
		}
	}
}

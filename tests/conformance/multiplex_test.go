package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Several sessions, transfers and forwards share one connection.
func testMultiplex(t *testing.T, j job) {
	control := filepath.Join(short(t), "ctl")
	master := background(t, j.SSH(options{"-N", "-M", "-S", control, "-o", "SendEnv=_XXX_TEST"}))
	await(t, "the master runs", func() bool { return j.ssh(t, options{"-S", control, "-O", "check"}).code == 0 })
	mux := options{"-S", control}

	for _, code := range []int{0, 1, 4, 5, 44} {
		run(t, j.SSH(mux, "echo out; echo err >&2; exit "+string(rune('0'+code%10)))).want(t, "out\n", "err\n", code%10)
	}
	env := j.SSH(append(mux, "-o", "SendEnv=_XXX_TEST"), `echo $_XXX_TEST`)
	env.Env = append(env.Env, "_XXX_TEST=sent")
	run(t, env).want(t, "sent\n", "", 0)
	if r := run(t, j.SSH(append(mux, "-tt"), "tty")); !strings.HasPrefix(r.stdout, "/dev/pts/") || r.code != 0 {
		t.Errorf("a terminal: got %+v", r)
	}
	t.Run("at once", func(t *testing.T) { atOnce(t, j, mux) })
	t.Run("files", func(t *testing.T) { filesOver(t, j, control) })
	t.Run("forwards", func(t *testing.T) { forwardsOver(t, j, mux) })

	if r := j.ssh(t, append(mux, "-O", "exit")); r.code != 0 {
		t.Errorf("-O exit: got %+v", r)
	}
	await(t, "the master has ended", master.ended)
	if _, err := os.Stat(control); !os.IsNotExist(err) {
		t.Errorf("the control socket: %v", err)
	}
}

func atOnce(t *testing.T, j job, mux options) {
	path, content := data(t, 256<<10)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { out(t, j.SSH(mux, "cat "+path), content) })
	}
	all.Wait()
}

func filesOver(t *testing.T, j job, control string) {
	path, content := data(t, 256<<10)
	dir := t.TempDir()
	o := "ControlPath=" + control
	run(t, j.Command("scp", "-q", "-F", j.Config, "-o", o, path, j.Alias+":"+dir+"/scp")).want(t, "", "", 0)
	sftp := j.Command("sftp", "-q", "-F", j.Config, "-o", o, "-b", "-", j.Alias)
	sftp.Stdin = strings.NewReader("put " + path + " " + dir + "/sftp\n")
	if r := run(t, sftp); r.code != 0 {
		t.Errorf("sftp: got %+v", r)
	}
	same(t, dir+"/scp", content)
	same(t, dir+"/sftp", content)
}

// forwardsOver asks a running connection for forwards, and takes them back.
func forwardsOver(t *testing.T, j job, mux options) {
	target, dir := echo(t, "tcp", "127.0.0.1:0"), short(t)
	ask := func(what string, o ...string) ran { return j.ssh(t, append(append(mux, "-O", what), o...)) }
	for _, forward := range []options{{"-L", dir + "/l:" + target}, {"-R", dir + "/r:" + target}} {
		ask("forward", forward...).want(t, "", "", 0)
		socket, _, _ := strings.Cut(forward[1], ":")
		echoes(t, "unix", socket)
		ask("cancel", forward...).want(t, "", "", 0)
		os.Remove(socket) // ssh leaves its own
		ask("forward", forward...).want(t, "", "", 0)
		echoes(t, "unix", socket)
	}
	r := ask("forward", "-R", "0:"+target)
	port := strings.TrimSpace(r.stdout)
	if r.code != 0 || port == "" {
		t.Fatalf("-R 0: got %+v", r)
	}
	echoes(t, "tcp", "127.0.0.1:"+port)
	cmd := j.SSH(append(mux, "-W", target))
	cmd.Stdin = strings.NewReader("through")
	run(t, cmd).want(t, "through", "", 0)
}

// same wants a file to hold something.
func same(t *testing.T, path string, content []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != string(content) {
		t.Errorf("%s: %d bytes of %d, %v", path, len(got), len(content), err)
	}
}

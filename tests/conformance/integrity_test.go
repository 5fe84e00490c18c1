package conformance

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// flipVariable has this test's program be a ProxyCommand that changes one bit:
// the place of its byte, a blank, and the job's socket.
const flipVariable = "PERCH_CONFORMANCE_FLIP"

// flip copies between its own streams and a socket. In what it sends to the
// socket, one bit is another.
func flip(what string) int {
	place, socket, _ := strings.Cut(what, " ")
	at, err := strconv.ParseInt(place, 10, 64)
	if err != nil {
		return 1
	}
	to, err := net.Dial("unix", socket)
	if err != nil {
		return 1
	}
	go func() {
		defer to.(*net.UnixConn).CloseWrite()
		if _, err := io.CopyN(to, os.Stdin, at); err != nil {
			return
		}
		b := make([]byte, 1)
		if _, err := io.ReadFull(os.Stdin, b); err != nil {
			return
		}
		to.Write([]byte{b[0] ^ 1})
		io.Copy(to, os.Stdin)
	}()
	io.Copy(os.Stdout, to)
	return 0
}

// One bit that is changed on the way to the job, by each cipher and MAC: the
// connection ends, what came is a part of what was sent, and nobody else notices.
func testIntegrity(t *testing.T, j job) {
	_, content := data(t, 1<<20)
	dir, offer := t.TempDir(), j.offer(t)
	var ways []options
	for _, cipher := range both(offer["ciphers stoc"], j.known(t, "cipher")) {
		if !strings.HasSuffix(cipher, "-ctr") {
			ways = append(ways, options{"-c", cipher})
		}
	}
	for _, mac := range offer["MACs stoc"] {
		ways = append(ways, options{"-c", "aes128-ctr", "-m", mac})
	}
	for i, way := range ways {
		for _, place := range []int{6000, 6003, 40_017} {
			file := fmt.Sprintf("%s/%d-%d", dir, i, place)
			cmd := j.SSH(slices.Concat(way, options{"-o", "ProxyUseFdpass=no", "-o", "ProxyCommand=" + os.Args[0]}), "cat >"+file)
			cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d %s", flipVariable, place, j.socket(t)))
			cmd.Stdin = bytes.NewReader(content)
			if r := run(t, cmd); r.code != 255 {
				t.Errorf("%q, byte %d: got %+v", way, place, r)
			}
			if got, err := os.ReadFile(file); err != nil && !os.IsNotExist(err) || !bytes.HasPrefix(content, got) || len(got) == len(content) {
				t.Errorf("%q, byte %d: %d bytes arrived, %v", way, place, len(got), err)
			}
		}
	}
	j.ssh(t, nil, "echo in").want(t, "in\n", "", 0)
}

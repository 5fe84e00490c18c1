package conformance

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// message is a line of ssh -vvv for a message of a channel (RFC 4254, 5.3 and
// 5.4): 96 EOF, 97 close, 98 a request, which is named in a line of its own. Data
// has no line.
var message = regexp.MustCompile(`receive packet: type (9[678])|client_input_channel_req: channel \d+ rtype (\S+)`)

// messages are what the client got of its channel, by these names.
func messages(stderr string) []string {
	var got []string
	for _, m := range message.FindAllStringSubmatch(stderr, -1) {
		if name := map[string]string{"96": "EOF", "97": "close"}[m[1]] + m[2]; name != "" {
			got = append(got, name)
		}
	}
	return got
}

// What a session's end looks like to the client, whose output nobody takes
// before it has the exit status, which does not wait for that: after it come the
// rest of the output, EOF, close.
func testSessionEnd(t *testing.T, j job) {
	// The client takes its window and what its pipe holds; the rest waits in the
	// job's pipe.
	const size = window + 64<<10 + 60_000
	head := "head -c " + strconv.Itoa(size) + " /dev/zero; "
	for name, test := range map[string]struct{ end, status string }{
		"exit":   {"exit 5", "exit-status"},
		"signal": {"kill -TERM $$", "exit-signal"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := j.SSH(options{"-n", "-vvv"}, head+test.end)
			stdout, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdout.Close()
			b := &running{cmd: cmd, done: make(chan struct{})}
			cmd.Stdout, cmd.Stderr = w, &b.stderr
			b.start(t)
			w.Close()
			b.says(t, "rtype "+test.status)
			n, err := io.Copy(io.Discard, stdout)
			await(t, "the client ends", b.ended)
			if n != size || err != nil {
				t.Errorf("got %d bytes of %d, %v", n, size, err)
			}
			said := b.stderr.String()
			if got, want := messages(said), []string{test.status, "EOF", "close"}; !slices.Equal(got, want) {
				t.Errorf("got %q; want %q", got, want)
			}
			if before, _, _ := strings.Cut(said, "rtype "+test.status); allowed(t, before) >= size {
				t.Errorf("the client has let all of the output come before the status:\n%s", before)
			}
		})
	}
}

// window is what the client lets come at first (CHAN_SES_WINDOW_DEFAULT in
// OpenSSH's channels.h).
const window = 2 << 20

// allowed is how many bytes ssh -vvv has let come.
func allowed(t *testing.T, stderr string) int {
	t.Helper()
	sum := window
	for _, m := range regexp.MustCompile(`window \d+ sent adjust (\d+)`).FindAllStringSubmatch(stderr, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

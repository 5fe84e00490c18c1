package serve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perch/entrypoint/internal/config"
	"perch/entrypoint/internal/login"
)

func TestGreeting(t *testing.T) {
	j := &job{account: login.Account{Home: t.TempDir()}, begun: time.Now(),
		settings: config.Settings{Greeting: true, Name: "rocky\x1b[2J", WallTime: 8*time.Hour + time.Minute, IdleTimeout: time.Hour}}
	got := j.greeting()
	if n := strings.Count(got, "\n"); n != 4 || !strings.HasSuffix(got, "\n") {
		t.Errorf("got %d lines: %q", n, got)
	}
	for _, want := range []string{" on ", "granted: ", "core", "time left: 8h0m; ", "for 1h0m0s", "perch stop", "rocky[2J"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want it to have %q", got, want)
		}
	}
	if err := os.WriteFile(filepath.Join(j.account.Home, ".hushlogin"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := j.greeting(); got != "" {
		t.Errorf("with .hushlogin: got %q", got)
	}
}

func TestTimeLeft(t *testing.T) {
	begun := time.Now()
	for _, test := range []struct {
		wall, passed time.Duration
		want         string
	}{
		{0, time.Hour, "time left: as long as HTCondor lets the job run"},
		{2 * time.Hour, 30 * time.Minute, "time left: 1h30m"},
		{time.Hour, 2 * time.Hour, "time left: less than a minute"},
	} {
		j := &job{begun: begun, settings: config.Settings{WallTime: test.wall}}
		if got := j.timeLeft(begun.Add(test.passed)); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adrg/xdg"
	"github.com/google/go-cmp/cmp"
)

// write makes the two files of settings; "" makes none.
func write(t *testing.T, site, user string) (sitePath, userPath string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"site.yaml": site, "user.yaml": user} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "site.yaml"), filepath.Join(dir, "user.yaml")
}

func TestPrecedence(t *testing.T) {
	defaults := Settings{IdleTimeout: -time.Second, IdleConnected: -time.Second}
	for _, c := range []struct {
		name, site, user string
		env              map[string]string
		want             func(*Settings)
	}{
		{name: "no files", want: func(*Settings) {}},
		{name: "empty files", site: "\n", user: "# nothing\n", want: func(*Settings) {}},
		{name: "the site's", site: "engine: htcondor\nidle_timeout: 10m\nssh: /usr/bin/ssh\n",
			want: func(s *Settings) { s.Engine, s.IdleTimeout, s.SSH = "htcondor", 10*time.Minute, "/usr/bin/ssh" }},
		{name: "the user's goes over it", site: "engine: htcondor\nidle_timeout: 10m\n", user: "idle_timeout: 0s\nidle_connected: 2h30m\n",
			want: func(s *Settings) { s.Engine, s.IdleTimeout, s.IdleConnected = "htcondor", 0, 150*time.Minute }},
		{name: "the environment goes over both", site: "engine: htcondor\n", user: "engine: htcondor\nidle_timeout: 1m\n",
			env: map[string]string{"PERCH_ENGINE": "local", "PERCH_IDLE_TIMEOUT": "5m", "PERCH_ENTRYPOINT": "/opt/perch-entrypoint"},
			want: func(s *Settings) {
				s.Engine, s.IdleTimeout, s.Entrypoint = "local", 5*time.Minute, "/opt/perch-entrypoint"
			}},
		{name: "an empty variable is none", user: "engine: local\n", env: map[string]string{"PERCH_ENGINE": ""},
			want: func(s *Settings) { s.Engine = "local" }},
		{name: "home", user: "authorized_keys_file: ~/.ssh/more\nentrypoint: ~/bin/e\n",
			want: func(s *Settings) { s.AuthorizedKeysFile, s.Entrypoint = xdg.Home+"/.ssh/more", xdg.Home+"/bin/e" }},
		{name: "somebody else's home stays", user: "entrypoint: ~bob/e\n", want: func(s *Settings) { s.Entrypoint = "~bob/e" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			want := defaults
			c.want(&want)
			got, err := load(write(t, c.site, c.user))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRefused: a setting that is misspelt or misunderstood is never passed over.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, user string
		env        map[string]string
		want       string
	}{
		{name: "unknown name", user: "idle_timout: 10m\n", want: "idle_timout"},
		{name: "unknown engine", user: "engine: slurm\n", want: `the engine "slurm" is none; say htcondor or local`},
		{name: "engine of the environment", env: map[string]string{"PERCH_ENGINE": "Local"}, want: `"Local" is none`},
		{name: "no time", user: "idle_timeout: soon\n", want: "'idle_timeout' time: invalid duration"},
		{name: "no time in the environment", env: map[string]string{"PERCH_IDLE_CONNECTED": "1 fortnight"}, want: "'idle_connected' time: unknown unit"},
		{name: "no YAML", user: "engine: [local\n", want: "correct it there"},
		{name: "a list", user: "- engine\n", want: "correct it there"},
		{name: "text", user: "just words\n", want: "correct it there"},
		{name: "a list of engines", user: "engine: [local]\n", want: "correct them there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			got, err := load(write(t, "", c.user))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %+v, error %v; want %q in one line", got, err, c.want)
			}
		})
	}
}

// TestNumbersAreNoTimes: "idle_timeout: 10" would be 10 nanoseconds.
func TestNumbersAreNoTimes(t *testing.T) {
	for _, set := range []func(t *testing.T) (string, string){
		func(t *testing.T) (string, string) { return write(t, "", "idle_timeout: 10\n") },
		func(t *testing.T) (string, string) {
			t.Setenv("PERCH_IDLE_TIMEOUT", "10")
			return write(t, "", "")
		},
	} {
		t.Run("", func(t *testing.T) {
			got, err := load(set(t))
			if err == nil || !strings.Contains(err.Error(), "idle_timeout") {
				t.Errorf("got %+v, error %v", got, err)
			}
		})
	}
}

func TestUnreadableFile(t *testing.T) {
	if _, err := load(write(t, "engine: slurm\n", "engine: local\n")); err != nil {
		t.Errorf("an engine that the user overrides: %v", err)
	}
	dir := t.TempDir()
	if _, err := load(dir, filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "reading settings") {
		t.Errorf("a directory in the file's place: %v", err)
	}
	if _, err := load(filepath.Join(dir, strings.Repeat("x", 300)), ""); err == nil || !strings.Contains(err.Error(), "mend its permissions") {
		t.Errorf("a file that cannot be opened: %v", err)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("engine: local\nidle_timeout: 10m\nauthorized_keys_file: ~/.ssh/k\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		user := filepath.Join(t.TempDir(), "user.yaml")
		if err := os.WriteFile(user, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := load("/no/such/file", user)
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("an error of several lines: %v", err)
		}
		if err == nil && s.Engine != "" && s.Engine != "local" && s.Engine != "htcondor" {
			t.Errorf("an engine %q", s.Engine)
		}
	})
}

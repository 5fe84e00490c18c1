package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestJob(t *testing.T) {
	j := Start(t)
	out, err := j.SSH([]string{"-T"}, "pwd").Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != j.Home {
		t.Errorf("ssh says %q, %v; want %q", got, err, j.Home)
	}
	if _, err := os.Stat(filepath.Join(j.Home, ".perch")); err != nil {
		t.Error(err)
	}
}

func TestImage(t *testing.T) {
	j := Start(t, Image(t)...)
	if out := j.Run(t, "perch-ssh", j.Target, "cat", "/etc/os-release"); !strings.Contains(out, "Debian") {
		t.Errorf("got %q", out)
	}
}

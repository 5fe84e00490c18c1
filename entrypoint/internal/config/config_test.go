package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perch/entrypoint/contract"
)

func TestRead(t *testing.T) {
	const fallback = contract.DefaultIdleTimeout * time.Second
	for _, test := range []struct {
		name, ad string
		want     Settings
		notes    int
	}{
		{"defaults", "MyType = \"Job\"\n", Settings{IdleTimeout: fallback, IdleConnected: 0, Greeting: true}, 0},
		{"both set", "PerchIdleTimeout = 120\nperchidleconnected = 3600\n", Settings{IdleTimeout: 2 * time.Minute, IdleConnected: time.Hour, Greeting: true}, 0},
		{"never", "PerchIdleTimeout = 0\n", Settings{IdleTimeout: 0, IdleConnected: 0, Greeting: true}, 0},
		{"not usable", "PerchIdleTimeout = 30 * 60\nPerchIdleConnected = -5\n", Settings{IdleTimeout: fallback, IdleConnected: 0, Greeting: true}, 2},
		{"a greeting or none", "PerchGreeting = FALSE\n", Settings{IdleTimeout: fallback}, 0},
		{"neither", "PerchGreeting = 1 > 0\n", Settings{IdleTimeout: fallback, Greeting: true}, 1},
		{"what the greeting says", "PerchName = \"x\"\nAllowedExecuteDuration = 3600\n", Settings{IdleTimeout: fallback, Greeting: true, Name: "x", WallTime: time.Hour}, 0},
		{"too large for a duration", "PerchIdleTimeout = 9223372036854775807\n", Settings{IdleTimeout: longest * time.Second, IdleConnected: 0, Greeting: true}, 0},
		{"directories", "PerchSysroot = \"/cvmfs/a \\\"b\\\"\"\n", Settings{IdleTimeout: fallback, Greeting: true, Sysroot: `/cvmfs/a "b"`}, 0},
		{"too short for an editor to come back", "PerchIdleTimeout = 119\n", Settings{IdleTimeout: 119 * time.Second, Greeting: true}, 1},
		{"and with a dead connection that still counts", "PerchIdleConnected = 60\n", Settings{IdleTimeout: fallback, IdleConnected: time.Minute, Greeting: true}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ad")
			if err := os.WriteFile(path, []byte(test.ad), 0o600); err != nil {
				t.Fatal(err)
			}
			got, notes := Read(func(string) string { return path })
			if got != test.want || len(notes) != test.notes {
				t.Errorf("got %+v and notes %q, want %+v and %d notes", got, notes, test.want, test.notes)
			}
		})
	}
}

func TestNoAd(t *testing.T) {
	want := Settings{IdleTimeout: contract.DefaultIdleTimeout * time.Second, Greeting: true}
	if got, notes := Read(func(string) string { return "" }); got != want || len(notes) != 0 {
		t.Errorf("without an ad: got %+v, %q", got, notes)
	}
	got, notes := Read(func(string) string { return "/nonesuch" })
	if got != want || len(notes) != 1 || !strings.Contains(notes[0], "/nonesuch") {
		t.Errorf("with an ad that cannot be read: got %+v, %q", got, notes)
	}
}

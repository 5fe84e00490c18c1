package target

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perch/shim/internal/engine"
)

func TestNote(t *testing.T) {
	tg := Target{State: t.TempDir()}
	want := Note{Job: engine.Job{ID: "12.0", State: engine.Held, Since: time.Unix(1795529542, 0), Reason: "\"no\"\n"},
		JDL: "/home/alice/a b.jdl", JDLHash: "ab", Queue: "schedd", Submitted: time.Unix(1795529540, 0)}
	if err := tg.WriteNote(want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, tg.Note()); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
	info, err := os.Stat(filepath.Join(tg.State, noteName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the note's mode is %v, %v", info.Mode(), err)
	}
}

// TestChanged goes by the content: a file that was only touched is the same.
func TestChanged(t *testing.T) {
	dir := t.TempDir()
	tg := Target{State: dir, JDL: filepath.Join(dir, "a.jdl")}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(tg.JDL, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Minute)
		if err := os.Chtimes(tg.JDL, later, later); err != nil {
			t.Fatal(err)
		}
	}
	write("queue\n")
	if _, changed := tg.Changed(); changed {
		t.Error("changed, although there was no job")
	}
	hash, err := tg.JDLHash()
	if err != nil {
		t.Fatal(err)
	}
	if err := tg.WriteNote(Note{Job: engine.Job{ID: "12.0"}, JDLHash: hash}); err != nil {
		t.Fatal(err)
	}
	if _, changed := tg.Changed(); changed {
		t.Error("touched is changed")
	}
	write("request_cpus = 2\nqueue\n")
	if job, changed := tg.Changed(); !changed || job != "12.0" {
		t.Errorf("got %q, %v", job, changed)
	}
}

// TestBrokenNote: half a note, or anything else, is none.
func TestBrokenNote(t *testing.T) {
	tg := Target{State: t.TempDir()}
	path := filepath.Join(tg.State, noteName)
	for _, text := range []string{"", "{", `{"job": {"id": "12.0"`, "null", "[]", `{"job": 7}`, `{"jdl": "/x", "submitted": "yesterday"}`, "\x00\xff"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := tg.Note(); got != (Note{}) {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	if got := (Target{State: "/no/such/folder"}).Note(); got != (Note{}) {
		t.Errorf("no note is read as %+v", got)
	}
	err := Target{State: "/no/such/folder"}.WriteNote(Note{Job: engine.Job{ID: "12.0"}})
	if err == nil || !strings.Contains(err.Error(), "noting job 12.0") || !strings.Contains(err.Error(), "found again by the queue") {
		t.Errorf("a note that cannot be written: %v", err)
	}
}

func TestAll(t *testing.T) {
	home := t.TempDir()
	if notes, err := All(home); err != nil || notes != nil {
		t.Errorf("no folder: %v, %v", notes, err)
	}
	for _, name := range []string{"a-1", "b-2", "broken-3"} {
		tg := Target{State: filepath.Join(home, "perch", "jobs", name)}
		if err := os.MkdirAll(tg.State, 0o700); err != nil {
			t.Fatal(err)
		}
		if name != "broken-3" {
			if err := tg.WriteNote(Note{JDL: "/" + name}); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(t, filepath.Join(home, "perch", "jobs", "a-file"))
	notes, err := All(home)
	if err != nil || len(notes) != 2 || notes[0].JDL != "/a-1" || notes[1].JDL != "/b-2" {
		t.Errorf("got %+v, %v", notes, err)
	}
}

func TestJDLHash(t *testing.T) {
	tg := Target{JDL: write(t, filepath.Join(t.TempDir(), "a.jdl"))}
	before, err := tg.JDLHash()
	if err != nil || len(before) != 64 {
		t.Fatalf("got %q, %v", before, err)
	}
	if err := os.WriteFile(tg.JDL, []byte("queue 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if after, err := tg.JDLHash(); err != nil || after == before {
		t.Errorf("the hash has not changed, %v", err)
	}
	os.Remove(tg.JDL)
	if _, err := tg.JDLHash(); err == nil {
		t.Error("a missing file has a hash")
	}
}

// TestWriteConfig: what ssh says to the file is held in package stockssh.
func TestWriteConfig(t *testing.T) {
	tg := Target{JDL: "/home/alice/a b.jdl", Name: "a_b", Hash: "0011", State: t.TempDir()}
	if err := tg.WriteConfig("/usr/bin/perch-ssh"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(tg.ConfigPath())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/usr/bin/perch-ssh", ProxyFlag, "a b.jdl", "HostKeyAlias perch-0011", tg.KnownHostsPath()} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	tg.JDL = "/home/alice/a\nb.jdl"
	if err := tg.WriteConfig("/usr/bin/perch-ssh"); err == nil {
		t.Error("a path with a line end went into ssh's configuration")
	}
}

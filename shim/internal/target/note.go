package target

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"perch/shim/internal/engine"
)

// Names in the state folder.
const (
	noteName   = "job.json"
	LockName   = "submit.lock"
	LogName    = "user.log"
	KeepLog    = "keep.log"
	ConfigName = "ssh_config"
)

// Note is what the state folder remembers of the target's last job. The queue
// is the truth; a lost note costs nothing but the hints made from it.
type Note struct {
	Job       engine.Job `json:"job"`
	JDL       string     `json:"jdl"`
	JDLHash   string     `json:"jdl_sha256"`
	Queue     string     `json:"queue"`
	Submitted time.Time  `json:"submitted"`
}

// WriteNote remembers a job, whole or not at all.
func (t Target) WriteNote(n Note) error {
	data, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return fmt.Errorf("noting job %s: %w", n.Job.ID, err)
	}
	if err := renameio.WriteFile(filepath.Join(t.State, noteName), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("noting job %s: %w; it runs all the same, and is found again by the queue", n.Job.ID, err)
	}
	return nil
}

// Note returns what is remembered. A missing or broken note is an empty one.
func (t Target) Note() Note {
	var n Note
	data, err := os.ReadFile(filepath.Join(t.State, noteName))
	if err != nil || json.Unmarshal(data, &n) != nil {
		return Note{}
	}
	return n
}

// JDLHash is the hash of the submit description's content, by which a change
// is noticed.
func (t Target) JDLHash() (string, error) {
	data, err := os.ReadFile(t.JDL)
	if err != nil {
		return "", fmt.Errorf("reading submit description: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Changed says whether the submit description has changed since the last job,
// whose number it returns, was submitted. Where the file is older than the
// note, that costs two looks at them.
func (t Target) Changed() (job string, changed bool) {
	jdl, err := os.Stat(t.JDL)
	if err != nil {
		return "", false
	}
	note, err := os.Stat(filepath.Join(t.State, noteName))
	if err != nil || jdl.ModTime().Before(note.ModTime()) {
		return "", false
	}
	n := t.Note()
	hash, err := t.JDLHash()
	return n.Job.ID, err == nil && n.JDLHash != "" && hash != n.JDLHash
}

// ChangedLine tells the user of it.
func (t Target) ChangedLine(job string) string {
	return fmt.Sprintf("%s has changed since job %s was submitted; perch stop, then connect again, to use the new one", t.JDL, job)
}

// All returns the notes of all targets that this user's state folder has.
func All(stateHome string) ([]Note, error) {
	dirs, err := os.ReadDir(filepath.Join(stateHome, "perch", "jobs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing targets: %w", err)
	}
	var notes []Note
	for _, d := range dirs {
		n := Target{State: filepath.Join(stateHome, "perch", "jobs", d.Name())}.Note()
		if n.JDL != "" {
			notes = append(notes, n)
		}
	}
	return notes, nil
}

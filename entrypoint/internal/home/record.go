package home

import (
	"encoding/json"
	"io"
	"os"

	"github.com/google/renameio/v2"

	"perch/entrypoint/internal/finding"
)

// recordName is the file in Dir that holds what Prepare has found and done, so
// that check can tell it later.
const recordName = "home.json"

// maxRecord bounds what is read of it, in bytes.
const maxRecord = 1 << 20

// Note adds a finding after Prepare.
func (p *Place) Note(what string, outcome finding.Outcome, format string, args ...any) {
	p.Found.Add(what, outcome, format, args...)
	p.record()
}

// record writes Found. On a full disk it cannot; then check knows less.
func (p *Place) record() {
	content, err := json.Marshal(append(finding.List{}, p.Found...))
	if err == nil {
		renameio.WriteFile(p.Path(recordName), content, 0o600)
	}
}

// Recorded returns what the last Prepare in this place has found and done.
func (p *Place) Recorded() (found finding.List) {
	f, err := os.Open(p.Path(recordName))
	if err != nil {
		return nil
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil || json.Unmarshal(content, &found) != nil {
		return nil
	}
	return found
}

package serve

import (
	"strings"
	"sync"

	"perch/entrypoint/internal/finding"
)

// untold are the notes that no user has seen yet: the job's output, where all of
// them are, is often thrown away, and an IDE shows no greeting.
type untold struct {
	mu    sync.Mutex
	lines []string
}

func (u *untold) add(line string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lines = append(u.lines, line)
}

func (u *untold) take() (lines []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	lines, u.lines = u.lines, nil
	return lines
}

// note says something in the job's output and, where the user can do something
// about it, to the user.
func (j *job) note(text string, tell bool) {
	// Names of files, and the ad, are not ours.
	text = printable(strings.Join(strings.Fields(text), " "))
	j.log.say("note: %s", text)
	if tell {
		j.untold.add("note: " + text)
	}
}

// sayFound says what has been found since it was called last.
func (j *job) sayFound() {
	for _, f := range j.place.Found[j.said:] {
		j.note(f.Text, f.Outcome == finding.Said)
	}
	j.said = len(j.place.Found)
}

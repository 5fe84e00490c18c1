package check

import (
	"fmt"
	"strings"

	"perch/entrypoint/internal/finding"
)

// text is the report for people.
func (r Report) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name+":", fmt.Sprintf(format, args...))
	}
	line("user", "%s (uid %d, gid %d)", r.User.Name, r.User.UID, r.User.GID)
	line("home", "%s, %s free", r.Home.Path, finding.Size(r.Home.Free))
	line("shell", "%s", orNone(r.Shell))
	line("libc", "%s", orNone(r.Libc))
	line("granted", "%s", r.Limits.Text())
	for _, f := range r.Found {
		name := "note"
		if f.Outcome == finding.Said {
			name = "problem"
		}
		line(name, "%s", f.Text)
	}
	return b.String()
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

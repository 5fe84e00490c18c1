package serve

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/limits"
)

// greeting is what a shell on a terminal begins with, four lines: where one is,
// what the job may use, how long it lives, how to end it. It is "" where the
// job's ad or the user's .hushlogin (login(1)) does not want it.
func (j *job) greeting() string {
	if !j.settings.Greeting {
		return ""
	}
	if _, err := os.Lstat(filepath.Join(j.account.Home, ".hushlogin")); err == nil {
		return ""
	}
	host, _ := os.Hostname()
	lines := []string{
		fmt.Sprintf("%s on %s", system("/etc/os-release"), host),
		"granted: " + limits.Read(os.Getenv(contract.EnvMachineAd)).Granted(),
		j.timeLeft(time.Now()),
		j.howToEnd(),
	}
	return printable(strings.Join(lines, "\n")) + "\n"
}

// system names the image's system (os-release(5), PRETTY_NAME).
func system(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return "Linux"
	}
	for line := range strings.Lines(string(content)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return "Linux"
}

func (j *job) timeLeft(now time.Time) string {
	text := "time left: as long as HTCondor lets the job run"
	if wall := j.settings.WallTime; wall > 0 {
		left := max(0, wall-now.Sub(j.begun)).Truncate(time.Minute)
		text = "time left: " + strings.TrimSuffix(left.String(), "0s")
		if left == 0 {
			text = "time left: less than a minute"
		}
	}
	if idle := j.settings.IdleTimeout; idle > 0 {
		text += fmt.Sprintf("; the job ends when nobody has been connected for %v", idle)
	}
	return text
}

func (j *job) howToEnd() string {
	if j.settings.Name == "" {
		return "to end it: perch stop FILE on the submit host, with its submit description"
	}
	return fmt.Sprintf("to end it: perch stop FILE on the submit host, with the submit description of %s", j.settings.Name)
}

// printable leaves out what a terminal would take for a command: the ad and the
// image are not ours.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, text)
}

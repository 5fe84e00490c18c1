package pool

import (
	"strings"
	"testing"
	"time"
)

// awaitLimit is for a machine that does much else; what is waited for takes
// seconds.
const awaitLimit = 2 * time.Minute

// Await waits until a condition is true. The test ends if that takes minutes;
// what completes the words "waiting for".
func Await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(awaitLimit); !condition(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still waiting for %s after %v", what, awaitLimit)
		}
	}
}

// TrySubmit gives a submit description to condor_submit, in the user's home, and
// returns what it says.
func (p *Pool) TrySubmit(t testing.TB, user, description string) Result {
	t.Helper()
	description += "\n" // without it, an indented "queue" is not understood
	result, err := p.ExecInput(t.Context(), description, user, "timeout", "60", "condor_submit", "-terse", "-")
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// Submit submits a description with one job and returns the job's number, such
// as "12.0".
func (p *Pool) Submit(t testing.TB, user, description string) string {
	t.Helper()
	result := p.TrySubmit(t, user, description)
	id, _, ok := strings.Cut(result.Stdout, " - ")
	if result.Code != 0 || !ok {
		t.Fatalf("condor_submit: exit status %d\n%s%s", result.Code, result.Stdout, result.Stderr)
	}
	return id
}

// Attribute returns an attribute of a job's ad, in the queue or in the history,
// as condor_q -autoformat prints it; "undefined" where the ad has none, "" as
// long as neither has the ad.
func (p *Pool) Attribute(t testing.TB, job, name string) string {
	t.Helper()
	value := p.Run(t, "root", "condor_q", job, "-autoformat", name)
	if value == "" {
		value = p.Run(t, "root", "condor_history", job, "-limit", "1", "-autoformat", name)
	}
	return strings.TrimSpace(value)
}

package pool

import "testing"

// Start boots a pool for a test and stops it when the test has ended. A test
// that failed prints the ends of HTCondor's logs.
func Start(t testing.TB, v Version, c Config) *Pool {
	t.Helper()
	Requires(t, Needs...)
	p, err := Boot(t.Context(), v, "", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs of pool %s:\n%s", p.Name(), p.Logs())
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Run runs a program in the pool as root, alice or bob, and returns what it
// wrote to its standard output. The test ends if the program's status is not 0.
func (p *Pool) Run(t testing.TB, user string, argv ...string) string {
	t.Helper()
	result, err := p.Exec(t.Context(), user, argv...)
	if err != nil {
		t.Fatal(err)
	}
	if result.Code != 0 {
		t.Fatalf("%s: %q: exit status %d\n%s%s", user, argv, result.Code, result.Stdout, result.Stderr)
	}
	return result.Stdout
}

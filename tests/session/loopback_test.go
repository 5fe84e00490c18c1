package session

import "testing"

// TestFreePort: so many ports, by chance, would have been some of them twice.
func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 2000 {
		seen[FreePort(t)] = true
	}
	if len(seen) != 2000 {
		t.Errorf("of 2000 ports %d are different", len(seen))
	}
}

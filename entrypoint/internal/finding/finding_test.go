package finding

import "testing"

func TestSize(t *testing.T) {
	for bytes, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1 << 20: "1 MiB", 15 << 30: "15 GiB", 3 << 39: "1.5 TiB"} {
		if got := Size(bytes); got != want {
			t.Errorf("Size(%d): got %q, want %q", bytes, got, want)
		}
	}
}

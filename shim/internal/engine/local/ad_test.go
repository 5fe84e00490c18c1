package local

import (
	"os"
	"strings"
	"testing"
)

func TestAd(t *testing.T) {
	var a ad
	a.setString("Name", "a \"b\" \\ \n\x00c")
	a.set("X", "1")
	a.set("x", "2 + 3")
	if got, want := a.String(), "Name = \"a \\\"b\\\" \\\\   c\"\nX = 2 + 3\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !a.has("NAME") || a.has("y") {
		t.Error("has: names have no case")
	}
}

// In the units of the ad; condor_submit 25.14 gave 4096 and 15728640.
func TestSize(t *testing.T) {
	for _, test := range []struct {
		amount string
		unit   float64
		want   string
	}{
		{"4 GB", 1 << 20, "4096"},
		{"15GB", 1 << 10, "15728640"},
		{"512M", 1 << 20, "512"},
		{"64", 1 << 20, "64"},
		{"1.5g", 1 << 20, "1536"},
		{"MemoryUsage * 2", 1 << 20, "MemoryUsage * 2"},
	} {
		if got := size(test.amount, test.unit); got != test.want {
			t.Errorf("size(%q, %v): got %s, want %s", test.amount, test.unit, got, test.want)
		}
	}
}

func TestProcess(t *testing.T) {
	self, err := identify(os.Getpid())
	if err != nil || !self.alive() {
		t.Errorf("this process: got %+v, %v, want it alive", self, err)
	}
	for _, other := range []process{{}, {self.Pid, self.Start + 1, self.Boot}, {self.Pid, self.Start, "another"}, {1 << 30, 1, self.Boot}} {
		if other.alive() {
			t.Errorf("%+v is not alive", other)
		}
	}
}

// A command's name may look like the rest of the line.
func TestParseStat(t *testing.T) {
	rest := " S 7 " + strings.Repeat("0 ", 17) + "4711 0 0"
	got, err := parseStat("12 (a) Z 3 (b)" + rest)
	if err != nil || got.parent != 7 || got.start != 4711 {
		t.Errorf("got %+v, %v, want parent 7 and start 4711", got, err)
	}
	for _, bad := range []string{"", "12 (a)", "12 (a) S 7", "12 (a) Z" + rest[2:], "12 (a) S x" + rest[4:]} {
		if got, err := parseStat(bad); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, got)
		}
	}
}

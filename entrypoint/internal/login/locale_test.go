package login

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os/exec"
	"strings"
	"testing"
)

func TestMendLocale(t *testing.T) {
	exists := func(name string) bool { return name == "de_DE.UTF-8" || name == "C.UTF-8" }
	for _, test := range []struct{ given, want map[string]string }{
		{map[string]string{}, map[string]string{"LANG": "C.UTF-8"}},
		{map[string]string{"LANG": "xx_XX.UTF-8"}, map[string]string{"LANG": "C.UTF-8"}},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "xx"}, map[string]string{"LANG": "de_DE.UTF-8"}},
		{map[string]string{"LANG": "xx", "LC_TIME": "de_DE.UTF-8"}, map[string]string{"LANG": "C.UTF-8", "LC_TIME": "de_DE.UTF-8"}},
	} {
		got := maps.Clone(test.given)
		if mendLocale(got, exists); !maps.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.given, got, test.want)
		}
	}
}

// What locale(1) lists is there, and what it does not is not.
func TestHasLocale(t *testing.T) {
	list, err := exec.Command("locale", "-a").Output()
	if err != nil {
		t.Fatalf("locale -a: %v; install libc-bin", err)
	}
	for _, name := range strings.Fields(string(list)) {
		if !hasLocale(name) {
			t.Errorf("%q is not found", name)
		}
	}
	for _, name := range []string{"xx_XX.UTF-8", "", "..", "../locale", "a\x00b"} {
		if hasLocale(name) {
			t.Errorf("%q is found", name)
		}
	}
}

// archive makes a locale archive's head with names.
func archive(names string) []byte {
	fields := []uint32{archiveMagic, 1, 56, 1, 1, 56, uint32(len(names)), uint32(len(names)), 0, 0, 0, 0, 0, 0}
	var b []byte
	for _, f := range fields {
		b = binary.NativeEndian.AppendUint32(b, f)
	}
	return append(b, names...)
}

func TestArchiveHas(t *testing.T) {
	a := bytes.NewReader(archive("de_DE.utf8\x00en_US.utf8\x00"))
	for name, want := range map[string]bool{"de_DE.utf8": true, "en_US.utf8": true, "en_US": false, "DE.utf8": false} {
		if got := archiveHas(a, name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(archive("de_DE.utf8\x00"), "de_DE.utf8")
	f.Add([]byte("\x09\x01\x02\xde"), "")
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		if archiveHas(bytes.NewReader(content), name) && !bytes.Contains(content, []byte(name)) {
			t.Errorf("%q is found", name)
		}
	})
}

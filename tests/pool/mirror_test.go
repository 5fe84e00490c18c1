package pool

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMirrorOf(t *testing.T) {
	const debian = "http://mirror.test/debian"
	tests := []struct{ name, file, text, want string }{
		{"one line", "sources.list", "deb http://mirror.test/debian bookworm main\n", debian},
		{"options", "sources.list", "deb [ arch=amd64 signed-by=/x.gpg ] http://mirror.test/debian bookworm main # ours\n", debian},
		{"a file of its own", "sources.list.d/a.list", "# deb http://other.test/debian sid main\ndeb http://mirror.test/debian sid main\n", debian},
		{"fields", "sources.list.d/debian.sources", "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\n", debian},
		{"fields over several lines", "sources.list.d/debian.sources", "Types: deb deb-src\n# a comment\nURIs:\n http://mirror.test/debian\nSuites: trixie\n\tsid\nComponents: contrib\n main\n", debian},
		{"second of two", "sources.list.d/debian.sources", "Types: deb\nURIs: http://mirror.test/debian-security\nSuites: bookworm-security\nComponents: main\n\nTypes: deb\nURIs: http://mirror.test/debian\nSuites: bookworm\nComponents: main\n", debian},
		{"an archive beside Debian", "sources.list", "deb http://multimedia.test bookworm main\ndeb http://mirror.test/debian/ bookworm main\n", debian + "/"},
		{"source packages only", "sources.list", "deb-src http://mirror.test/debian bookworm main\n", ""},
		{"switched off", "sources.list.d/debian.sources", "Enabled: no\nTypes: deb\nURIs: http://mirror.test/debian\nSuites: bookworm\nComponents: main\n", ""},
		{"not Debian", "sources.list", "deb http://mirror.test/ubuntu noble main\ndeb http://docker.test/linux/debian bookworm stable\n", ""},
		{"cut off", "sources.list", "deb\ndeb [x\ndeb http://mirror.test/debian\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, test.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
				t.Fatal(err)
			}
			sources, err := aptSources(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := mirrorOf(sources); got != test.want {
				t.Errorf("mirror is %q, want %q", got, test.want)
			}
		})
	}
}

package sshargs

import (
	"strings"
	"testing"
)

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		dest, path string
		ok         bool
	}{
		{"JDL:x.jdl", "x.jdl", true},
		{"jdl:~/JDLs/X.jdl", "~/JDLs/X.jdl", true},
		{"me@JDL:/a b/x.jdl", "/a b/x.jdl", true},
		{"me@site@Jdl:x", "x", true},
		{"JDL:a@b.jdl", "a@b.jdl", true},
		{"JDL:a@JDL:b", "a@JDL:b", true},
		{"JDL:", "", true},
		{"@JDL:x", "", false},
		{"JDL", "", false},
		{"XJDL:x", "", false},
		{"ssh://JDL:x", "", false},
		{"host", "", false},
		{"", "", false},
	} {
		if path, ok := Target(c.dest); path != c.path || ok != c.ok {
			t.Errorf("Target(%q) = %q, %v; want %q, %v", c.dest, path, ok, c.path, c.ok)
		}
	}
}

func TestHostAndUser(t *testing.T) {
	for _, c := range []struct{ line, user, host string }{
		{"host", "", "host"},
		{"a@host", "a", "host"},
		{"a@b@host", "a@b", "host"},
		{"-l c a@host", "c", "host"},
		{"-o User=d -l c a@host", "d", "host"},
		{"host -l c", "c", "host"},
		{"a@host -l c", "a", "host"},
		{"ssh://host", "", "host"},
		{"ssh://a@host:2222", "a", "host"},
		{"ssh://a%40b@host/", "a@b", "host"},
		{"ssh://host/path", "", ""},
		{"ssh://a@host:x", "", ""},
	} {
		l, err := Parse(strings.Fields(c.line))
		if err != nil {
			t.Errorf("Parse(%q): %v", c.line, err)
		}
		if l.User() != c.user || l.Host() != c.host {
			t.Errorf("%q: user %q, host %q; want %q, %q", c.line, l.User(), l.Host(), c.user, c.host)
		}
	}
}

func FuzzTarget(f *testing.F) {
	f.Add("me@JDL:~/x.jdl")
	f.Add("JDL:a@JDL:b\n")
	f.Fuzz(func(t *testing.T, dest string) {
		path, ok := Target(dest)
		if ok && !strings.HasSuffix(dest, ":"+path) {
			t.Errorf("Target(%q) = %q, which is not its end", dest, path)
		}
		if again, ok2 := Target("JDL:" + dest); !ok2 || again != dest {
			t.Errorf("Target(JDL:%q) = %q, %v", dest, again, ok2)
		}
	})
}

package base

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMirrors(t *testing.T) {
	for _, c := range []struct {
		name, targets string
		want          []string
	}{{
		name:    "Debian with security, a foreign archive first",
		targets: "http://other.test/node nodistro main\nhttp://deb.test/debian/ bookworm main\nhttp://deb.test/debian/ bookworm-updates main\nhttp://deb.test/debian-security/ bookworm-security main\n",
		want:    []string{"deb http://deb.test/debian trixie main", "deb http://deb.test/debian trixie-updates main", "deb http://deb.test/debian-security trixie-security main"},
	}, {
		name:    "no security, two mirrors, other components",
		targets: "http://deb.test/debian sid contrib\nhttp://a.test/debian sid main\nhttp://b.test/debian sid main\n",
		want:    []string{"deb http://a.test/debian trixie main", "deb http://a.test/debian trixie-updates main"},
	}, {
		name:    "Ubuntu",
		targets: "http://archive.test/ubuntu/ noble main\n",
	}, {
		name:    "a password",
		targets: "http://deb.test/debian bookworm main\nhttp://user:word@deb.test/debian-security bookworm-security main\n",
	}, {
		name: "nothing",
	}} {
		t.Run(c.name, func(t *testing.T) {
			m, err := parseMirrors(c.targets)
			if c.want == nil {
				if err == nil || !strings.Contains(err.Error(), "--base") {
					t.Errorf("got %v, want an error that names --base", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, m.sources("trixie")); d != "" {
				t.Errorf("sources (-want +got):\n%s", d)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	dump := `Acquire "";
Acquire::http::Proxy "http://user:word@proxy.test:3128";
Acquire::http::Proxy::deb.test "DIRECT";
Acquire::https::Proxy "DIRECT";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
`
	options, env := pickOptions(dump)
	if d := cmp.Diff([]string{`Acquire::Check-Valid-Until "false";`}, options); d != "" {
		t.Errorf("options (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"http_proxy=http://user:word@proxy.test:3128", "https_proxy="}, env); d != "" {
		t.Errorf("environment (-want +got):\n%s", d)
	}
}

package sshargs

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestSetting(t *testing.T) {
	for _, c := range []struct{ value, name, want string }{
		{"ConnectTimeout=15", "connecttimeout", "15"},
		{"ConnectTimeout 15", "connecttimeout", "15"},
		{"  ConnectTimeout = 15  ", "connecttimeout", "15"},
		{"ConnectTimeout\t=\t15", "connecttimeout", "15"},
		{`ConnectTimeout="15"`, "connecttimeout", "15"},
		{`"ConnectTimeout" 15`, "connecttimeout", "15"},
		{`Connect"Timeout" 15`, "connecttimeout", "15"},
		{`ConnectTimeout='15' x`, "connecttimeout", "15"},
		{`LogVerbose="a b\" c" d`, "logverbose", `a b" c`},
		{`LogVerbose=a\ b\c\\d`, "logverbose", `a b\c\d`},
		{"LogVerbose==x", "logverbose", "=x"},
		{"LogVerbose", "logverbose", ""},
		{`"LogVerbose x`, "", ""},
		{"# LogVerbose=x", "", ""},
		{"", "", ""},
	} {
		name, value := Option{'o', c.value}.Setting()
		if name != c.name || value != c.want {
			t.Errorf("Setting of %q = %q, %q; want %q, %q", c.value, name, value, c.name, c.want)
		}
	}
	if name, _ := (Option{'p', "User=x"}).Setting(); name != "" {
		t.Errorf("Setting of -p User=x has the name %q, want none", name)
	}
}

// TestConnectTimeout asks the stock ssh for the same lines.
func TestConnectTimeout(t *testing.T) {
	for _, c := range []struct {
		args []string
		want time.Duration
	}{
		{[]string{"x"}, 0},
		{[]string{"-o", "ConnectTimeout=15", "x"}, 15 * time.Second},
		{[]string{"-oconnecttimeout 1m30s", "x"}, 90 * time.Second},
		{[]string{"-o", "ConnectTimeout 15", "-o", "ConnectTimeout=20", "x"}, 15 * time.Second},
		{[]string{"-o", "ConnectTimeout=none", "-o", "ConnectTimeout=20", "x"}, 20 * time.Second},
		{[]string{"x", "-o", `"ConnectTimeout" "7"`}, 7 * time.Second},
		{[]string{"-o", `Connect"Timeout" 8`, "x"}, 8 * time.Second},
		{[]string{"-o", "  ConnectTimeout = 1H2 ", "x"}, 3602 * time.Second},
		{[]string{"-o", "ConnectTimeout=1w2d3h4m5", "x"}, (((7+2)*24+3)*3600 + 4*60 + 5) * time.Second},
		{[]string{"-o", "ConnectTimeout=0", "x"}, 0},
	} {
		l, err := Parse(c.args)
		if err != nil {
			t.Fatal(err)
		}
		d, ok := l.ConnectTimeout()
		if d != c.want || ok != (c.want > 0) {
			t.Errorf("ConnectTimeout of %q = %v, %v; want %v", c.args, d, ok, c.want)
		}
		if got := stockConnectTimeout(t, c.args); got != c.want {
			t.Errorf("the stock ssh takes %q as %v; want %v", c.args, got, c.want)
		}
	}
}

func stockConnectTimeout(t *testing.T, args []string) time.Duration {
	t.Helper()
	out, err := exec.Command("ssh", append([]string{"-F", "/dev/null", "-G"}, args...)...).Output()
	if err != nil {
		t.Fatalf("ssh -G %q: %v", args, err)
	}
	_, rest, _ := strings.Cut(string(out), "\nconnecttimeout ")
	value, _, _ := strings.Cut(rest, "\n")
	if value == "none" {
		return 0
	}
	d, err := time.ParseDuration(value + "s")
	if err != nil {
		t.Fatalf("ssh -G %q prints connecttimeout %q", args, value)
	}
	return d
}

func TestParseTimeRefuses(t *testing.T) {
	for _, s := range []string{"", "x", "5x", "m", "1 m", "-5", "1.5", "99999999999", "9999999999w", "2147483648"} {
		if d, ok := ParseTime(s); ok {
			t.Errorf("ParseTime(%q) = %v, want a refusal", s, d)
		}
	}
}

func TestLookup(t *testing.T) {
	l, err := Parse([]string{"-o", "ForwardAgent=yes", "-o", "ServerAliveInterval 5", "host", "-oFORWARDAGENT no", "-o", "x"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"forwardagent": "yes", "ServerAliveInterval": "5", "X": ""} {
		if got, ok := l.Lookup(name); got != want || !ok {
			t.Errorf("Lookup(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
	if got, ok := l.Lookup("User"); ok {
		t.Errorf("Lookup(User) = %q, want none", got)
	}
}

func FuzzSetting(f *testing.F) {
	for _, s := range []string{"ConnectTimeout=15", ` "Proxy"Command = x`, `A"b c" "d\"e"`, "=", "#x", `"`, "a\\ b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, value := Option{'o', s}.Setting()
		ParseTime(value)
		if len(name)+len(value) > len(s) {
			t.Errorf("Setting of %q = %q, %q: more than was there", s, name, value)
		}
		if strings.Contains(s, `"`) {
			return // OpenSSH takes blanks before a quote for an empty name
		}
		if again, _ := (Option{'o', " \t" + s}).Setting(); again != name {
			t.Errorf("Setting of %q is %q, with blanks before it %q", s, name, again)
		}
	})
}

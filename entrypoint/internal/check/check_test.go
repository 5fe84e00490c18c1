package check

import (
	"strings"
	"testing"
)

func TestOddities(t *testing.T) {
	good := func() Report {
		var r Report
		r.User.InPasswd, r.Home.Writable, r.Home.Exec, r.Terminal = true, true, true, true
		r.Home.Free, r.Shell = 10<<30, "/bin/bash"
		return r
	}
	for _, test := range []struct {
		spoil func(*Report)
		says  string
	}{
		{func(*Report) {}, ""},
		{func(r *Report) { r.User.InPasswd = false }, "no entry for uid"},
		{func(r *Report) { r.Home.Writable = false }, "cannot be written"},
		{func(r *Report) { r.Home.Exec = false }, "without exec"},
		{func(r *Report) { r.Home.Free = 5 << 20 }, "has 5 MiB free"},
		{func(r *Report) { r.Home.Inodes = 10 }, "10 more files"},
		{func(r *Report) { r.Shell = "" }, "no shell"},
		{func(r *Report) { r.Terminal = false }, "/dev/ptmx"},
		{func(r *Report) { r.Missing = []string{"tar", "ps"} }, "tar, ps (procps)"},
	} {
		r := good()
		test.spoil(&r)
		got := r.oddities()
		if test.says == "" && len(got) > 0 || test.says != "" && (len(got) != 1 || !strings.Contains(got[0].Text, test.says)) {
			t.Errorf("got %q, want one that says %q", got, test.says)
		}
	}
}

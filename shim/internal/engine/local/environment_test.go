package local

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// condor_submit 25.14 -dry-run understood each of these in the same way.
func TestParseEnvironment(t *testing.T) {
	for _, test := range []struct {
		value string
		want  []string
	}{
		{"", nil},
		{`""`, nil},
		{`"A=b C='d e' D='it''s' E=q""q F= G='a b'c"`, []string{"A=b", "C=d e", "D=it's", `E=q"q`, "F=", "G=a bc"}},
		{`"A=b    C=''  D=x=y"`, []string{"A=b", "C=", "D=x=y"}},
		{"A=b;C=d e;D=x", []string{"A=b", "C=d e", "D=x"}},
		{`A="b"`, []string{`A="b"`}},
	} {
		got, err := parseEnvironment(test.value)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", test.value, err, diff)
		}
	}
	for value, want := range map[string]string{
		`"A=b`:         "does not end with one",
		`"A=b" C=d"`:   `write it twice ("")`,
		`"A='b"`:       "a single quote is not closed",
		`"novalue A=b`: "does not end with one",
		`"novalue"`:    `"novalue" is no NAME=value`,
		`=x`:           `"=x" is no NAME=value`,
	} {
		if got, err := parseEnvironment(value); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, want an error with %q", value, got, err, want)
		}
	}
}

func FuzzEnvironment(f *testing.F) {
	f.Add("A=b", "C=d e", `E='"`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		_, _ = parseEnvironment(a)
		want := []string{"A=" + a, "B=" + b, "C=" + c}
		var words []string
		for _, w := range want {
			if strings.ContainsRune(w, 0) {
				return // no environment can have it
			}
			words = append(words, "'"+strings.ReplaceAll(strings.ReplaceAll(w, "'", "''"), `"`, `""`)+"'")
		}
		got, err := parseEnvironment(`"` + strings.Join(words, " ") + `"`)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}

func TestInherited(t *testing.T) {
	environ := []string{"HOME=/h", "LC_ALL=C", "LC_TIME=C", "X=1"}
	for getenv, want := range map[string][]string{
		"": nil, "False": nil, "true": environ, "HOME, LC_*": {"HOME=/h", "LC_ALL=C", "LC_TIME=C"}, "[": nil,
	} {
		if got := inherited(getenv, environ); !slices.Equal(got, want) {
			t.Errorf("getenv = %s: got %q, want %q", getenv, got, want)
		}
	}
}

// The user may choose the threads, but not where the job's directory is.
func TestEnvironmentOrder(t *testing.T) {
	d := &description{Cluster: 7, Cpus: 4, Image: "/i", Environment: []string{"A=1", "OMP_NUM_THREADS=1", "HOME=/root", "A=2"}}
	got := d.environment("/s")
	for _, want := range []string{
		"A=2", "OMP_NUM_THREADS=1", "GOMAXPROCS=4", "HOME=/s", "_CONDOR_SCRATCH_DIR=/s", "_CONDOR_JOB_AD=/s/.job.ad",
		"_CONDOR_MACHINE_AD=/s/.machine.ad", "_CONDOR_JOB_IWD=/s", "_CONDOR_SLOT=slot1_7", "BATCH_SYSTEM=HTCondor",
		"APPTAINER_CONTAINER=/i", "TMPDIR=/tmp",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("got %q, want %s in it", got, want)
		}
	}
}

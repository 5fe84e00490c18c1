package login

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// account is one whose shell reads profile: HOME's, since /etc is not ours.
func account(t *testing.T, profile string, job ...string) Account {
	t.Helper()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".bash_profile"), []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	return Account{Name: "alice", Shell: "/bin/bash", Home: home, Tmp: home, Runtime: home, Job: job}
}

func TestProfile(t *testing.T) {
	a := account(t, `echo noise; echo more >&2; export SITE="two
lines" LD_LIBRARY_PATH=/opt/lib:$LD_LIBRARY_PATH OMP_NUM_THREADS=64 MKL_NUM_THREADS=4 _CONDOR_SLOT=none HOME=/nonesuch DISPLAY=:0 GOMAXPROCS=1 
f() { echo from f; }; export -f f; local=not
PATH=/profile/bin:/usr/bin`, "PATH=/opt/conda/bin:/usr/bin:/usr/sbin", "LD_LIBRARY_PATH=/own", "OMP_NUM_THREADS=2", "GOMAXPROCS=2", "_CONDOR_SLOT=slot1", "_CONDOR_A.B=no name", "_CONDOR_x;false=no name")
	var lost Overruled
	a.Profile = a.ReadProfile(t.Context(), func(o Overruled) { lost = o })
	if err := a.Profile.Wait(); err != nil {
		t.Fatal(err)
	}
	got := Vars(a.Environ(map[string]string{"LANG": "C"}))
	for name, want := range map[string]string{
		"SITE": "two\nlines", "LD_LIBRARY_PATH": "/opt/lib:/own", "OMP_NUM_THREADS": "2", "_CONDOR_SLOT": "slot1",
		"HOME": a.Home, "DISPLAY": "", "local": "", "SHLVL": "", "PATH": "/opt/conda/bin:/profile/bin:/usr/bin", "MKL_NUM_THREADS": "4", "GOMAXPROCS": "1",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	want := Overruled{[]string{"/opt/conda/bin"}, map[string]string{"OMP_NUM_THREADS": "2", "_CONDOR_SLOT": "slot1", "HOME": a.Home}}
	if diff := cmp.Diff(want, lost); diff != "" {
		t.Errorf("overruled (-want +got):\n%s", diff)
	}
	cmd, err := a.Command("f", nil)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.Output(); string(out) != "from f\n" || err != nil {
		t.Errorf("the exported function says %q, %v", out, err)
	}
	shell, err := a.LoginShell(nil)
	if err != nil {
		t.Fatal(err)
	}
	if vars := Vars(shell.Env); vars["SITE"] != "" || !strings.HasPrefix(vars["PATH"], "/opt/conda/bin:") {
		t.Errorf("a login shell, which reads the profile itself, begins with %v", vars)
	}
}

// Whatever a profile does, commands run, in the job's environment.
func TestProfileThatFails(t *testing.T) {
	for profile, want := range map[string]string{
		"exit 3":     "without which commands go on: exit status 3",
		"kill -9 $$": "without which commands go on: signal: killed",
		"exit":       "ends without an environment, and commands go on without it; look into /etc/profile",
		"export X=$(head -c 100000 /dev/zero | tr '\\0' x)": "",
		"sleep 1000 & disown":                               "",
		"set -C":                                            "",
		"cat":                                               "",
	} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			a := account(t, profile)
			a.Profile = a.ReadProfile(t.Context(), func(Overruled) {})
			err := a.Profile.Wait()
			if (want == "") != (err == nil) || err != nil && !strings.HasSuffix(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if got := Vars(a.Environ(nil)); got["HOME"] != a.Home || got["PATH"] == "" {
				t.Errorf("got %v", slices.Sorted(maps.Keys(got)))
			}
		})
	}
}

func TestProfileThatHangs(t *testing.T) {
	t.Parallel()
	a := account(t, "exec sleep 1000")
	a.Profile = a.ReadProfile(t.Context(), func(Overruled) {})
	if err := a.Profile.Wait(); err == nil || !strings.Contains(err.Error(), "takes longer than") {
		t.Errorf("got %v", err)
	}
}

// TestNoProfile: of shells that read none, nothing is overruled.
func TestNoProfile(t *testing.T) {
	for _, shell := range []string{"/bin/tcsh", "/usr/bin/fish", ""} {
		a := account(t, "", "OMP_NUM_THREADS=2")
		a.Shell = shell
		a.Profile = a.ReadProfile(t.Context(), func(o Overruled) { t.Errorf("%q: got %+v", shell, o) })
		if err := a.Profile.Wait(); err != nil {
			t.Errorf("%q: %v", shell, err)
		}
	}
}

// TestProfileWithoutSystem: one after which no program is found is not taken.
func TestProfileWithoutSystem(t *testing.T) {
	a := account(t, "PATH=/opt/site/bin", "PATH=/usr/bin:/opt/own")
	a.Profile = a.ReadProfile(t.Context(), func(o Overruled) { t.Errorf("got %+v", o) })
	if err := a.Profile.Wait(); err == nil || !strings.Contains(err.Error(), "without which commands go on: exit status 127") {
		t.Errorf("got %v", err)
	}
	if got := Vars(a.Environ(nil))["PATH"]; got != "/usr/bin:/opt/own" {
		t.Errorf("PATH: got %q", got)
	}
}

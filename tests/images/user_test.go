package images

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"

	"perch/tests/session"
)

// asUser runs its arguments as a user who has subordinate ids, in a mount
// namespace in which /etc says so.
const asUser = `mount --bind "$1" /etc/subuid; mount --bind "$1" /etc/subgid; user=$2 home=$3; shift 3
exec setpriv --reuid "$user" --regid "$user" --clear-groups env -i HOME="$home" PATH="$PATH" CI="$CI" "$@"`

// TestBuildAsUser: who has no rights but subordinate ids builds an image from
// nothing, base and all, and it holds what it promises.
func TestBuildAsUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Fatal("this test becomes another user; run it as root")
	}
	const name = "irc" // Debian has the account, and nobody is it
	account, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "perch-user-") // t.TempDir has parents that others cannot enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	home, subids := filepath.Join(dir, "home"), filepath.Join(dir, "subids")
	for _, args := range [][]string{
		{"chmod", "755", dir}, {"install", "-d", "-o", name, "-g", name, home}, {"cp", "-r", own, dir},
		{"cp", session.Program("perch-ci"), session.Program("perch-entrypoint"), dir},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	if err := os.WriteFile(subids, []byte(name+":2000000:65536\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	images, out := filepath.Join(dir, "images"), filepath.Join(home, "out")
	build := exec.Command("unshare", "-m", "--propagation", "private", "bash", "-euc", asUser, "asUser", subids, account.Uid, home,
		filepath.Join(dir, "perch-ci"), "build", "minimal", "--images", images, "--base", "mmdebstrap", "-o", out)
	build.Env = append(os.Environ(), "CI="+os.Getenv("CI"))
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("perch-ci build as %s: %v\n%s", name, err, said)
	}
	for _, made := range []string{"minimal", "minimal.tar"} {
		smoke := exec.Command(session.Program("perch-ci"), "smoke", "--images", images, "--environment", "minimal", filepath.Join(out, made))
		if said, err := smoke.CombinedOutput(); err != nil {
			t.Errorf("perch-ci smoke of %s: %v\n%s", made, err, said)
		}
	}
}

package pool

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/cache"
)

// Needs are the Debian packages without which no pool can be built and booted.
var Needs = []string{"runc", "mmdebstrap"}

// Requires sees that this machine has the Debian packages a test needs. As root
// it installs what is missing; else it fails the test and says what to install.
// It never skips one.
func Requires(t testing.TB, packages ...string) {
	t.Helper()
	if err := Install(t.Context(), packages...); err != nil {
		t.Fatal(err)
	}
}

// Install installs those of the packages that are missing.
func Install(ctx context.Context, packages ...string) error {
	missing := missing(ctx, packages)
	if len(missing) == 0 {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("this machine lacks what this needs; run: sudo apt-get install %s", strings.Join(missing, " "))
	}
	// Test binaries run side by side, and apt has one lock for all.
	unlock, err := cache.Lock(ctx, filepath.Join(CacheDir(), "apt.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	// A source of packages that has nothing to do with ours may be out of reach.
	update := apt("update")
	if err := apt(append([]string{"install", "--yes", "--no-install-recommends"}, missing...)...); err != nil {
		return fmt.Errorf("installing %s: %w (apt-get update before it: %v)", strings.Join(missing, " "), err, update)
	}
	return nil
}

// missing returns the packages that dpkg does not know as installed.
func missing(ctx context.Context, packages []string) []string {
	var missing []string
	for _, name := range packages {
		out, err := exec.CommandContext(ctx, "dpkg-query", "--show", "--showformat=${db:Status-Status}", name).Output()
		if err != nil || string(out) != "installed" {
			missing = append(missing, name)
		}
	}
	return missing
}

// apt runs apt-get to its end, whatever happens here: dpkg is not to be left
// with half an installation.
func apt(args ...string) error {
	cmd := exec.Command("apt-get", append([]string{"--quiet", "--option=DPkg::Lock::Timeout=300"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w:\n%s", args[0], err, tail(string(out), 20))
	}
	return nil
}

package pool

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Sysroot returns a directory as a site may have it for images with an old C
// library: those of Debian 13, and in bin a patchelf that runs with Debian 12's.
// The one in usr/bin needs Debian 13's. It is made if it is not in the cache.
func Sysroot(t testing.TB) string {
	t.Helper()
	Requires(t, "mmdebstrap")
	// Only the packages' files, without what makes a system of them.
	options := []string{"--variant=extract", "--include=libc6,libstdc++6,patchelf"}
	a := artefact{family: "sysroot", key: hash(options), suffix: ".root", keep: 30 * 24 * time.Hour}
	dir, err := a.get(t.Context(), func(ctx context.Context, part string) error {
		return extract(ctx, part, options)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func extract(ctx context.Context, dir string, options []string) error {
	older := dir + ".older"
	defer os.RemoveAll(older)
	return errors.Join(
		debootstrap(ctx, "trixie", dir, append(options, `--aptopt=APT::Default-Release "trixie"`)),
		debootstrap(ctx, "bookworm", older, []string{"--variant=extract", "--include=patchelf", `--aptopt=APT::Default-Release "bookworm"`}),
		os.Mkdir(filepath.Join(dir, "bin"), 0o755),
		exec.CommandContext(ctx, "cp", filepath.Join(older, "usr/bin/patchelf"), filepath.Join(dir, "bin")).Run(),
	)
}

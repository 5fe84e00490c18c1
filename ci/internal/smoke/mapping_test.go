package smoke

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMappingUnseen: where the scratch directory cannot be seen from outside, as
// that of a real job, nothing of this machine is taken for it.
func TestMappingUnseen(t *testing.T) {
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	// An ssh that runs the command here.
	const ssh = "#!/bin/sh\nfor command; do :; done\nexec sh -c \"$command\"\n"
	for _, err := range []error{
		os.Mkdir(home, 0o755),
		os.WriteFile(filepath.Join(dir, "ssh"), []byte(ssh), 0o755),
		os.WriteFile(filepath.Join(dir, "owned"), nil, 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("HOME", home)
	t.Chdir(dir)
	if detail, err := checkMapping(t.Context(), &job{uid: anyone}); err != nil {
		t.Errorf("%q, %v", detail, err)
	}
	if _, err := checkMapping(t.Context(), &job{uid: os.Getuid() + 1, scratch: home}); err == nil {
		t.Error("of a file that is another's, seen from outside, it says nothing")
	}
}

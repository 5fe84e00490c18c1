package base

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDays: whether it is the base that is tidied or what is installed on it, the
// day of the build is not left in the accounts.
func TestDays(t *testing.T) {
	for name, command := range map[string][]string{
		"base":       {"sh", "-c", tidy, "exec"},
		"install.sh": {"sh", "../../../images/shared/accounts.sh"},
	} {
		t.Run(name, func(t *testing.T) {
			etc := filepath.Join(t.TempDir(), "etc")
			if err := os.Mkdir(etc, 0o755); err != nil {
				t.Fatal(err)
			}
			for file, content := range map[string]string{
				"shadow":  "root:*:20784:0:99999:7:::\nnew:!:0:0:99999:7:::\n_apt:!:20785::::::\nrocky:!locked::0:99999:7:::\nleft:$y$1:1:20784:::::\n",
				"shadow-": "root:*:20784:0:99999:7:::\n",
				"passwd":  "root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n",
				"passwd-": "", "group-": "", "gshadow-": "", "subuid-": "", "subgid-": "",
			} {
				if err := os.WriteFile(filepath.Join(etc, file), []byte(content), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			if out, err := exec.Command(command[0], append(command[1:], filepath.Dir(etc))...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			got := map[string]string{}
			entries, err := os.ReadDir(etc)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				content, err := os.ReadFile(filepath.Join(etc, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				got[e.Name()] = string(content)
			}
			want := map[string]string{
				"shadow": "root:*:1:0:99999:7:::\nnew:!:0:0:99999:7:::\n_apt:!:1::::::\nrocky:!locked::0:99999:7:::\nleft:$y$1:1:20784:::::\n",
				"passwd": "root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n",
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

package smoke

import "testing"

func TestReadOnly(t *testing.T) {
	const (
		root   = "50 40 254:0 /tree / ro,nosuid,nodev,relatime - ext4 /dev/vda rw,errors=remount-ro\n"
		usr    = "51 50 254:0 /tree/usr /usr rw,relatime - ext4 /dev/vda rw\n"
		over   = "52 51 0:30 / /usr ro,relatime master:1 - tmpfs tmpfs rw\n"
		squash = "60 40 7:0 / / rw,relatime shared:1 master:2 - squashfs /dev/loop0 ro\n"
	)
	for _, c := range []struct {
		mounts, dir string
		want        bool
	}{
		{root, "/", true},
		{root, "/usr", true},
		{root + usr, "/usr", false},
		{root + usr, "/usr/lib", false},
		{root + usr, "/etc", true},
		{root + usr + over, "/usr", true},
		{squash, "/var", true},
		{usr + "60 40 7:0 / / rw,relatime - ext4 /dev/vda rw,errors=remount-ro\n", "/", false},
	} {
		if got, err := readOnly(c.mounts, c.dir); got != c.want || err != nil {
			t.Errorf("%s of\n%sgot %v, %v; want %v", c.dir, c.mounts, got, err, c.want)
		}
	}
	if _, err := readOnly("cat: not found\n", "/"); err == nil {
		t.Error("of no mounts at all it has an opinion")
	}
}

package contract

import (
	"errors"
	"testing"
)

func TestCheckBanner(t *testing.T) {
	for line, ours := range map[string]bool{
		Banner():                    true,
		Banner() + "\r\n":           true,
		"SSH-2.0-Perch_1\r\n":       true, // a job of before
		"SSH-2.0-OpenSSH_9.2p1\r\n": false,
		"SSH-2.0-OpenSSH_Perch_0":   false,
		"":                          false,
	} {
		if err := CheckBanner(line); (err == nil) != ours || err != nil && !errors.Is(err, ErrOtherVersion) {
			t.Errorf("%q: got %v", line, err)
		}
	}
}

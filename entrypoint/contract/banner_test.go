package contract

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckBanner(t *testing.T) {
	for line, want := range map[string]error{
		Banner():                         nil,
		Banner() + "\r\n":                nil,
		"SSH-2.0-Perch_1\r\n":            nil, // a job of before
		"SSH-2.0-OpenSSH_9.2p1\r\n":      ErrOtherVersion,
		"SSH-2.0-OpenSSH_Perch_0":        ErrOtherVersion,
		"":                               ErrOtherVersion,
		Refusal + "too many logins\r\n":  ErrBusy,
		Refusal + "\x1b]0;owned\x07\r\n": ErrBusy,
	} {
		if err := CheckBanner(line); !errors.Is(err, want) || want == nil && err != nil || err != nil && strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: got %v", line, err)
		}
	}
}

package contract

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// bannerPrefix begins with OpenSSH's name because its client tells nobody else
// that the reader of a command's output is gone (eow@openssh.com, see compat.c
// and OpenSSH's PROTOCOL, 2.1): without it "ssh job yes | head" never ends.
// Jobs of before that say formerPrefix.
const (
	bannerPrefix = "SSH-2.0-OpenSSH_Perch_"
	formerPrefix = "SSH-2.0-Perch_"
)

// ErrOtherVersion says that somebody answers at a job's socket with whom this
// version cannot talk.
var ErrOtherVersion = errors.New("this perch cannot talk to it")

// Refusal begins the line that an entrypoint sends instead of its banner to
// whom it has no place for (RFC 4253, 4.2, allows lines before the banner).
const Refusal = "perch: "

// ErrBusy says that an entrypoint is there and has no place just now.
var ErrBusy = errors.New("the job is busy")

// Banner is the identification string (RFC 4253, 4.2) of the entrypoint's SSH
// server, without the line end.
func Banner() string { return bannerPrefix + strconv.Itoa(Version) }

// CheckBanner says whether line, an identification string with or without its
// line end, is one of an entrypoint that speaks this contract. The error is
// ErrBusy with what a Refusal says, or ErrOtherVersion; then it says what to do
// and names both versions.
func CheckBanner(line string) error {
	line = strings.TrimRight(line, "\r\n")
	rest, ours := strings.CutPrefix(line, bannerPrefix)
	if !ours {
		rest, ours = strings.CutPrefix(line, formerPrefix)
	}
	if text, refused := strings.CutPrefix(line, Refusal); refused {
		return fmt.Errorf("%w: %q", ErrBusy, text)
	}
	if !ours {
		return fmt.Errorf("the job's socket answers %q, which is no perch-entrypoint, so %w; look at the job's executable", line, ErrOtherVersion)
	}
	if rest != strconv.Itoa(Version) {
		return fmt.Errorf("the job's perch-entrypoint speaks contract %s, this perch speaks %d, so %w; rebuild the image with this version's perch-entrypoint, or take the line \"executable\" out of the JDL", rest, Version, ErrOtherVersion)
	}
	return nil
}

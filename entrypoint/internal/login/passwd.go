package login

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// Entry is a line of passwd(5), as far as it is of use here.
type Entry struct {
	Name, Home, Shell string
}

// maxPasswd bounds what is read of /etc/passwd, in bytes.
const maxPasswd = 8 << 20

// FindEntry returns the first entry for uid in a passwd file. Lines that are
// none are skipped, as getpwuid(3) does.
func FindEntry(passwd io.Reader, uid int) (Entry, bool) {
	lines := bufio.NewScanner(io.LimitReader(passwd, maxPasswd))
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) != 7 || fields[0] == "" {
			continue
		}
		if n, err := strconv.ParseUint(fields[2], 10, 32); err == nil && int(n) == uid {
			return Entry{Name: fields[0], Home: fields[5], Shell: fields[6]}, true
		}
	}
	return Entry{}, false
}

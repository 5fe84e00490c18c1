package sshargs

import (
	"net/url"
	"strings"
)

// Target says whether a destination is a Perch target, JDL:path, and returns
// the path as it was typed ("" where none was). A user in front is allowed and
// means nothing: a job has one user. The path is taken as it is, so it may hold
// an "@"; the prefix may come in any case, since some clients write host names
// in lower case.
func Target(destination string) (path string, ok bool) {
	const prefix = "JDL:"
	for rest, more := destination, !strings.HasPrefix(destination, "@"); more; _, rest, more = strings.Cut(rest, "@") {
		if len(rest) >= len(prefix) && strings.EqualFold(rest[:len(prefix)], prefix) {
			return rest[len(prefix):], true
		}
	}
	return "", false
}

// Host returns the destination without its user, and without the parts of an
// ssh:// URI (ssh(1)) around the host. It is "" where ssh would refuse it.
func (l Line) Host() string {
	_, host := splitDestination(l.Destination)
	return host
}

// User returns the name to log in with that the line gives, by -l, -o User or
// in its destination, whichever ssh sees first; "" where it gives none.
func (l Line) User() string {
	if user := firstUser(l.Before); user != "" {
		return user
	}
	if user, _ := splitDestination(l.Destination); user != "" {
		return user
	}
	return firstUser(l.After)
}

func firstUser(opts []Option) string {
	for _, o := range opts {
		if o.Letter == 'l' {
			return o.Value
		}
		if name, value := o.Setting(); name == "user" {
			return value
		}
	}
	return ""
}

func splitDestination(dest string) (user, host string) {
	if strings.HasPrefix(dest, "ssh://") {
		u, err := url.Parse(dest)
		if err != nil || strings.Trim(u.Path, "/") != "" {
			return "", ""
		}
		return u.User.Username(), u.Hostname()
	}
	if i := strings.LastIndexByte(dest, '@'); i >= 0 {
		return dest[:i], dest[i+1:]
	}
	return "", dest
}

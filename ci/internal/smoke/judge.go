package smoke

import (
	"errors"
	"strings"

	"perch/ci/internal/report"
	"perch/shim/say"
)

// notTried is the error of a check that lacks what only the caller can give.
type notTried struct{ why string }

func (n notTried) Error() string { return n.why }

// judge makes a row of how a check came out; limit is why it is known not to
// pass, or "". A limit that is none any more is a failure, since the next reader
// would believe it.
func judge(check, detail string, err error, limit string) report.Result {
	r := report.Result{Check: check, Status: report.OK, Detail: oneLine(detail)}
	var skip notTried
	switch {
	case errors.As(err, &skip):
		r.Status, r.Detail = report.Skip, skip.why
	case err != nil && limit != "":
		r.Status, r.Detail = report.Limit, limit
	case err != nil:
		r.Status, r.Detail = report.Fail, oneLine(err.Error())
	case limit != "":
		r.Status, r.Detail = report.Fail, "it passes; take the limit out of "+File
	}
	return r
}

// longest is how much of a detail is shown, in bytes.
const longest = 400

// oneLine makes one line of what a check has found, in which an image may have its
// say, that does nothing to a terminal.
func oneLine(s string) string {
	s = say.Clean(strings.Join(strings.Fields(s), " "))
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + " …"
	}
	return s
}

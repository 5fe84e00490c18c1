package smoke

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"perch/ci/internal/report"
)

// TestCutOff: what was finished when the time was over stays, and a row says why
// there is no more, whatever is known not to pass.
func TestCutOff(t *testing.T) {
	why := errors.New("time is over")
	const said = "cut off, as are the checks after it: time is over"
	for name, c := range map[string]struct {
		ready error
		want  []report.Result
	}{
		"in the first check": {why, []report.Result{{Check: "entrypoint ready", Status: report.Fail, Detail: said}}},
		"after it": {nil, []report.Result{
			{Check: "entrypoint ready", Status: report.OK, Detail: "it is"},
			{Check: "system", Status: report.Fail, Detail: said},
		}},
	} {
		ctx, over := context.WithCancelCause(t.Context())
		j := &job{ready: func(context.Context) (string, error) {
			over(why)
			return "it is", c.ready
		}}
		j.expect.Limits = map[string]string{"system": "nobody cares"}
		got := runChecks(ctx, j, func(string) {})
		if d := cmp.Diff(c.want, got, cmpopts.IgnoreFields(report.Result{}, "Seconds")); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

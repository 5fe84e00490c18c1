package command

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"perch/shim/internal/engine"
	"perch/shim/internal/keep"
	"perch/shim/internal/run"
	"perch/shim/internal/target"
	"perch/shim/say"
)

// report is what status and list say about a target. Its JSON form is for
// programs and only grows.
type report struct {
	Target string `json:"target"`
	JDL    string `json:"jdl,omitempty"`
	Job    string `json:"job,omitempty"`
	State  string `json:"state"`
	// Since is when the job entered State.
	Since   *time.Time `json:"since,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Notice  string     `json:"notice,omitempty"`
	Carrier string     `json:"carrier,omitempty"`
	Log     string     `json:"log,omitempty"`
}

func (a *app) status() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status TARGET",
		Short: "Say how the target's job is",
		Args:  oneTarget,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.Runner(c.Context(), a.say)
			if err != nil {
				return err
			}
			t, err := r.Target(args[0])
			if err != nil {
				return err
			}
			jobs, err := r.Engine.Find(c.Context(), t.Hash)
			if err != nil {
				return err
			}
			s := report{Target: t.Name, JDL: t.JDL, State: "none"}
			for _, j := range jobs {
				if s.Job == "" || j.Live() {
					s = reportOf(j, t.JDL)
				}
			}
			if status := keep.ReadStatus(t); t.Kept() && status.Job == s.Job {
				s.Carrier = string(status.Phase)
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), s)
			}
			return s.print(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) list() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List your editing jobs",
		Args:  noTarget,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.Runner(c.Context(), a.say)
			if err != nil {
				return err
			}
			reports, err := listJobs(c, r)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), reports)
			}
			return printTable(c.OutOrStdout(), reports)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func listJobs(c *cobra.Command, r *run.Runner) ([]report, error) {
	jobs, err := r.Engine.Find(c.Context(), "")
	if err != nil {
		return nil, err
	}
	notes, err := target.All(xdg.StateHome)
	if err != nil {
		return nil, err
	}
	jdls := map[string]string{}
	for _, n := range notes {
		jdls[n.Job.Target] = n.JDL
	}
	reports := []report{}
	for _, j := range jobs {
		reports = append(reports, reportOf(j, jdls[j.Target]))
	}
	return reports, nil
}

func reportOf(j engine.Job, jdl string) report {
	// An ad's words are anybody's; they must not play tricks on a terminal.
	return report{Target: say.Clean(j.Name), JDL: jdl, Job: j.ID, State: j.State.String(), Since: &j.Since,
		Reason: say.Clean(j.Reason), Notice: say.Clean(j.Notice), Log: j.Log}
}

func (s report) print(w io.Writer) error {
	if s.Job == "" {
		_, err := fmt.Fprintf(w, "%s: no job; perch up %s submits one\n", s.Target, s.JDL)
		return err
	}
	fmt.Fprintf(w, "%s: job %s %s since %s", s.Target, s.Job, s.State, s.Since.Format(time.DateTime))
	if s.Reason != "" {
		fmt.Fprintf(w, ": %s", s.Reason)
	}
	if s.Carrier != "" {
		fmt.Fprintf(w, ", carrier %s", s.Carrier)
	}
	if s.Notice != "" {
		fmt.Fprintf(w, "\n%s", s.Notice)
	}
	_, err := fmt.Fprintln(w)
	return err
}

func printTable(w io.Writer, reports []report) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "JOB\tTARGET\tSTATE\tSINCE\tJDL")
	for _, s := range reports {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\n", s.Job, s.Target, s.State, s.Since.Format(time.DateTime), s.JDL)
	}
	return tab.Flush()
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

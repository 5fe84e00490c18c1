package cli

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"perch/ci/internal/report"
)

func reportCommand() *cobra.Command {
	var files reportFiles
	c := &cobra.Command{
		Use:   "report FILE...",
		Short: "Join reports of smoke",
		Long: `Join reports that smoke --json has written, such as those of a pipeline's jobs,
into one: a page with the matrix of images and checks, JUnit's format, or JSON.
What did not pass is printed. Exit status: 0 all is well, 1 it is not.`,
		Args: someArgs("a report"),
		RunE: func(c *cobra.Command, args []string) error {
			var all []report.Image
			for _, file := range args {
				some, err := readReport(file)
				if err != nil {
					return err
				}
				all = append(all, some...)
			}
			if err := files.write(all); err != nil {
				return err
			}
			for _, i := range all {
				for _, r := range i.Results {
					if r.Status == report.Fail {
						fmt.Fprintf(c.OutOrStdout(), "%s in %s: %s: %s\n", i.Image, i.Place, r.Check, r.Detail)
					}
				}
			}
			if slices.ContainsFunc(all, func(i report.Image) bool { return !i.Passed() }) {
				return errJoined
			}
			return nil
		},
	}
	files.flags(c)
	return c
}

func readReport(name string) ([]report.Image, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	images, err := report.Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s is no report of smoke --json: %w", name, err)
	}
	return images, nil
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"perch/ci/internal/packages"
	"perch/ci/internal/registry"
	"perch/ci/internal/source"
)

func diffCommand() *cobra.Command {
	var missingOK bool
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say which packages two images do not have alike",
		Long: `Say which packages two images do not have alike: a line for each, "+" where only
NEW has it, "-" where only OLD has, "~" where the versions differ. An image is
what bake takes, or the list of packages (.packages.tsv) that build makes.`,
		Args: twoArgs("the images"),
		RunE: func(c *cobra.Command, args []string) error {
			var lists [2][]packages.Package
			for i, image := range args {
				list, err := packageList(c.Context(), image)
				switch forgiven := i == 0 && missingOK && c.Context().Err() == nil; {
				case err == nil:
				case !forgiven:
					return fmt.Errorf("reading what is in %s: %w", image, err)
				case registry.IsMissing(err):
					sayer(c)("%s is not there yet", image)
				case errors.Is(err, packages.ErrNone), errors.Is(err, packages.ErrForm):
					sayer(c)("what is in %s is not known: %v", image, err)
				default:
					sayer(c)("%s cannot be read, so nothing is compared: %v", image, err)
					return nil
				}
				lists[i] = list
			}
			for _, change := range packages.Diff(lists[0], lists[1]) {
				fmt.Fprintln(c.OutOrStdout(), change)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&missingOK, "missing-ok", false, "take OLD for one with nothing in it where there is no such image, or none with a list of packages; compare nothing where it cannot be read")
	return c
}

func packageList(ctx context.Context, image string) ([]packages.Package, error) {
	text, err := packageText(ctx, image)
	if err != nil {
		return nil, err
	}
	return packages.Parse(bytes.NewReader(text))
}

func packageText(ctx context.Context, image string) ([]byte, error) {
	if strings.HasSuffix(image, ".tsv") {
		return os.ReadFile(image)
	}
	i, err := source.Open(ctx, image)
	if err != nil {
		return nil, err
	}
	defer i.Close()
	return packages.Of(i)
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"perch/ci/internal/environment"
	"perch/ci/internal/report"
	"perch/ci/internal/smoke"
	"perch/ci/internal/steps"
)

// errFailed says that an image did not pass. The table says why.
var errFailed = errors.New("the image does not hold what it promises, see the table")

// errJoined says the same of one of several.
var errJoined = errors.New("not every image holds what it promises, see above")

// reportFiles are where reports are to be written, beside the table.
type reportFiles struct{ junit, json, html string }

// flags has the command line say where they go.
func (f *reportFiles) flags(c *cobra.Command) {
	set := c.Flags()
	set.StringVar(&f.junit, "junit", "", "file for a report in JUnit's format")
	set.StringVar(&f.json, "json", "", "file for a report in JSON")
	set.StringVar(&f.html, "html", "", "file for a page with the matrix of images and checks")
}

func smokeCommand() *cobra.Command {
	r := smoke.Request{Cache: cacheDir("ci")}
	var built string
	var files reportFiles
	c := &cobra.Command{
		Use:   "smoke IMAGE...",
		Short: "Try images the way a batch system uses them",
		Long: `Try images the way a batch system and a user's first hour use them. An image is
an unpacked directory, an OCI archive, or the name of an environment that was
built. Its perch-entrypoint runs under runc as a user without rights and without
a passwd entry, with a read-only root, a scratch directory as home and a small
/tmp; or under Apptainer, or as a real job. Sessions are opened in it with ssh
and sftp, programs are built and debugged, and the image's files are looked at.
What is expected is said by images/shared/smoke.yaml and the environment's own.
One row for each thing that was tried is printed. Exit status: 0 all is well, 1
it is not.`,
		Args: someArgs("an image"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if r.Self, err = os.Executable(); err != nil {
				return err
			}
			r.Steps = steps.New(c.ErrOrStderr())
			var found []report.Image
			for _, image := range args {
				one, err := tryOne(c, r, image, built)
				if err != nil {
					return errors.Join(err, files.write(found))
				}
				if len(args) > 1 {
					fmt.Fprintf(c.OutOrStdout(), "%s in %s:\n", one.Image, one.Place)
				}
				if err := one.Table(c.OutOrStdout()); err != nil {
					return err
				}
				found = append(found, one)
				if c.Context().Err() != nil {
					return errors.Join(fmt.Errorf("trying %s was stopped: %w", one.Image, context.Cause(c.Context())), files.write(found))
				}
			}
			if err := files.write(found); err != nil {
				return err
			}
			if slices.ContainsFunc(found, func(i report.Image) bool { return !i.Passed() }) {
				return errFailed
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&r.Images, "images", imagesDir(), "directory of the environments")
	f.StringVar(&r.Place, "in", "runc", "place to try it in: runc, apptainer (as an ordinary user), or htcondor (a real job, by perch)")
	f.StringVar(&built, "built", cacheDir("images"), "directory in which environments were built")
	f.StringVar(&r.Environment, "environment", "", "environment whose promises are tried (default: the one that the image is called after)")
	f.StringVar(&r.IDEServer, "ide-server", "", "archive (tar.gz) of a VS Code server that serves the workbench, to start in the image")
	files.flags(c)
	return c
}

// tryOne tries an image, given by its path or as an environment's name.
func tryOne(c *cobra.Command, r smoke.Request, image, built string) (report.Image, error) {
	r.Image = image
	if r.Environment != "" {
		if _, err := environment.Find(r.Images, r.Environment); err != nil {
			return report.Image{}, err
		}
	} else {
		known, _ := environment.List(r.Images)
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(image), ".tar"), ".sif")
		if slices.Contains(known, name) {
			r.Environment = name
			if _, err := os.Stat(image); err != nil && image == name {
				r.Image = filepath.Join(built, name)
			}
		}
	}
	if r.Environment != "" {
		r.Archive = archiveOf(r.Image)
	}
	return smoke.Run(c.Context(), r)
}

// archiveOf returns the archive that build writes beside an unpacked image, or "".
func archiveOf(image string) string {
	archive := filepath.Clean(image) + ".tar"
	if info, err := os.Stat(image); err != nil || !info.IsDir() {
		return ""
	}
	if _, err := os.Stat(archive); err != nil {
		return ""
	}
	return archive
}

// write writes the reports that are asked for.
func (f reportFiles) write(found []report.Image) error {
	for _, w := range []struct {
		file  string
		write func(io.Writer, []report.Image) error
	}{{f.junit, report.JUnit}, {f.json, report.JSON}, {f.html, report.Page}} {
		if w.file == "" {
			continue
		}
		var content strings.Builder
		if err := w.write(&content, found); err != nil {
			return err
		}
		if err := renameio.WriteFile(w.file, []byte(content.String()), 0o644); err != nil {
			return fmt.Errorf("writing a report: %w", err)
		}
	}
	return nil
}

// connectCommand is for the ssh that smoke calls.
func connectCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "connect SOCKET",
		Hidden: true,
		Args:   oneArg("the socket"),
		RunE: func(c *cobra.Command, args []string) error {
			return smoke.Connect(c.Context(), args[0], c.InOrStdin(), c.OutOrStdout())
		},
	}
}

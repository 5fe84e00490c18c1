package build

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"perch/ci/internal/tool"
)

// Made are the files of a built image; SIF is "" without Apptainer. Packages is
// the list of what is installed in it, SBOM the same as an SPDX document.
type Made struct {
	Archive, Tree, SIF, Packages, SBOM string
}

// String lists the files, one a line, for people and scripts.
func (m Made) String() string { return strings.Join(m.paths(), "\n") }

func (m Made) paths() []string {
	paths := []string{m.Archive, m.Tree}
	if m.SIF != "" {
		paths = append(paths, m.SIF)
	}
	return append(paths, m.Packages, m.SBOM)
}

// names are where things will be.
func (b *builder) names() Made {
	base := filepath.Join(b.Out, b.Name)
	made := Made{Archive: base + ".tar", Tree: base, Packages: base + ".packages.tsv", SBOM: base + ".spdx.json"}
	if tool.Have("apptainer") {
		made.SIF = base + ".sif"
	}
	return made
}

// dropSIF removes the SIF of an earlier image, where none is made of this one: a
// job that names it would run what is not built any more.
func (b *builder) dropSIF(made Made) error {
	if made.SIF != "" {
		return nil
	}
	earlier := made.Tree + ".sif"
	err := os.Remove(earlier)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		b.Steps.Line("%s was of an earlier image and is removed; install Apptainer to have one of this", earlier)
	}
	return err
}

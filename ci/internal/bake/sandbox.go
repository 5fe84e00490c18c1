package bake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"perch/ci/internal/entrylayer"
	"perch/ci/internal/fitness"
	"perch/ci/internal/publish"
	"perch/ci/internal/tool"
)

// sifMagic stands in a SIF at magicOffset
// (https://github.com/apptainer/sif, pkg/sif, header).
const (
	sifMagic    = "SIF_MAGIC"
	magicOffset = 32
)

// isApptainers says whether a file is a SIF, or a directory an unpacked image:
// what only Apptainer makes an image of.
func isApptainers(base string) bool {
	info, err := os.Stat(base)
	if err != nil {
		return false
	}
	if info.IsDir() {
		_, err := os.Stat(filepath.Join(base, "index.json"))
		return errors.Is(err, os.ErrNotExist)
	}
	file, err := os.Open(base)
	if err != nil {
		return false
	}
	defer file.Close()
	magic := make([]byte, len(sifMagic))
	_, err = file.ReadAt(magic, magicOffset)
	return err == nil && string(magic) == sifMagic
}

// sandbox bakes a SIF or an unpacked image into one or the other, by Apptainer:
// a SIF where Out ends in .sif.
func (r Request) sandbox(ctx context.Context) (fitness.Report, error) {
	if err := tool.Need("apptainer"); err != nil {
		return fitness.Report{}, fmt.Errorf("%s is Apptainer's, and %w", r.Base, err)
	}
	if err := os.MkdirAll(filepath.Dir(r.Out), 0o755); err != nil {
		return fitness.Report{}, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(r.Out), ".bake-")
	if err != nil {
		return fitness.Report{}, err
	}
	defer publish.RemoveTree(dir)
	tree := filepath.Join(dir, "tree")
	if _, err := tool.Run(ctx, io.Discard, "apptainer", "build", "--sandbox", tree, r.Base); err != nil {
		return fitness.Report{}, explain(err, r.Out)
	}
	found, err := fitness.ExamineDir(tree)
	if err != nil {
		return found, fmt.Errorf("looking into %s: %w", r.Base, err)
	}
	if err := entrylayer.Put(tree, r.Entrypoint); err != nil {
		return found, explain(err, r.Out)
	}
	made := tree
	if strings.HasSuffix(r.Out, ".sif") {
		made = filepath.Join(dir, "image.sif")
		if _, err := tool.Run(ctx, io.Discard, "apptainer", "build", made, tree); err != nil {
			return found, explain(err, r.Out)
		}
	}
	return found, publish.Replace(made, r.Out)
}

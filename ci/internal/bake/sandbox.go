package bake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"perch/ci/internal/apptainer"
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
	if err := replaceable(r.Out); err != nil {
		return fitness.Report{}, err
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
	if err := readable(r.Base); err != nil {
		return fitness.Report{}, err
	}
	r.Steps.Begin("", "unpacking %s", r.Base)
	if err := apptainer.Sandbox(ctx, io.Discard, tree, r.Base); err != nil {
		return fitness.Report{}, explain(err, r.Out)
	}
	found, err := fitness.ExamineDir(tree)
	if err != nil {
		return found, fmt.Errorf("looking into %s: %w", r.Base, err)
	}
	if !found.Shell {
		return found, fmt.Errorf("looking into %s: %w", r.Base, errNoShell)
	}
	if err := entrylayer.Put(tree, r.Entrypoint); err != nil {
		return found, explain(err, r.Out)
	}
	if err := entrylayer.LabelTree(tree, r.Entrypoint); err != nil {
		return found, explain(err, r.Out)
	}
	made := tree
	if strings.HasSuffix(r.Out, ".sif") {
		made = filepath.Join(dir, "image.sif")
		r.Steps.Begin(made, "writing %s", r.Out)
		if err := apptainer.SIF(ctx, io.Discard, made, tree); err != nil {
			return found, explain(err, r.Out)
		}
	}
	r.Steps.End()
	return found, publish.Replace(made, r.Out)
}

// replaceable returns an error if out is something that was not baked before: a
// user's directory must not vanish under an image.
func replaceable(out string) error {
	if strings.HasSuffix(out, ".tar") {
		return fmt.Errorf("of an image of Apptainer's no archive is made; name a .sif file or a directory for %s", out)
	}
	info, err := os.Stat(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if !info.IsDir() {
		if strings.HasSuffix(out, ".sif") {
			return nil
		}
		return fmt.Errorf("%s is a file, and a directory is to be made; name another", out)
	}
	if _, err := os.Stat(filepath.Join(out, ".singularity.d")); err != nil || strings.HasSuffix(out, ".sif") {
		return fmt.Errorf("%s is there and is no unpacked image; name what is to be made, in it perhaps", out)
	}
	return nil
}

// readable returns an error if base is a directory with something in it that
// this user cannot read. Apptainer does not say what.
func readable(base string) error {
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = unix.Access(path, unix.R_OK)
			if err != nil {
				err = &fs.PathError{Op: "open", Path: path, Err: err}
			}
		}
		return err
	})
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; bake it as the user who unpacked it, or bake the SIF or archive that it was unpacked from", err)
	}
	return err
}

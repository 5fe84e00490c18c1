package entrylayer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
)

// labelsFile is where Apptainer keeps an image's labels (apptainer inspect --labels;
// "Container Metadata" of its user guide).
const labelsFile = ".singularity.d/labels.json"

// Put copies the entrypoint, the file program, into an unpacked image of Apptainer's,
// whose links lead nowhere outside, and labels it.
func Put(tree, program string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(tree)
	if err != nil {
		return err
	}
	defer root.Close()
	inside := strings.TrimPrefix(Program, "/")
	if err := root.MkdirAll(path.Dir(inside), 0o755); err != nil {
		return err
	}
	if err := root.WriteFile(inside, content, 0o755); err != nil {
		return err
	}
	if err := root.Chmod(inside, 0o755); err != nil {
		return err
	}
	return labelTree(root, versionOf(program))
}

func labelTree(root *os.Root, version string) error {
	var labels map[string]string
	text, err := root.ReadFile(labelsFile)
	if err == nil {
		if err := json.Unmarshal(text, &labels); err != nil {
			return fmt.Errorf("reading the labels in %s: %w", labelsFile, err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, versions(version))
	if text, err = json.MarshalIndent(labels, "", "\t"); err != nil {
		return err
	}
	if err := root.MkdirAll(path.Dir(labelsFile), 0o755); err != nil {
		return err
	}
	return root.WriteFile(labelsFile, text, 0o644)
}

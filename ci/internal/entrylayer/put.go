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

// mostLabels is how much of labelsFile is read, in bytes.
const mostLabels = 1 << 20

// Put copies the entrypoint, the file program, into an unpacked image, whose links lead
// nowhere outside.
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
	return root.Chmod(inside, 0o755)
}

// LabelTree adds to the labels of an image that Apptainer has unpacked what the
// entrypoint, the file program, is.
func LabelTree(tree, program string) error {
	root, err := os.OpenRoot(tree)
	if err != nil {
		return err
	}
	defer root.Close()
	labels, err := readLabels(root)
	if err != nil {
		return fmt.Errorf("reading the image's labels: %w; remove %s, or bake the archive that it was made of", err, labelsFile)
	}
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, versions(versionOf(program)))
	text, err := json.MarshalIndent(labels, "", "\t")
	if err != nil {
		return err
	}
	if err := root.MkdirAll(path.Dir(labelsFile), 0o755); err != nil {
		return err
	}
	return root.WriteFile(labelsFile, text, 0o644)
}

// readLabels returns nil where there are none.
func readLabels(root *os.Root) (labels map[string]string, err error) {
	info, err := root.Lstat(labelsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > mostLabels {
		return nil, fmt.Errorf("it is no file of at most %d bytes", mostLabels)
	}
	text, err := root.ReadFile(labelsFile)
	if err == nil {
		err = json.Unmarshal(text, &labels)
	}
	return labels, err
}

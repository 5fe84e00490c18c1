package smoke

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"perch/ci/internal/source"
)

// secretWord ends the name of what holds a secret.
const secretWord = `(?:TOKEN|PASSWORD|PASSWD|PASSPHRASE|_PASS|_PAT|SECRET|SECRET[_-]?KEY|API[_-]?KEY|ACCESS[_-]?KEY|PRIVATE[_-]?KEY|CREDENTIALS?)`

var (
	secretVariable = regexp.MustCompile(`(?i)` + secretWord + `$`)
	// secretSetting is such a name with a value, which is not another
	// variable's, or a command's output.
	secretSetting = regexp.MustCompile(`(?i)` + secretWord + `=(?:\\?["'])?([^\s$"'\x60\\=][^\s"'\x60]*)`)
	// secretText is a password in an address, or a token that GitHub or GitLab
	// gives.
	secretText = regexp.MustCompile(`://[^/\s:@]*:[^/\s@$"'\\\x60][^/\s@]*@[A-Za-z0-9\[$]|gh[pousr]_\w{36}|github_pat_\w{22}|glpat-[\w-]{20}`)
	// noSecret is what stands for one, or where one is.
	noSecret = regexp.MustCompile(`(?i)^(true|false|yes|no|none|null|/.*)?[,;)\]}]*$`)
)

// hiddenSecrets looks where whoever pulls an image can, and an unpacked image does
// not show it: in its variables, labels and history, and in the files of its
// layers that later ones take away. What it returns does not tell the secret.
func hiddenSecrets(ctx context.Context, archive string) (findings, error) {
	image, err := source.Open(ctx, archive)
	if err != nil {
		return nil, err
	}
	defer image.Close()
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	found := configSecrets(config)
	// Their digests are not this check's concern.
	layers, err := image.Raw.Layers()
	if err != nil {
		return nil, err
	}
	for i, layer := range layers {
		files, err := layerSecrets(ctx, layer)
		if err != nil {
			return nil, fmt.Errorf("reading layer %d: %w", i+1, err)
		}
		for _, file := range files {
			found = append(found, fmt.Sprintf("%s in layer %d", file, i+1))
		}
	}
	return found, nil
}

func configSecrets(config *v1.ConfigFile) findings {
	var found findings
	for _, variable := range config.Config.Env {
		if name, value, _ := strings.Cut(variable, "="); secretNamed(name, value) {
			found = append(found, "the variable "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config.Config.Labels)) {
		if secretNamed(name, config.Config.Labels[name]) {
			found = append(found, "the label "+name)
		}
	}
	for i, step := range config.History {
		if secretCommand(step.CreatedBy) {
			found = append(found, fmt.Sprintf("step %d of the history, from the oldest", i+1))
		}
	}
	return found
}

func secretNamed(name, value string) bool {
	return secretVariable.MatchString(name) && !noSecret.MatchString(value) || secretText.MatchString(value)
}

// secretCommand says whether a command has a secret in it, among them the build
// arguments that a builder notes before it.
func secretCommand(command string) bool {
	for _, found := range secretSetting.FindAllStringSubmatch(command, -1) {
		if !noSecret.MatchString(found[1]) {
			return true
		}
	}
	return secretText.MatchString(command)
}

func layerSecrets(ctx context.Context, layer v1.Layer) (findings, error) {
	content, err := layer.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	var found findings
	for files := tar.NewReader(content); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		} else if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		file := path.Clean("/" + header.Name)
		if header.Typeflag != tar.TypeReg || !slices.ContainsFunc(secretDirs, func(dir string) bool { return strings.HasPrefix(file, "/"+dir+"/") }) {
			continue
		}
		secret, err := isSecret(file, header.Size, func() ([]byte, error) { return io.ReadAll(files) })
		if err != nil {
			return nil, err
		}
		if secret {
			found = append(found, file)
		}
	}
}

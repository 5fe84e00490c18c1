package smoke

import (
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"perch/ci/internal/imagetest"
	"perch/ci/internal/ociarchive"
)

// TestHiddenSecrets: what an archive tells beside its files is found, without the
// secret itself, and what looks much like it is not.
func TestHiddenSecrets(t *testing.T) {
	for _, c := range []struct {
		name   string
		layers []imagetest.Layer
		env    []string
		label  string
		step   string
		want   string
	}{
		{"nothing", []imagetest.Layer{{"bin/sh": "sh"}}, []string{"PATH=/bin", "HTTPS_PROXY=http://proxy:3128"}, "", "RUN make", ""},
		{"taken away", []imagetest.Layer{{"root/.netrc": "machine a password word"}, {"root/.wh..netrc": ""}}, nil, "", "", "/root/.netrc in layer 1"},
		{"a key", []imagetest.Layer{{"bin/sh": "sh"}, {"./opt/deploy": keyText}}, nil, "", "", "/opt/deploy in layer 2"},
		{"a package's", []imagetest.Layer{{"usr/share/doc/x/key": keyText}}, nil, "", "", ""},
		{"a variable", nil, []string{"GITLAB_TOKEN=word"}, "", "", "the variable GITLAB_TOKEN"},
		{"an empty one", nil, []string{"JUPYTER_TOKEN="}, "", "", ""},
		{"none", nil, []string{"ALLOW_EMPTY_PASSWORD=yes", "KEY_TOKEN=/run/secrets/key"}, "", "", ""},
		{"a proxy's password", nil, []string{"https_proxy=http://ci:word@proxy:3128"}, "", "", "the variable https_proxy"},
		{"a build argument", nil, nil, "", "|1 NPM_TOKEN=word /bin/sh -c npm ci", "step 1 of the history, from the oldest"},
		{"an address", nil, nil, "", "/bin/sh -c #(nop) ADD https://ci:word@example.org/x /", "step 1 of the history, from the oldest"},
		{"a mounted secret", nil, nil, "", `RUN --mount=type=secret,id=token TOKEN="$(cat /run/secrets/token)" npm ci`, ""},
		{"a label", nil, nil, "https://gitlab-ci-token:word@example.org/x", "", "the label source"},
		{"an address", nil, nil, "https://example.org/x", "", ""},
		{"a token by its form", nil, nil, "", `RUN curl --header "PRIVATE-TOKEN: glpat-wordwordwordwordword" https://example.org`, "step 1 of the history, from the oldest"},
		{"a token that is off", nil, nil, "", `CMD ["jupyter", "lab", "--NotebookApp.token=\"\"", "--ServerApp.password=''"]`, ""},
		{"a command's output", nil, nil, "", "RUN TOKEN=`cat /run/secrets/token` make", ""},
		{"a switch", nil, nil, "", "RUN python -c 'load(use_auth_token=True)'", ""},
		{"a quoted variable in an address", nil, nil, "", `RUN git clone https://oauth2:"$TOKEN"@example.org/x`, ""},
		{"a mirror by sed", nil, nil, "", "RUN sed -i 's@http://archive.example.org@http://mirror:3128@' /etc/apt/sources.list", ""},
		{"an address of variables", nil, nil, "", "RUN git clone https://$USER:$WORD@example.org/x", ""},
	} {
		image := imagetest.New(t, c.layers...)
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config = config.DeepCopy()
		config.Config.Env = c.env
		if c.label != "" {
			config.Config.Labels = map[string]string{"source": c.label}
		}
		if c.step != "" {
			config.History = append([]v1.History{{CreatedBy: c.step}}, config.History...)
		}
		if image, err = mutate.ConfigFile(image, config); err != nil {
			t.Fatal(err)
		}
		archive := filepath.Join(t.TempDir(), "image.tar")
		if err := ociarchive.WriteFile(archive, image, ""); err != nil {
			t.Fatal(err)
		}
		_, err = checkSecrets(t.Context(), &job{tree: t.TempDir(), archive: archive})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), ": "+c.want)):
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "word") {
			t.Errorf("%s: the secret itself is in %q", c.name, err)
		}
	}
}

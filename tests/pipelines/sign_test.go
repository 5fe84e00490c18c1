package pipelines

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"perch/tests/cache"
	"perch/tests/session"
)

// cosign makes the cosign that the pipelines take, as they do, or has it from
// the cache.
func cosign(t *testing.T) string {
	t.Helper()
	version := regexp.MustCompile(`(?m)^COSIGN := (v[0-9.]+)$`).FindStringSubmatch(read(t, "Makefile"))
	if version == nil {
		t.Fatal("the Makefile does not say which cosign")
	}
	dir := cache.Dir("cosign", version[1])
	err := cache.Get(t.Context(), dir, func(ctx context.Context, part string) error {
		cmd := exec.CommandContext(ctx, "make", "cosign", "COSIGN_DIR="+part)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// site is a registry, a key, and the programs that a pipeline of a site has.
type site struct {
	t               *testing.T
	dir, repository string
	env             []string
}

func newSite(t *testing.T, images http.Handler) *site {
	t.Helper()
	bin := cosign(t)
	server := httptest.NewServer(images)
	t.Cleanup(server.Close)
	s := &site{t: t, dir: t.TempDir(), repository: strings.TrimPrefix(server.URL, "http://") + "/perch/tiny"}
	s.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+s.dir, "COSIGN_PASSWORD=secret")
	s.must("cosign", "generate-key-pair")
	key, err := os.ReadFile(filepath.Join(s.dir, "cosign.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "COSIGN_PRIVATE_KEY="+string(key))
	// No public service is to know of it, and none is reached here.
	s.must("cosign", "signing-config", "create", "--out", "none.json")
	return s
}

// quiet is a registry, but for what it would log.
func quiet(options ...registry.Option) http.Handler {
	return registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...)
}

// guard lets only the user ci in, by a password.
func guard(images http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ci" || password != "token" {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	})
}

// logIn writes what podman login writes.
func (s *site) logIn() {
	s.t.Helper()
	host, _, _ := strings.Cut(s.repository, "/")
	file := filepath.Join(s.dir, "auth.json")
	text := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte("ci:token")))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.env = append(s.env, "REGISTRY_AUTH_FILE="+file)
}

func (s *site) run(program string, args ...string) (string, error) {
	path := program
	if program == "perch-ci" {
		path = session.Program(program)
	} else if program == "cosign" {
		path = filepath.Join(cosign(s.t), program)
	}
	cmd := exec.CommandContext(s.t.Context(), path, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return stderr.String(), err
	}
	return string(out), nil
}

func (s *site) must(program string, args ...string) string {
	s.t.Helper()
	out, err := s.run(program, args...)
	if err != nil {
		s.t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return out
}

// image makes an OCI layout whose list of packages has bash of a version.
func (s *site) image(version string) string {
	s.t.Helper()
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	list := "bash\t" + version + "\tamd64\tbash\t\n"
	if err := w.WriteHeader(&tar.Header{Name: "usr/local/share/perch/packages.tsv", Mode: 0o644, Size: int64(len(list))}); err != nil {
		s.t.Fatal(err)
	}
	io.WriteString(w, list)
	w.Close()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		s.t.Fatal(err)
	}
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
	if err != nil {
		s.t.Fatal(err)
	}
	dir := filepath.Join(s.dir, "image-"+version)
	if _, err := layout.Write(dir, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: v1.Image(image)})); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

func (s *site) push(version string) (string, error) {
	s.t.Helper()
	return s.run("perch-ci", "push", "--dated", "--sign", "--key", "env://COSIGN_PRIVATE_KEY", "--signing-config", "none.json", s.image(version), s.repository+":latest")
}

func (s *site) pushed(version string) {
	s.t.Helper()
	if out, err := s.push(version); err != nil {
		s.t.Fatalf("pushing %s: %v\n%s", version, err, out)
	}
}

func (s *site) tags() []string {
	s.t.Helper()
	repository, err := name.NewRepository(s.repository)
	if err != nil {
		s.t.Fatal(err)
	}
	tags, err := remote.List(repository, remote.WithAuth(&authn.Basic{Username: "ci", Password: "token"}))
	if err != nil {
		s.t.Fatal(err)
	}
	return tags
}

// TestSign publishes as the pipelines do, with the real cosign, in both kinds of
// registries: those that know what refers to an image, and those that do not.
func TestSign(t *testing.T) {
	for what, referrers := range map[string]bool{"with referrers": true, "without": false} {
		t.Run(what, func(t *testing.T) {
			s := newSite(t, guard(quiet(registry.WithReferrersSupport(referrers))))
			latest := s.repository + ":latest"
			if out, err := s.run("perch-ci", "push", s.image("0"), latest); err == nil || !strings.Contains(out, "; log in as somebody who may, such as by podman login 127.0.0.1:") {
				t.Errorf("before the login: %v, %s", err, out)
			}
			s.logIn()
			verify := []string{"verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", latest}
			s.pushed("1")
			s.must("cosign", verify...)
			s.attested("1")
			if tagged := slices.ContainsFunc(s.tags(), isSignature); tagged == referrers {
				t.Errorf("the tags are %v", s.tags())
			}

			s.env = append(s.env, "COSIGN_PASSWORD=wrong")
			if out, err := s.push("wrong"); err == nil || !strings.Contains(out, "cosign: ") {
				t.Errorf("with a wrong password: %v, %s", err, out)
			}
			s.env = append(s.env, "COSIGN_PASSWORD=secret")
			s.attested("1") // what latest was before

			s.must("perch-ci", "push", s.image("2"), latest)
			if out, err := s.run("cosign", verify...); err == nil || !strings.Contains(out, "no signatures found") {
				t.Errorf("an image that nobody signed: %v, %s", err, out)
			}
			s.pushed("2") // the same image, signed later
			s.must("cosign", verify...)

			s.pushed("3")
			before := len(s.tags())
			old, _, _ := strings.Cut(s.must("perch-ci", "prune", s.repository, "--keep", "1"), " ")
			if out, err := s.run("cosign", append(verify[:len(verify)-1:len(verify)-1], old)...); err == nil {
				t.Errorf("the old image is still there: %s", out)
			}
			gone := 1
			if !referrers {
				gone++ // its signature's tag
			}
			if after := len(s.tags()); before-after != gone {
				t.Errorf("of %d tags %d are left: %v", before, after, s.tags())
			}
			s.must("cosign", verify...)
			s.attested("3")
		})
	}
}

func isSignature(tag string) bool { return strings.HasPrefix(tag, "sha256-") }

// attested wants cosign to vouch for the SBOM of the image.
func (s *site) attested(version string) {
	s.t.Helper()
	out := s.must("cosign", "verify-attestation", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--type", "spdxjson", s.repository+":latest")
	var envelope struct{ Payload string }
	if err := json.Unmarshal([]byte(out), &envelope); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	statement, err := base64.StdEncoding.DecodeString(envelope.Payload)
	if err != nil || !strings.Contains(string(statement), `bash@`+version) {
		s.t.Errorf("the SBOM is %s, %v", statement, err)
	}
}

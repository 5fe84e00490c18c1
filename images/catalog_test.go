package images

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func siteFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "catalog.yaml")
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCatalog(t *testing.T) {
	own, err := Catalog("/no/such/file")
	if err != nil || len(own) < 8 {
		t.Fatalf("without a site: %d environments, %v", len(own), err)
	}
	site := siteFile(t, `
environments:
  rocky9: {image: /cvmfs/site.example.org/rocky9}
  root: {title: ROOT 6.36, registry: "registry.example.org/root:6.36", container_os: Root}
`)
	all, err := Catalog(site)
	if err != nil || len(all) != len(own)+1 {
		t.Fatalf("%d environments, %v", len(all), err)
	}
	find := func(name string) Environment {
		return all[slices.IndexFunc(all, func(e Environment) bool { return e.Name == name })]
	}
	if got, want := find("rocky9"), (Environment{"rocky9", "Rocky Linux 9", "/cvmfs/site.example.org/rocky9", "", "Rocky9"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := find("root"), (Environment{"root", "ROOT 6.36", "", "registry.example.org/root:6.36", "Root"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, want := range map[string]string{"rocky9": "/cvmfs/site.example.org/rocky9", "root": "docker://registry.example.org/root:6.36", "rocky8": ""} {
		if got := find(name).ContainerImage(); got != want {
			t.Errorf("%s: container_image is %q, want %q", name, got, want)
		}
	}
}

func TestCatalogOfBadSites(t *testing.T) {
	for content, want := range map[string]string{
		"environments: {Rocky: {image: /x}}":             `an environment "Rocky"`,
		"environments: {../x: {image: /x}}":              `an environment "../x"`,
		"environments: {x: {image: \"/a\\nqueue 100\"}}": "characters in image",
		"environments: {x: {image: $(HOME)}}":            "characters in image",
		"environments: {x: {registry: \"r/x y\"}}":       "characters in image, registry",
		"environments: {x: {title: \"a\\nqueue 100\"}}":  "or title that cannot stand",
		"environments: {x: {img: /x}}":                   "field img not found",
		"environments: [":                                "reading the site's catalogue",
	} {
		_, err := Catalog(siteFile(t, content))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
}

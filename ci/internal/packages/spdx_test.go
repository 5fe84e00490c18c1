package packages

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"
)

// SPDX's own library takes the document, and finds in it what was given.
func TestSPDX(t *testing.T) {
	parsed, err := Parse(strings.NewReader(list + "libstdc++6\t12.2.0-14\tamd64\tgcc-12\t\n"))
	if err != nil {
		t.Fatal(err)
	}
	about := About{Name: "debian12", Digest: "sha256:abc", System: "debian", Created: time.Unix(0, 0)}
	var first, second bytes.Buffer
	if err := SPDX(&first, about, parsed); err != nil {
		t.Fatal(err)
	}
	if err := SPDX(&second, about, parsed); err != nil || first.String() != second.String() {
		t.Errorf("the same list makes two documents, %v", err)
	}
	var doc v2_3.Document
	if err := json.ReadInto(&first, &doc); err != nil {
		t.Fatal(err)
	}
	if err := spdxlib.ValidateDocument(&doc); err != nil {
		t.Error(err)
	}
	if len(doc.Packages) != 4 || len(doc.Relationships) != 4 {
		t.Fatalf("%d packages, %d relations", len(doc.Packages), len(doc.Relationships))
	}
	for i, want := range []string{"pkg:deb/debian/bash@5.2-1?arch=amd64", "pkg:deb/debian/git@1:2.39?arch=amd64", "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64"} {
		if got := doc.Packages[i+1].PackageExternalReferences[0].Locator; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if doc.Packages[2].PackageLicenseComments != "GPLv2" || doc.Packages[3].PackageSourceInfo != "built from gcc-12" {
		t.Errorf("licence %q, source %q", doc.Packages[2].PackageLicenseComments, doc.Packages[3].PackageSourceInfo)
	}
}

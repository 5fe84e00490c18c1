package packages

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"
	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// About is what an SPDX document says of an image beside its packages.
type About struct {
	// Name is the environment's, Digest the manifest's.
	Name, Digest string
	// System is the ID of the image's os-release, such as debian.
	System string
	// Created is the image's time.
	Created time.Time
}

// debLike are the systems whose packages are Debian's; all others' are rpm's.
var debLike = map[string]bool{"debian": true, "ubuntu": true}

// SPDX writes a list as an SPDX 2.3 document in JSON
// (https://spdx.github.io/spdx-spec/v2.3/). The same image always gives the same
// document.
func SPDX(w io.Writer, about About, list []Package) error {
	const image = common.ElementID("Image")
	doc := &v2_3.Document{
		SPDXVersion:       v2_3.Version,
		DataLicense:       v2_3.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      about.Name,
		DocumentNamespace: fmt.Sprintf("https://spdx.org/spdxdocs/perch-%s-%s", about.Name, strings.TrimPrefix(about.Digest, "sha256:")),
		CreationInfo: &v2_3.CreationInfo{
			Created:  about.Created.UTC().Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "perch-ci"}},
		},
		Packages: []*v2_3.Package{{
			PackageName:             about.Name,
			PackageSPDXIdentifier:   image,
			PackageVersion:          about.Digest,
			PackageDownloadLocation: unknown,
			PrimaryPackagePurpose:   "CONTAINER",
		}},
		Relationships: []*v2_3.Relationship{relation("DOCUMENT", common.TypeRelationshipDescribe, image)},
	}
	for _, p := range list {
		entry := p.spdx(about.System)
		doc.Packages = append(doc.Packages, entry)
		doc.Relationships = append(doc.Relationships, relation(image, common.TypeRelationshipContains, entry.PackageSPDXIdentifier))
	}
	return json.Write(doc, w, json.Indent("  "))
}

// unknown is SPDX's word for what nobody has said.
const unknown = "NOASSERTION"

// noID are what an SPDX identifier may not have (spec, 7.2).
var noID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

func (p Package) spdx(system string) *v2_3.Package {
	kind := packageurl.TypeRPM
	if debLike[system] {
		kind = packageurl.TypeDebian
	}
	address := packageurl.NewPackageURL(kind, system, p.Name, p.Version, packageurl.QualifiersFromMap(map[string]string{"arch": p.Arch}), "")
	entry := &v2_3.Package{
		PackageName:             p.Name,
		PackageSPDXIdentifier:   common.ElementID("Package-" + noID.ReplaceAllString(p.Name+"-"+p.Version+"-"+p.Arch, "-")),
		PackageVersion:          p.Version,
		PackageDownloadLocation: unknown,
		PackageExternalReferences: []*v2_3.PackageExternalReference{{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: address.ToString(),
		}},
	}
	if p.Source != "" {
		entry.PackageSourceInfo = "built from " + p.Source
	}
	// A package manager's words for licences are not SPDX's.
	entry.PackageLicenseComments = p.Licence
	return entry
}

func relation(a common.ElementID, kind string, b common.ElementID) *v2_3.Relationship {
	return &v2_3.Relationship{RefA: common.MakeDocElementID("", string(a)), RefB: common.MakeDocElementID("", string(b)), Relationship: kind}
}

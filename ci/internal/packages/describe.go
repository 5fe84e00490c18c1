package packages

import (
	"bytes"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Describe returns an image's list of packages, as it is and as an SPDX document
// of the environment name. created is the image's time.
func Describe(image v1.Image, name string, created time.Time) (list, sbom []byte, err error) {
	if list, err = Of(image); err != nil {
		return nil, nil, err
	}
	parsed, err := Parse(bytes.NewReader(list))
	if err != nil {
		return nil, nil, err
	}
	system, err := System(image)
	if err != nil {
		return nil, nil, err
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, nil, err
	}
	var doc bytes.Buffer
	err = SPDX(&doc, About{Name: name, Digest: digest.String(), System: system, Created: created}, parsed)
	return list, doc.Bytes(), err
}

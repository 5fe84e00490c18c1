package ociarchive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// verified reads a blob, and fails at its end where it is not what its name
// says.
type verified struct {
	io.Reader
	sum    hash.Hash
	digest v1.Hash
}

func verify(blob io.Reader, digest v1.Hash) io.Reader {
	sum := sha256.New()
	return &verified{Reader: io.TeeReader(blob, sum), sum: sum, digest: digest}
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		if got := hex.EncodeToString(v.sum.Sum(nil)); v.digest.Algorithm != "sha256" || got != v.digest.Hex {
			return n, fmt.Errorf("the image is broken: %s has the checksum sha256:%s", v.digest, got)
		}
	}
	return n, err
}

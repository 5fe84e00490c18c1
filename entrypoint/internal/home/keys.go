package home

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"perch/entrypoint/contract"
)

// maxKeyFile bounds the files with keys, in bytes.
const maxKeyFile = 1 << 20

// TakeKeys moves the transferred keys from the top of the job home into Dir and
// returns what they hold. After a restart in the same place they are there
// already.
func (p *Place) TakeKeys() (hostKey, authorizedKeys []byte, err error) {
	hostKey, err = p.take(contract.HostKeyFile, contract.HostKeyName)
	if err != nil {
		return nil, nil, err
	}
	authorizedKeys, err = p.take(contract.AuthorizedKeysFile, contract.AuthorizedKeysName)
	return hostKey, authorizedKeys, err
}

func (p *Place) take(transferred, name string) ([]byte, error) {
	from := filepath.Join(p.Home, transferred)
	content, err := readBounded(from)
	if errors.Is(err, os.ErrNotExist) {
		if content, kept := readBounded(p.Path(name)); kept == nil {
			return content, nil
		}
		return nil, fmt.Errorf("taking the key file %q: %w; it has to come with the job's input files", transferred, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	// Renaming works on a full disk. It does not where the file is another's.
	if os.Chmod(from, 0o600) == nil && os.Rename(from, p.Path(name)) == nil {
		return content, nil
	}
	if err := renameio.WriteFile(p.Path(name), content, 0o600, renameio.IgnoreUmask()); err != nil {
		return nil, fmt.Errorf("moving the key file %q into %s: %w", transferred, contract.Dir, err)
	}
	if err := os.Remove(from); err != nil {
		return nil, fmt.Errorf("removing the transferred key file: %w", err)
	}
	return content, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(content) > maxKeyFile {
		err = fmt.Errorf("%q is longer than %d bytes, it holds no keys", path, maxKeyFile)
	}
	return content, err
}

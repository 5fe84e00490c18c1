package stockssh

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Env names the environment variable that says which ssh to use.
const Env = "PERCH_SSH"

// Find returns the absolute path of the stock ssh: what the environment
// variable Env names, else configured, else the first ssh on PATH. It never
// returns the running program, which may itself stand there as ssh.
func Find(configured string) (string, error) {
	for _, named := range []string{os.Getenv(Env), configured} {
		if named == "" {
			continue
		}
		if err := usable(named); err != nil {
			return "", fmt.Errorf("using %q as ssh, which %s or the configuration names: %w", named, Env, err)
		}
		return named, nil
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path := filepath.Join(dir, "ssh"); usable(path) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no ssh on PATH; install OpenSSH's client, or name one in %s", Env)
}

// usable says why path cannot be run as the stock ssh.
func usable(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("it is no absolute path")
	}
	info, err := os.Stat(path)
	switch self, selfErr := os.Stat("/proc/self/exe"); {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is no file")
	case selfErr == nil && os.SameFile(info, self):
		return errors.New("it is perch itself")
	}
	if err := unix.Access(path, unix.X_OK); err != nil {
		return fmt.Errorf("it cannot be run: %w", err)
	}
	return nil
}

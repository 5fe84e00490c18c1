// Package config reads Perch's settings on the submit host: the site's file,
// over it the user's, over that the environment.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"github.com/spf13/viper"
)

// SiteFile is the administrator's settings.
const SiteFile = "/etc/perch/config.yaml"

// Settings are documented for users in docs/configuration.md. A setting NAME
// can also be given as the environment variable PERCH_NAME.
type Settings struct {
	// Engine is "htcondor", "local", or "" for htcondor where it is found.
	Engine string `mapstructure:"engine"`
	// IdleTimeout ends a job to which nobody has been connected for so long;
	// 0 is never, negative leaves it to the entrypoint.
	IdleTimeout time.Duration `mapstructure:"idle_timeout"`
	// IdleConnected ends a job whose connections have moved no byte for so
	// long; 0 is never, negative leaves it to the entrypoint.
	IdleConnected time.Duration `mapstructure:"idle_connected"`
	// AuthorizedKeysFile lists keys that are let in beside Perch's own.
	AuthorizedKeysFile string `mapstructure:"authorized_keys_file"`
	// Entrypoint is the static perch-entrypoint that jobs are sent.
	Entrypoint string `mapstructure:"entrypoint"`
	// SSH is the stock ssh; "" is the first on PATH.
	SSH string `mapstructure:"ssh"`
}

// UserFile is the user's settings.
func UserFile() string { return filepath.Join(xdg.ConfigHome, "perch", "config.yaml") }

// Load reads the settings. A missing file is none; an unknown name is an
// error, since it is a misspelt one.
func Load() (Settings, error) { return load(SiteFile, UserFile()) }

func load(site, user string) (Settings, error) {
	v := viper.New()
	v.SetConfigType("yaml")
	v.SetEnvPrefix("perch")
	v.AutomaticEnv()
	for name, value := range map[string]any{"engine": "", "idle_timeout": -time.Second, "idle_connected": -time.Second,
		"authorized_keys_file": "", "entrypoint": "", "ssh": ""} {
		v.SetDefault(name, value)
	}
	for _, file := range []string{site, user} {
		if err := merge(v, file); err != nil {
			return Settings{}, err
		}
	}
	var s Settings
	if err := v.UnmarshalExact(&s); err != nil {
		return s, fmt.Errorf("reading settings from %s, %s and PERCH_… variables: %s; correct them there", site, user, oneLine(err))
	}
	switch s.Engine {
	case "", "htcondor", "local":
	default:
		return s, fmt.Errorf("the engine %q is none; say htcondor or local", s.Engine)
	}
	// A number without a unit is nanoseconds to viper, and would end as 0.
	for name, d := range map[string]time.Duration{"idle_timeout": s.IdleTimeout, "idle_connected": s.IdleConnected} {
		if d > 0 && d < time.Second {
			return s, fmt.Errorf("the setting %s = %v is less than a second; write a time with its unit, such as 30m", name, d)
		}
	}
	s.AuthorizedKeysFile = expand(s.AuthorizedKeysFile)
	s.Entrypoint = expand(s.Entrypoint)
	return s, nil
}

func merge(v *viper.Viper, file string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading settings: %w; mend its permissions", err)
	}
	defer f.Close()
	if err := v.MergeConfig(f); err != nil {
		return fmt.Errorf("reading settings from %s: %s; correct it there", file, oneLine(err))
	}
	return nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(xdg.Home, rest)
	}
	return path
}

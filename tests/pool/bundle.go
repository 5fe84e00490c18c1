package pool

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

//go:embed condor.conf
var condorConf []byte

//go:embed init.sh
var initScript []byte

// hosts is the pool's /etc/hosts. The address is the one in condor.conf.
// Host is the name of a pool's one machine, and of its schedd. Second is for
// tests that take it for two submit hosts.
const (
	Host   = "pool.perch.test"
	Second = "second.perch.test"
)

const hosts = "127.0.0.1 localhost\n10.99.0.1 " + Host + " pool " + Second + "\n"

const initPath = "/usr/sbin/pool-init"

// writeBundle writes the pool's OCI bundle and what its overlay holds beside the
// cached root.
func (p *Pool) writeBundle(extra string) error {
	text, err := json.MarshalIndent(p.spec(), "", "\t")
	if err != nil {
		return err
	}
	for path, file := range map[string]struct {
		text []byte
		mode os.FileMode
	}{
		"bundle/config.json":                      {text, 0o600},
		"upper" + initPath:                        {initScript, 0o755},
		"upper/etc/hosts":                         {[]byte(hosts), 0o644},
		"upper/etc/condor/config.d/10-pool.conf":  {condorConf, 0o644},
		"upper/etc/condor/config.d/60-extra.conf": {[]byte(extra), 0o644},
	} {
		path = filepath.Join(p.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, file.text, file.mode); err != nil {
			return err
		}
	}
	return nil
}

// spec is the container: pool-init with everything that HTCondor and Apptainer
// expect of a machine, in a network of its own.
func (p *Pool) spec() *specs.Spec {
	capabilities, everybody := capabilities(), os.FileMode(0o666)
	return &specs.Spec{
		Version:  "1.0.2", // runc of Debian 12 takes no newer one
		Hostname: "pool",
		Root:     &specs.Root{Path: "rootfs"},
		Process: &specs.Process{
			Args: []string{initPath},
			Cwd:  "/",
			Env:  environment("root"),
			Capabilities: &specs.LinuxCapabilities{
				Bounding: capabilities, Effective: capabilities, Permitted: capabilities,
			},
		},
		Mounts: p.mounts(),
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.IPCNamespace},
				{Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
			},
			Resources: &specs.LinuxResources{
				Devices: []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}},
			},
			Devices: []specs.LinuxDevice{
				{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229, FileMode: &everybody},
			},
		},
	}
}

// mounts has no masked or read-only path: a container in the container may only
// mount /proc where all of it is visible.
func (p *Pool) mounts() []specs.Mount {
	mount := func(kind, target string, options ...string) specs.Mount {
		return specs.Mount{Type: kind, Source: kind, Destination: target, Options: options}
	}
	bind := func(source, target string) specs.Mount {
		return specs.Mount{Type: "bind", Source: source, Destination: target, Options: []string{"rbind", "rw"}}
	}
	return []specs.Mount{
		mount("proc", "/proc"),
		mount("sysfs", "/sys", "nosuid", "noexec", "nodev", "ro"),
		mount("tmpfs", "/dev", "nosuid", "strictatime", "mode=755"),
		mount("devpts", "/dev/pts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
		mount("tmpfs", "/dev/shm", "nosuid", "noexec", "nodev", "mode=1777"),
		mount("mqueue", "/dev/mqueue", "nosuid", "noexec", "nodev"),
		// An overlay cannot carry the overlays that Apptainer makes there.
		bind(filepath.Join(p.dir, "execute"), "/var/lib/condor/execute"),
		bind(p.Images(), "/images"),
		bind(p.Dir(), "/host"),
	}
}

package bundle

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// specVersion is what the runc of Debian 12 knows. Nothing newer is used.
const specVersion = "1.0.2"

// spec returns the bundle's configuration. It sets no limits: a process without
// CAP_SYS_RESOURCE could not, and the local engine promises none.
func (j Job) spec(mounts []specs.Mount) *specs.Spec {
	return &specs.Spec{
		Version:  specVersion,
		Hostname: j.hostname(),
		Root:     &specs.Root{Path: "rootfs", Readonly: true},
		Process: &specs.Process{
			User:            j.user(),
			Args:            j.args(),
			Env:             j.env(),
			Cwd:             j.Scratch,
			NoNewPrivileges: true,
			Capabilities:    capabilities(),
		},
		Mounts: mounts,
		Linux:  j.linux(),
	}
}

// capabilities are none. The launcher alone needs one for its user namespace
// (user_namespaces(7): a map of the parent's uid 0 takes CAP_SETFCAP there); in
// that namespace the program has none again.
func capabilities() *specs.LinuxCapabilities {
	if !rootless() {
		return &specs.LinuxCapabilities{}
	}
	need := []string{"CAP_SETFCAP"}
	return &specs.LinuxCapabilities{Bounding: need, Permitted: need, Effective: need}
}

func (j Job) linux() *specs.Linux {
	l := &specs.Linux{Namespaces: []specs.LinuxNamespace{
		{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
	}}
	if j.Loopback {
		l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: specs.NetworkNamespace})
	}
	if rootless() {
		l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		l.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(os.Geteuid()), Size: 1}}
		l.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(os.Getegid()), Size: 1}}
	}
	if j.UID == 0 {
		// Without capabilities, uid 0 still owns these files.
		l.ReadonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
		l.MaskedPaths = []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"}
	}
	return l
}

func (j Job) user() specs.User {
	if rootless() {
		return specs.User{}
	}
	return specs.User{UID: uint32(j.UID), GID: uint32(j.GID)}
}

// args puts the launcher before the program where that is needed.
func (j Job) args() []string {
	if !rootless() {
		return j.Args
	}
	return append([]string{launcher, strconv.Itoa(j.UID), strconv.Itoa(j.GID)}, j.Args...)
}

func (j Job) env() []string {
	if slices.ContainsFunc(j.Env, func(v string) bool { return strings.HasPrefix(v, "HOME=") }) {
		return j.Env
	}
	return append(slices.Clone(j.Env), "HOME="+j.Scratch)
}

func (j Job) hostname() string {
	if j.Hostname != "" {
		return j.Hostname
	}
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

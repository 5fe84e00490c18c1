package pool

import "golang.org/x/sys/unix"

// wanted are what HTCondor's daemons need to run jobs as their users, and what
// Apptainer's helpers need to make user namespaces and mounts.
var wanted = []struct {
	name   string
	number int
}{
	{"CAP_AUDIT_WRITE", unix.CAP_AUDIT_WRITE},
	{"CAP_CHOWN", unix.CAP_CHOWN},
	{"CAP_DAC_OVERRIDE", unix.CAP_DAC_OVERRIDE},
	{"CAP_DAC_READ_SEARCH", unix.CAP_DAC_READ_SEARCH},
	{"CAP_FOWNER", unix.CAP_FOWNER},
	{"CAP_FSETID", unix.CAP_FSETID},
	{"CAP_IPC_LOCK", unix.CAP_IPC_LOCK},
	{"CAP_KILL", unix.CAP_KILL},
	{"CAP_MKNOD", unix.CAP_MKNOD},
	{"CAP_NET_ADMIN", unix.CAP_NET_ADMIN},
	{"CAP_NET_BIND_SERVICE", unix.CAP_NET_BIND_SERVICE},
	{"CAP_NET_RAW", unix.CAP_NET_RAW},
	{"CAP_SETFCAP", unix.CAP_SETFCAP},
	{"CAP_SETGID", unix.CAP_SETGID},
	{"CAP_SETPCAP", unix.CAP_SETPCAP},
	{"CAP_SETUID", unix.CAP_SETUID},
	{"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN},
	{"CAP_SYS_CHROOT", unix.CAP_SYS_CHROOT},
	{"CAP_SYS_NICE", unix.CAP_SYS_NICE},
	{"CAP_SYS_PTRACE", unix.CAP_SYS_PTRACE},
	{"CAP_SYS_RESOURCE", unix.CAP_SYS_RESOURCE},
}

// capabilities are those wanted that this machine's root may give: runc refuses
// a container with one more, and a virtual machine's root may lack some that
// the pool can do without.
func capabilities() []string {
	var names []string
	for _, c := range wanted {
		if held, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c.number), 0, 0, 0); err == nil && held == 1 {
			names = append(names, c.name)
		}
	}
	return names
}

package home

import (
	"maps"
	"os"
	"strconv"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/libc"
	"perch/entrypoint/internal/limits"
)

// threads is the variable by which nproc(1) and OpenMP know how many processors
// to use. HTCondor sets it; other ways to start a job may not.
const threads = "OMP_NUM_THREADS"

// shareCores has programs see the processors that the job was granted, where it
// would see the machine's.
func (p *Place) shareCores(getenv func(string) string) {
	if getenv(threads) != "" {
		return
	}
	if cpus := limits.Read(getenv(contract.EnvMachineAd)).Cpus(); cpus > 0 {
		p.Environ[threads] = strconv.Itoa(cpus)
		p.Found.Add("processors", finding.Around, "the job was granted %d of the machine's processors: %s says so to nproc and OpenMP", cpus, threads)
	}
}

// wireSysroot leads VS Code's server to newer libraries where the image's are
// too old and there are some. The job's own variables count for more.
func (p *Place) wireSysroot(getenv func(string) string, sysroot string) {
	if getenv(libc.Linker) != "" {
		return
	}
	if sysroot == "" {
		if _, err := os.Stat(libc.DefaultSysroot); err != nil {
			return
		}
		sysroot = libc.DefaultSysroot
	}
	v, wired, found := libc.Wire("/", sysroot, getenv("PATH"))
	p.Found = append(p.Found, found...)
	if wired {
		maps.Copy(p.Environ, v.Environ())
	}
}

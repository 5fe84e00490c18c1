package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"perch/tests/pool"
)

// fact is a line about the machine.
type fact struct{ Name, Value string }

// machine is where and with what was measured.
type machine []fact

func (m *machine) add(name, value string) {
	if value == "" {
		value = "unknown"
	}
	*m = append(*m, fact{name, value})
}

// describe says what there is before anything is measured.
func describe(ctx context.Context, root string) machine {
	var m machine
	load := strings.Fields(read("/proc/loadavg"))
	m.add("date", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	m.add("processor", fmt.Sprintf("%s, %d cores", find(read("/proc/cpuinfo"), `model name\s*: (.*)`), runtime.NumCPU()))
	m.add("memory", find(read("/proc/meminfo"), `MemTotal:\s*(.*)`))
	m.add("kernel", kernel())
	m.add("load average at the start (1, 5, 15 minutes)", strings.Join(load[:min(3, len(load))], ", "))
	m.add("Perch", firstLine(exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty")))
	m.add("Go", strings.TrimPrefix(runtime.Version(), "go"))
	return m
}

// lookInto adds the versions of what runs in the pool.
func (m *machine) lookInto(ctx context.Context, it *pool.Pool) {
	for _, program := range []struct{ name, shell, pattern string }{
		{"HTCondor", "condor_version", `CondorVersion: (\S+)`},
		{"Apptainer", "apptainer --version", `version (\S+)`},
		{"OpenSSH, client and sshd", "ssh -V 2>&1", `OpenSSH_([^,]+)`},
	} {
		result, err := it.Exec(ctx, "alice", "sh", "-c", program.shell)
		if err != nil {
			result.Stdout = ""
		}
		m.add(program.name, find(result.Stdout, program.pattern))
	}
}

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "" // add says so
	}
	return string(text)
}

// find returns what a pattern's group matches first.
func find(text, pattern string) string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return strings.TrimSpace(m[1])
}

func firstLine(cmd *exec.Cmd) string {
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func kernel() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
}

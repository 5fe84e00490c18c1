package smoke

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkTools has each tool show that it runs.
func checkTools(ctx context.Context, j *job) (string, error) {
	var script strings.Builder
	for _, name := range slices.Sorted(maps.Keys(j.expect.Tools)) {
		fmt.Fprintf(&script, "( %s ) </dev/null >/dev/null 2>&1 || echo %s\n", j.expect.Tools[name], quote(name))
	}
	out, err := j.client.session(ctx, script.String()+":")
	if err != nil {
		return "", err
	}
	if missing := strings.Fields(out); len(missing) > 0 {
		return "", fmt.Errorf("missing, or does not run: %s", strings.Join(missing, ", "))
	}
	return fmt.Sprintf("%d tools", len(j.expect.Tools)), nil
}

// checkLibc wants the C library that is expected.
func checkLibc(ctx context.Context, j *job) (string, error) {
	out, status, err := j.client.ssh(ctx, "", host, "getconf GNU_LIBC_VERSION 2>/dev/null")
	if err != nil {
		return "", err
	}
	version := none
	if status == 0 {
		version = strings.TrimPrefix(strings.TrimSpace(out), "glibc ")
	}
	if j.expect.Glibc != "" && version != j.expect.Glibc {
		return "", fmt.Errorf("it is %q, and %q is expected", version, j.expect.Glibc)
	}
	return version, nil
}

// checkLocale wants UTF-8 as sessions are, and as users of other places ask for.
func checkLocale(ctx context.Context, j *job) (string, error) {
	out, err := j.client.session(ctx, "locale charmap; LC_ALL=en_US.UTF-8 locale charmap; echo $LANG")
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 || lines[0] != "UTF-8" || lines[1] != "UTF-8" {
		return "", fmt.Errorf("the character sets of a session and of en_US.UTF-8 are %q", lines)
	}
	return lines[2], nil
}

const (
	cSource   = "#include <stdio.h>\nint answer = 42;\nint main(void) {\n\tprintf(\"ran\\n\");\n\treturn 0;\n}\n"
	cxxSource = "#include <iostream>\nint answer = 42;\nint main() {\n\tstd::cout << \"ran\" << std::endl;\n\treturn 0;\n}\n"
	pySource  = "print('ran')\n"
	// atBreak shows what a debugger is for.
	atBreak = "-ex 'break main' -ex run -ex 'print answer' -ex continue"
)

func checkC(ctx context.Context, j *job) (string, error) {
	return debug(ctx, j, cSource, "gcc -g -x c -o program source", atBreak+" ./program", "$1 = 42")
}

func checkCXX(ctx context.Context, j *job) (string, error) {
	return debug(ctx, j, cxxSource, "g++ -g -x c++ -o program source", atBreak+" ./program", "$1 = 42")
}

func checkPython(ctx context.Context, j *job) (string, error) {
	return debug(ctx, j, pySource, "python3 -m py_compile source", "-ex run --args python3 source", "exited normally")
}

// debug builds a program in the job and runs it under gdb, which has to show
// want, and the program's own "ran".
func debug(ctx context.Context, j *job, source, build, gdb, want string) (string, error) {
	script := fmt.Sprintf("set -e; d=$(mktemp -d); cd $d; cat >source <<'EOF'\n%sEOF\n%s; DEBUGINFOD_URLS= gdb -nx -batch %s; rm -r $d", source, build, gdb)
	out, err := j.client.session(ctx, script)
	if err == nil && !(strings.Contains(out, "ran\n") && strings.Contains(out, want)) {
		err = fmt.Errorf("gdb shows %s", out)
	}
	return "", err
}

//go:embed kernel.py
var kernelSource string

// checkKernel has a notebook's kernel run a cell.
func checkKernel(ctx context.Context, j *job) (string, error) {
	out, status, err := j.client.ssh(ctx, kernelSource, "-T", host, "exec 2>&1; python3 -")
	if err == nil && (status != 0 || !strings.HasSuffix(out, "answer 42\n")) {
		err = fmt.Errorf("exit status %d: %s", status, out)
	}
	return "", err
}

// checkNamespaces says whether users can make user namespaces, and mount in them,
// which the sandboxes of coding agents need. It is the place's to allow, so either answer
// is right; an image must be able to tell.
func checkNamespaces(ctx context.Context, j *job) (string, error) {
	out, status, err := j.client.ssh(ctx, "", host, `command -v unshare >/dev/null || exit 9
why=$(unshare -Urm true 2>&1) && echo yes && exit
echo "no: $why"
for f in user/max_user_namespaces kernel/unprivileged_userns_clone kernel/apparmor_restrict_unprivileged_userns; do
	[ -r /proc/sys/$f ] && echo "$f=$(cat /proc/sys/$f)"
done; :`)
	if err == nil && status != 0 {
		err = errors.New("there is no unshare to try it with")
	}
	return oneLine(out), err
}

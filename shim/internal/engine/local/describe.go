package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/bundle"
	"perch/shim/internal/engine"
	"perch/shim/internal/engine/local/submitfile"
)

// defaultVacate is HTCondor's (MachineMaxVacateTime), for who asks for nothing.
const defaultVacate = 10 * time.Minute

// describer makes a description of a submit description. The first error ends
// the work: later answers are zero and mean nothing.
type describer struct {
	*description
	file *submitfile.File
	err  error
}

// describe reads the user's submit description, adds what Perch needs, and
// checks what can be known before the job runs. dir will be the job's folder.
func describe(ctx context.Context, s engine.Submission, cluster int, dir string) (*description, error) {
	file, err := submitfile.Read(s.JDL, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("finding this machine's name: %w", err)
	}
	for _, name := range []string{"Cluster", "ClusterId"} {
		file.Define(name, strconv.Itoa(cluster))
	}
	for _, name := range []string{"Process", "ProcId", "Step", "Row"} {
		file.Define(name, "0")
	}
	d := &describer{file: file, description: &description{
		Cluster: cluster, Host: host, Submitted: time.Now(), JDL: s.JDL, Target: s.Target, Name: s.Name, Key: s.Fingerprint,
	}}
	d.universe()
	d.places(s, dir)
	d.image(ctx, s.Notice)
	d.program(s)
	d.transfers(s)
	d.environmentAndSizes(s)
	attributes, err := file.Attributes()
	d.fail(err)
	d.Ad = d.jobAd(s, attributes)
	return d.description, d.err
}

func (d *describer) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// failAt is for the value of a command.
func (d *describer) failAt(name, format string, args ...any) {
	d.fail(fmt.Errorf("%s: %w", d.file.Line(name), fmt.Errorf(format, args...)))
}

func (d *describer) text(names ...string) string {
	value, err := d.file.Value(names...)
	d.fail(err)
	return value
}

// flag reads a boolean as HTCondor writes it.
func (d *describer) flag(name string, fallback bool) bool {
	switch value := d.text(name); strings.ToLower(value) {
	case "":
		return fallback
	case "true", "t", "yes", "y", "1":
		return true
	case "false", "f", "no", "n", "0":
		return false
	default:
		d.failAt(name, "%s = %s is neither true nor false", name, value)
		return fallback
	}
}

// whole reads a number that is at least least.
func (d *describer) whole(name string, least, fallback int) int {
	value := d.text(name)
	if value == "" {
		return fallback
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || int(n) < least {
		d.failAt(name, "%s = %s is not a whole number of at least %d; expressions need HTCondor", name, value, least)
		return fallback
	}
	return int(n)
}

func (d *describer) list(name string) []string {
	var list []string
	for item := range strings.SplitSeq(d.text(name), ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

func (d *describer) universe() {
	switch u := strings.ToLower(d.text("universe")); u {
	case "", "vanilla", "container", "docker", "5":
	default:
		d.failAt("universe", "universe = %s needs HTCondor; the local engine runs vanilla, container and docker", u)
	}
}

// places finds the directory that relative paths are of, and the job's own
// files.
func (d *describer) places(s engine.Submission, dir string) {
	d.Iwd = absolute(filepath.Dir(s.JDL), d.text("initialdir", "initial_dir"))
	if info, err := os.Stat(d.Iwd); err != nil || !info.IsDir() {
		d.failAt("initialdir", "the directory %s does not exist", d.Iwd)
	}
	place := func(fallback string, names ...string) string {
		name := d.text(names...)
		if name == "" {
			return fallback
		}
		path := absolute(d.Iwd, name)
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			d.failAt(names[0], "the directory of %s = %s does not exist; make it", names[0], name)
		}
		return path
	}
	d.Log = place(s.Log, "log")
	d.Output = place(filepath.Join(dir, "stdout"), "output", "stdout")
	d.Error = place(filepath.Join(dir, "stderr"), "error", "stderr")
	d.Input = place(os.DevNull, "input", "stdin")
	if _, err := os.Stat(d.Input); err != nil {
		d.failAt("input", "opening the job's input: %w", err)
	}
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// image decides whether the job runs in a container. Where it does not although
// it names an image, the user reads why.
func (d *describer) image(ctx context.Context, notice func(string)) {
	name := d.text("container_image", "docker_image")
	if name == "" || d.err != nil {
		return
	}
	dir := absolute(d.Iwd, name)
	problem := "it is no directory on this machine"
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		err := bundle.Works(ctx)
		if err == nil {
			d.Image = dir
			return
		}
		problem = err.Error()
		d.fail(ctx.Err())
	}
	if notice != nil && d.err == nil {
		notice(fmt.Sprintf("the image %s is not used: %s; the job runs as plain processes of this machine", name, problem))
	}
}

// program leaves a perch-entrypoint that the submit description names in the
// image, and takes the one that Perch sends for all else.
func (d *describer) program(s engine.Submission) {
	named := d.text("executable")
	inImage := !d.flag("transfer_executable", true) && filepath.Base(named) == contract.ProgramName && filepath.IsAbs(named)
	if inImage && d.Image != "" {
		d.Program = named
		return
	}
	d.Executable = s.Entrypoint
	if info, err := os.Stat(s.Entrypoint); err != nil || !info.Mode().IsRegular() {
		d.fail(fmt.Errorf("there is no perch-entrypoint at %s to run in the job; build or install it", s.Entrypoint))
	}
}

// transfers collects the job's input files, which have to be there now, and the
// names of its output files.
func (d *describer) transfers(s engine.Submission) {
	const command = "transfer_input_files"
	taken := map[string]bool{contract.ProgramName: true, jobAdName: true, machineAdName: true}
	for _, item := range append(d.list(command), s.HostKey, s.AuthorizedKeys) {
		if strings.Contains(item, "://") {
			d.failAt(command, "%s needs a transfer plugin of HTCondor's; fetch the file yourself", item)
			continue
		}
		path := absolute(d.Iwd, item)
		if _, err := os.Stat(path); err != nil {
			d.failAt(command, "the input file %s does not exist or cannot be read; mend %s", path, command)
		}
		if contents := strings.HasSuffix(item, "/"); contents {
			path += "/"
		} else if name := filepath.Base(path); taken[name] {
			d.failAt(command, "the job would have two files called %s; rename one", name)
		} else {
			taken[name] = true
		}
		d.Transfer = append(d.Transfer, path)
	}
	for _, name := range d.list("transfer_output_files") {
		if name = strings.Trim(name, `"`); name == "" {
			continue
		}
		if !filepath.IsLocal(name) {
			d.failAt("transfer_output_files", "%s does not lie in the job's scratch directory", name)
		}
		d.TransferOutput = append(d.TransferOutput, name)
	}
}

func (d *describer) environmentAndSizes(s engine.Submission) {
	own, err := parseEnvironment(d.text("environment", "env"))
	if err != nil {
		d.failAt("environment", "reading environment: %w", err)
	}
	d.Environment = append(inherited(d.text("getenv"), os.Environ()), own...)
	d.Cpus = d.whole("request_cpus", 1, 1)
	if memory := d.text("request_memory"); memory != "" {
		d.Memory = size(memory, 1<<20)
	}
	if disk := d.text("request_disk"); disk != "" {
		d.Disk = size(disk, 1<<10)
	}
	d.Hold = d.flag("hold", false)
	d.Vacate = s.Vacate
	if d.Vacate <= 0 {
		d.Vacate = time.Duration(d.whole("job_max_vacate_time", 0, int(defaultVacate.Seconds()))) * time.Second
	}
}

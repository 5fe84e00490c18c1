package htcondor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
)

// Submit has condor_submit read the user's submit description twice: dry, to
// learn what it says, and then with Perch's lines behind it. condor_submit
// counts appended lines just before "queue", where they go before the file's.
func (e *Engine) Submit(ctx context.Context, s engine.Submission) (engine.Job, error) {
	dir := filepath.Dir(s.JDL)
	for _, path := range []string{s.HostKey, s.AuthorizedKeys, s.Entrypoint} {
		if strings.ContainsAny(path, ",$\n") {
			return engine.Job{}, fmt.Errorf("HTCondor cannot transfer %q: its path holds a comma or a \"$\"; set XDG_STATE_HOME to another folder, or install Perch elsewhere", path)
		}
	}
	said, err := e.dryRun(ctx, dir, s)
	if err != nil {
		return engine.Job{}, err
	}
	if err := inputsExist(said, dir); err != nil {
		return engine.Job{}, err
	}
	args := []string{"-terse"}
	for _, line := range appended(said, s) {
		args = append(args, "-a", line)
	}
	out, err := tool(ctx, dir, "condor_submit", append(args, s.JDL)...)
	if err != nil {
		return e.submittedAfterAll(ctx, s, fmt.Errorf("submitting %s: %w", s.JDL, err))
	}
	notice(s, string(out.stderr))
	id, err := parseTerse(string(out.stdout))
	if err != nil {
		return e.submittedAfterAll(ctx, s, err)
	}
	return e.lookUp(ctx, s, engine.Job{ID: id, State: engine.Idle, Since: time.Now(), Target: s.Target, Name: s.Name,
		Key: s.Fingerprint, Log: logOf(said, dir, s.Log)}), nil
}

// lookUp returns the job as the queue has it: with its log's real name, which
// may hold the job's number, and with what the administrator's rules say. A
// queue that does not answer now will later.
func (e *Engine) lookUp(ctx context.Context, s engine.Submission, j engine.Job) engine.Job {
	jobs, err := e.Find(ctx, s.Target)
	if err != nil {
		return j
	}
	for _, found := range jobs {
		if found.ID == j.ID {
			return found
		}
	}
	if s.Notice != nil {
		s.Notice(fmt.Sprintf("job %s is not among the jobs of %s that condor_q shows, so the next call will not find it; end it by condor_rm %s and ask your administrator which user it belongs to",
			j.ID, e.owner, j.ID))
	}
	return j
}

// lookLimit is how long the caller is kept, who may have no time left.
const lookLimit = 5 * time.Second

// submittedAfterAll looks for the job of a condor_submit that failed: it may
// have been cut off after the schedd had taken the job.
func (e *Engine) submittedAfterAll(ctx context.Context, s engine.Submission, cause error) (engine.Job, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookLimit)
	defer cancel()
	jobs, err := e.Find(ctx, s.Target)
	if err != nil {
		return engine.Job{}, cause
	}
	for _, j := range jobs {
		if j.Live() {
			return j, nil
		}
	}
	return engine.Job{}, cause
}

// keepImage has the workers use the image where it is, unless the user says
// otherwise.
const keepImage = "transfer_container=$(transfer_container:False)"

func (e *Engine) dryRun(ctx context.Context, dir string, s engine.Submission) (ad, error) {
	// A macro's default may not hold every character that a path may. An image
	// that is to be transferred would lose its path.
	out, err := tool(ctx, dir, "condor_submit", "-dry-run", "-",
		"-a", "PerchEntrypoint="+s.Entrypoint, "-a", "executable=$(executable:$(PerchEntrypoint))",
		"-a", keepImage, s.JDL)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.JDL, err)
	}
	said, count, err := parseDryRun(out.stdout)
	if err != nil {
		return nil, err
	}
	if count != 1 {
		return nil, fmt.Errorf("%s makes %d jobs, an editing session is exactly one; end it with a single line \"queue\"", s.JDL, count)
	}
	return said, nil
}

// inputsExist looks for the files to transfer: condor_submit does not, and the
// job would be held when it starts.
func inputsExist(said ad, dir string) error {
	if iwd := said.text("Iwd"); iwd != "" {
		dir = iwd
	}
	for _, name := range said.list("TransferInput") {
		if strings.Contains(name, "://") {
			continue
		}
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf("the input file %s does not exist; correct transfer_input_files", path)
		}
	}
	return nil
}

// appended returns Perch's lines of the submit description. What the user has
// set is kept wherever Perch can live with it.
func appended(said ad, s engine.Submission) []string {
	lines := []string{
		`arguments="init"`,
		"should_transfer_files=YES",
		"transfer_input_files=$(transfer_input_files)," + s.HostKey + "," + s.AuthorizedKeys,
		"encrypt_input_files=" + strings.Join(append(said.list("EncryptInputFiles"), contract.HostKeyFile), ","),
		"job_max_vacate_time=" + strconv.Itoa(int(s.Vacate.Seconds())),
		"batch_name=" + s.Name,
		"+" + contract.AttrEditorJob + "=True",
		"+" + contract.AttrTarget + "=" + quote(s.Target),
		"+" + contract.AttrName + "=" + quote(s.Name),
		"+" + contract.AttrKey + "=" + quote(s.Fingerprint),
		// An evicted editing job would start again somewhere, with nobody there.
		"requirements=($(requirements:True)) && ((NumJobStarts ?: 0) == 0)",
		"periodic_remove=($(periodic_remove:False)) || (NumJobStarts > 0 && JobStatus == 1)",
		// The user log is read in its text form.
		"log_xml=False",
		// False would mean SIGKILL without a SIGTERM before it.
		"want_graceful_removal=True",
	}
	if !inImage(said, s.Entrypoint) {
		lines = append(lines, "executable="+s.Entrypoint, "transfer_executable=True")
	}
	if !said.has("UserLog") {
		lines = append(lines, "log="+s.Log)
	}
	if !said.has("TransferOutput") {
		lines = append(lines, `transfer_output_files=""`)
	}
	if onWorkers(said.text("ContainerImage")) {
		lines = append(lines, keepImage)
	}
	lines = appendSeconds(lines, said, contract.AttrIdleTimeout, s.IdleTimeout)
	return appendSeconds(lines, said, contract.AttrIdleConnected, s.IdleConnected)
}

func appendSeconds(lines []string, said ad, attr string, d time.Duration) []string {
	if said.has(attr) || d < 0 {
		return lines
	}
	return append(lines, fmt.Sprintf("+%s=%d", attr, int(d.Seconds())))
}

// inImage says whether the user's own executable is the image's entrypoint, and
// not sent, the one that the dry run was given where the user names none: 23.9
// does not transfer that by itself.
func inImage(said ad, sent string) bool {
	cmd := said.text("Cmd")
	return said.isFalse("TransferExecutable") && cmd != sent && filepath.Base(cmd) == contract.ProgramName
}

// onWorkers says whether an image is one that the workers see themselves: on
// CVMFS, or a path at which this host has no file that could be transferred.
// An unpacked tree is never transferred: that would go file by file.
func onWorkers(image string) bool {
	if !strings.HasPrefix(image, "/") {
		return false
	}
	if strings.HasPrefix(image, "/cvmfs/") {
		return true
	}
	st, err := os.Stat(image)
	return err != nil || st.IsDir()
}

func logOf(said ad, dir, otherwise string) string {
	log := said.text("UserLog")
	if log == "" {
		return otherwise
	}
	if filepath.IsAbs(log) {
		return log
	}
	if iwd := said.text("Iwd"); iwd != "" {
		dir = iwd
	}
	return filepath.Join(dir, log)
}

// quote writes a ClassAd string literal. The values are Perch's own: hashes,
// names without special characters, fingerprints.
func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

var terse = regexp.MustCompile(`^(\d+\.\d+) - (\d+\.\d+)$`)

// parseTerse reads the answer of condor_submit -terse, "12.0 - 12.0".
func parseTerse(out string) (string, error) {
	m := terse.FindStringSubmatch(strings.TrimSpace(out))
	if m == nil || m[1] != m[2] {
		return "", fmt.Errorf("condor_submit answered %q instead of a job's number; look at condor_q", strings.TrimSpace(out))
	}
	return m[1], nil
}

// notice passes on what condor_submit warns of.
func notice(s engine.Submission, stderr string) {
	if s.Notice == nil {
		return
	}
	for line := range strings.Lines(stderr) {
		if said, ok := strings.CutPrefix(strings.TrimSpace(line), "WARNING:"); ok {
			s.Notice("condor_submit: " + strings.TrimSpace(said))
		}
	}
}

package smoke

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"perch/ci/internal/entrylayer"
	"perch/ci/internal/tool"
)

// htcondor runs an image as a real job of the pool that this machine submits to,
// by perch, as its users do.
type htcondor struct{}

func (htcondor) check(context.Context) error { return tool.Need("perch", "condor_submit") }

func (htcondor) start(_ context.Context, j *job, image, _ string) error {
	p := pooled{job: j, jdl: filepath.Join(j.dir, "smoke.jdl")}
	// A state of its own: whoever runs this may have jobs of the same image.
	j.client.env = []string{"XDG_STATE_HOME=" + filepath.Join(j.dir, "state"), "PERCH_ENGINE=htcondor"}
	j.ready, j.stop, j.output = p.up, p.end, p.logs
	j.kill = func() { _, _ = p.perch(context.Background(), "stop", p.jdl) }
	// The image's own entrypoint, not the one that perch would send.
	submit := fmt.Sprintf("executable = %s\ntransfer_executable = false\nuniverse = container\ncontainer_image = %s\nrequest_cpus = 1\nrequest_memory = 2 GB\nrequest_disk = 4 GB\nqueue\n", entrylayer.Program, image)
	return os.WriteFile(p.jdl, []byte(submit), 0o644)
}

// pooled is a job of a pool.
type pooled struct {
	*job
	jdl string
}

func (p pooled) perch(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "perch", args...)
	cmd.Env = append(os.Environ(), p.client.env...)
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		err = fmt.Errorf("perch %s: %s", args[0], text[strings.LastIndexByte(text, '\n')+1:])
	}
	return text, err
}

// up submits the job and waits for it.
func (p pooled) up(ctx context.Context) (string, error) {
	out, err := p.perch(ctx, "up", p.jdl)
	if err != nil {
		return "", err
	}
	configs, err := filepath.Glob(filepath.Join(p.dir, "state", "perch", "jobs", "*", "ssh_config"))
	if err != nil {
		return "", err
	}
	if len(configs) != 1 {
		return "", fmt.Errorf("perch has written %d ssh configurations", len(configs))
	}
	p.client.options = []string{"-F", configs[0], "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"}
	return out[strings.LastIndexByte(out, '\n')+1:], nil
}

// end has the job end.
func (p pooled) end(ctx context.Context) (string, error) {
	out, err := p.perch(ctx, "stop", p.jdl)
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(out, "has ended") {
		return "", errors.New(out)
	}
	return out, nil
}

// logs are the job's user log and what perch noted.
func (p pooled) logs() string {
	out, _ := p.perch(context.Background(), "logs", p.jdl)
	return out
}

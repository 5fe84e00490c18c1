package local

import (
	"fmt"
	"path/filepath"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
)

// description is what a job was submitted as: the file job.json. All paths are
// absolute.
type description struct {
	Cluster int `json:"cluster"`
	// Host is where the job runs; the queue may lie on a shared file system.
	Host      string    `json:"host"`
	Submitted time.Time `json:"submitted"`
	JDL       string    `json:"jdl"`
	Target    string    `json:"target"`
	Name      string    `json:"name"`
	Key       string    `json:"key"`
	Log       string    `json:"log"`

	// Image is the directory of the image, or "" for plain processes.
	Image string `json:"image,omitempty"`
	// Program is the job's executable in the image; else Executable is copied
	// into the scratch directory and run there.
	Program    string `json:"program,omitempty"`
	Executable string `json:"executable,omitempty"`

	// Iwd is where output files go.
	Iwd    string `json:"iwd"`
	Input  string `json:"input"`
	Output string `json:"output"`
	Error  string `json:"error"`
	// Transfer are files and directories that the job gets; with a slash at
	// the end, what is in the directory.
	Transfer []string `json:"transfer"`
	// TransferOutput are names in the scratch directory.
	TransferOutput []string `json:"transfer_output,omitempty"`

	Environment []string `json:"environment"`
	Cpus        int      `json:"cpus"`
	// Memory and Disk are expressions for the ad, in MiB and KiB.
	Memory string        `json:"memory,omitempty"`
	Disk   string        `json:"disk,omitempty"`
	Vacate time.Duration `json:"vacate"`
	Hold   bool          `json:"hold,omitempty"`
	// Ad is the text of the job's ad.
	Ad string `json:"ad"`
}

// id is the job's number as users write it.
func (d *description) id() string { return fmt.Sprintf("%d.0", d.Cluster) }

// slot is the name that the job's share of the machine has.
func (d *description) slot() string { return fmt.Sprintf("slot1_%d", d.Cluster) }

// address stands in the user log for the machine. HTCondor's readers of the log
// insist on the form of its daemons' addresses; no such daemon is there.
func (d *description) address() string { return "<127.0.0.1:0?alias=" + d.Host + ">" }

// command is the job's program with its arguments. A relative program lies in
// the scratch directory.
func (d *description) command() []string {
	if d.Program != "" {
		return []string{d.Program, "init"}
	}
	return []string{contract.ProgramName, "init"}
}

// job is what the rest of Perch gets to see.
func (e *entry) job() engine.Job {
	return engine.Job{
		ID: e.id(), State: e.status.State, Since: e.status.Since, Target: e.Target, Name: e.Name, Key: e.Key,
		Log: e.Log, Reason: e.status.Reason, Scratch: e.status.Scratch,
	}
}

// path returns the path of a file in the job's folder.
func (e *entry) path(name string) string { return filepath.Join(e.dir, name) }

package contract

// Version is the version of this contract. The entrypoint says it in its SSH
// banner (see Banner); the shim refuses a job that speaks another one.
const Version = 1

// Names in the job's scratch directory.
const (
	// Dir is the entrypoint's own directory, mode 0700, in the job home.
	Dir = ".perch"
	// SocketName is the unix socket in Dir on which SSH is served.
	SocketName = "sock"
	// ProgramName is the static copy of the entrypoint in Dir. It runs inside
	// and outside of the job's container.
	ProgramName = "perch-entrypoint"
	// StatusName is the job's state in Dir as JSON, see Status.
	StatusName = "status.json"
	// LogName is the entrypoint's log in Dir.
	LogName = "log"
	// HostKeyName and AuthorizedKeysName are the keys in Dir.
	HostKeyName        = "host_key"
	AuthorizedKeysName = "authorized_keys"
)

// Names of the files that the shim sends by file transfer. They arrive at the
// top of the scratch directory.
const (
	// HostKeyFile is the job's SSH host key, an OpenSSH private key file.
	// The shim has it transferred encrypted.
	HostKeyFile = "perch_host_key"
	// AuthorizedKeysFile lists the public keys that may log in, in the format
	// of sshd(8), AUTHORIZED_KEYS FILE FORMAT.
	AuthorizedKeysFile = "perch_authorized_keys"
)

// Attributes of the job's ad. HTCondor shows the ad to the job in the file that
// EnvJobAd names. Times are whole seconds.
const (
	// AttrTarget is the hash that ties a job to the user's target.
	AttrTarget = "PerchTarget"
	// AttrName is the target's name for people.
	AttrName = "PerchName"
	// AttrKey is the fingerprint of the job's host key, as ssh-keygen -l
	// prints it. With it the shim knows whether it still has the key.
	AttrKey = "PerchHostKey"
	// AttrEditorJob marks an editing job, for the administrator's rules.
	AttrEditorJob = "EditorJob"
	// AttrIdleTimeout ends a job to which nobody has been connected for so
	// long. Absent: DefaultIdleTimeout. 0: never.
	AttrIdleTimeout = "PerchIdleTimeout"
	// AttrIdleConnected ends a job whose connections have moved no byte of
	// exec, pty or forward for so long. Absent or 0: never.
	AttrIdleConnected = "PerchIdleConnected"
	// AttrGreeting says whether a terminal's shell begins with a few lines
	// about the job. Absent: true.
	AttrGreeting = "PerchGreeting"
	// AttrSysroot is a directory with newer C and C++ libraries and patchelf,
	// for images whose own are too old for an IDE's server.
	AttrSysroot = "PerchSysroot"
	// AttrIDECache is a directory of IDE servers that are linked into the job
	// home, as perch-entrypoint cache makes it.
	AttrIDECache = "PerchIDECache"
)

// DefaultIdleTimeout is the value of AttrIdleTimeout, in seconds, where the job
// ad has none.
const DefaultIdleTimeout = 30 * 60

// Environment variables that the entrypoint reads; all of them are HTCondor's.
const (
	// EnvScratch is the job's scratch directory. It goes before HOME.
	EnvScratch = "_CONDOR_SCRATCH_DIR"
	// EnvJobAd and EnvMachineAd name the files of the job's and slot's ads.
	EnvJobAd     = "_CONDOR_JOB_AD"
	EnvMachineAd = "_CONDOR_MACHINE_AD"
)

// CommandCarry is perch-entrypoint's command for one connection of a carrier.
const CommandCarry = "carry"

// CarryEnded is the last line on the standard error of CommandCarry, whatever
// its end. Where condor_ssh_to_job enters a container by condor_docker_enter
// (HTCondor 25), nobody else tells of that end: the session stays, and the job
// with it.
const CarryEnded = "perch-entrypoint: the connection to the job's socket has ended"

// Words of an SSH session with the entrypoint.
const (
	// ControlUser is the user name of connections that Perch itself makes.
	// They may open Subsystem and nothing else, and do not count as somebody
	// being connected. Every other user name is the user's.
	ControlUser = "perch-control"
	// Subsystem is the SSH subsystem (RFC 4254, 6.5) on which Perch gives its
	// commands, one a line; each is answered by one line.
	Subsystem = "perch"
	// CommandStop asks the job to end.
	CommandStop = "stop"
	// ReplyOK answers a command that was taken.
	ReplyOK = "ok"
)

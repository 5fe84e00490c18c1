package contract

// Exit codes of perch-entrypoint. HTCondor writes them into the user log
// (event 005), so the shim can say what happened.
const (
	// ExitOK: idle, asked to end, or ended by SIGTERM.
	ExitOK = 0
	// ExitFailure: anything without a code of its own; the job's error output
	// has the line.
	ExitFailure = 1
	// ExitUsage: the command line was not understood (sysexits.h, EX_USAGE).
	ExitUsage = 64
	// ExitNoKeys: the transferred keys are missing or cannot be read.
	ExitNoKeys = 71
	// ExitNoHome: there is no scratch directory that can be written.
	ExitNoHome = 72
	// ExitNoSocket: the socket could not be made.
	ExitNoSocket = 73
)

// ExitText says in a few words what an exit code of the entrypoint means, or
// "" where the code is not one of its own.
func ExitText(code int) string {
	return map[int]string{
		ExitNoKeys:   "the job got no keys",
		ExitNoHome:   "the job has no scratch directory that it can write",
		ExitNoSocket: "the job could not make its socket",
	}[code]
}

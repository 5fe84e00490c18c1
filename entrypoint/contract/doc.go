// Package contract is all that the entrypoint, the shim and ci must agree on:
// names of files, job attributes, exit codes, and the words on the wire. It
// imports the standard library alone.
//
// The exchange, from the submit host (left) to the job (right):
//
//	shim                          HTCondor, or the local engine        entrypoint
//	────                          ─────────────────────────────        ──────────
//	makes HostKeyFile and
//	AuthorizedKeysFile   ──────▶  file transfer, encrypted    ──────▶  init starts serve; serve moves
//	and sets Attr… in the         the job ad file             ──────▶  both into Dir and reads Attr…
//	job's ad
//
//	                                                                   serve listens on Dir/SocketName
//	                                                                   and writes Dir/StatusName
//
//	keep opens the carrier ────▶  condor_ssh_to_job -L …      ──────▶  Dir/SocketName
//	keep reads the banner  ◀───────────────────────────────────────    "SSH-2.0-OpenSSH_Perch_<Version>"
//	(where the carrier may
//	not forward: Dir/ProgramName stdio, once per connection)
//
//	ssh, sftp, rsync …     ◀──────────────────────────────────────▶    an SSH session as User: exec, pty,
//	                                                                   forwards, sftp
//	perch stop             ───────────────────────────────────────▶    an SSH session as ControlUser, subsystem
//	                                                                   Subsystem: one line CommandStop
//	                       ◀───────────────────────────────────────    one line, ReplyOK or "error: …";
//	                                                                   the job ends with ExitOK
//
// Who deletes what: serve removes the two transferred files from the top of the
// scratch directory before it listens; HTCondor removes the scratch directory
// when the job has ended; the shim keeps its own copies of the keys.
package contract

// Package pool builds and boots one-machine HTCondor pools with Apptainer, for
// tests that need the real thing. A pool is one runc container made from
// Debian's packages; nothing in it stands in for HTCondor:
//
//	this machine (root)                 the pool: pid, network, mount namespaces of its own
//	───────────────────                 ──────────────────────────────────────────────────
//	Start: overlay over a cached root   pool-init ── condor_master ── collector, negotiator,
//	       runc run            ───────▶               schedd, startd; Apptainer; OpenSSH
//	Command: runc exec         ───────▶ a program as root, alice or bob
//	Dir()                      ◀──────▶ /host
//	Images()                   ◀──────▶ /images   (shared by all pools)
//	Root()                     ◀──────▶ /
//
// The root file system is built once per version by mmdebstrap, from the Debian
// mirror that this machine's apt uses, and kept below the cache directory (see
// CacheDir); a pool writes into an overlay of its own, which ends with it. So
// each pool starts from nothing, and several run side by side.
//
// A developer keeps a pool by hand with the command in cmd/pool.
package pool

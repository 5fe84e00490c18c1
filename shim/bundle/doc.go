// Package bundle runs a job's program in a container the way a batch system
// does: it writes an OCI bundle (opencontainers/runtime-spec) around an
// unpacked image and has runc run it.
//
// What the program finds is what HTCondor with Apptainer gives it: its user's
// uid, no capabilities and no way to get any, a read-only root, a scratch
// directory as HOME under the same path as outside, /tmp and /var/tmp that end
// with the job, namespaces of its own for pid, ipc, uts and mounts, and the
// machine's network. The image is never modified, and no mount point need
// exist in it:
//
//	bundle directory               what it is
//	────────────────               ──────────
//	config.json                    the bundle's configuration, for runc
//	rootfs/                        a skeleton: empty directories and links, on
//	  usr/  etc/  bin -> usr/bin   which the image's entries are mounted,
//	  home/alice/dir_1/            and the scratch directory at its own path
//	runc/                          runc's state, as long as the container runs
//	runc.log                       what runc had to say
//
// Without root, runc wants uid 0 in its user namespace. The program must not
// be uid 0 (tar would try to give files away, and fail), so that one more user
// namespace, in which the user has the own uid again, is put inside by a first
// process, see launch.go.
//
// Use: Works says whether all this can be done here; Make writes a bundle;
// Command runs it; Kill ends it, also from another process, which gets hold of
// it by Open.
package bundle

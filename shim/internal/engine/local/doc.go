// Package local is the engine that runs jobs on this machine, for a newcomer, a
// laptop and a test. It needs neither HTCondor nor root.
//
// The submit description is the same as for HTCondor. Of it count: universe
// (vanilla, container, docker), container_image or docker_image, executable
// with transfer_executable, initialdir, input, output, error, log, environment,
// getenv, request_cpus, request_memory and request_disk (written into the ads
// only), transfer_input_files, transfer_output_files, job_max_vacate_time,
// hold, and attributes by + and My. Everything else, such as requirements, says
// something about a pool and is not looked at.
//
// An image that is a directory on this machine is run by package bundle, where
// runc works; else the job is a plain process group, and a line says so.
//
//	$XDG_STATE_HOME/perch/
//	  execute/dir_12/         the scratch directory of job 12.0, gone when it has ended
//	  local/lock              held while any of what follows is changed
//	  local/next              the next job's number
//	  local/jobs/12/          0700, one folder per job; some are kept after their end
//	    job.json              what was submitted; never changes
//	    status.json           what has become of it
//	    stdout stderr         the job's, unless the submit description names files
//	    starter.log           the starter's own last words
//	    bundle/               the container
//
// Each job has a starter, a process of its own ("perch local-starter FOLDER")
// that outlives the one that submitted the job: it waits until there are cores
// to be had, sets up the scratch directory, runs the job, writes the user log
// and cleans up. If the starter is killed, the kernel asks the job to end, and
// whoever next looks at the queue ends what is left and puts down the end.
//
// Jobs wait for each other's cores: see EnvCPUs.
package local

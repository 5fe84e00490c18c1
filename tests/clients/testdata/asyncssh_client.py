"""AsyncSSH at the tasks of the client matrix: run COMMAND, put LOCAL REMOTE, get REMOTE LOCAL."""

import asyncio
import logging
import os
import sys

import asyncssh


async def main(task, *args):
    async with asyncssh.connect(os.environ["ALIAS"], username="job", client_keys=[os.environ["KEY"]], agent_path=None,
                                known_hosts=os.path.expanduser("~/.ssh/known_hosts"), config=None,
                                proxy_command="perch proxy JDL:~/job.jdl") as conn:
        if task == "run":
            done = await conn.run(*args)
            sys.stdout.write(done.stdout)
            sys.stderr.write(done.stderr)
            return done.exit_status
        async with conn.start_sftp_client() as sftp:
            await {"put": sftp.put, "get": sftp.get}[task](*args, preserve=True, recurse=True)
    return 0


# asyncio warns when the end of perch proxy was seen by another of its parts first.
logging.getLogger("asyncio").setLevel(logging.ERROR)
sys.exit(asyncio.run(main(*sys.argv[1:])))

"""Paramiko at the tasks of the client matrix: run COMMAND, put LOCAL REMOTE, get REMOTE LOCAL."""

import os
import stat
import sys

import paramiko


def keep(info, chmod, utime, path):
    chmod(path, stat.S_IMODE(info.st_mode))
    utime(path, (info.st_atime, info.st_mtime))


def put(sftp, local, remote):
    if os.path.isdir(local):
        sftp.mkdir(remote)
        for name in os.listdir(local):
            put(sftp, f"{local}/{name}", f"{remote}/{name}")
    else:
        sftp.put(local, remote)
        keep(os.stat(local), sftp.chmod, sftp.utime, remote)


def get(sftp, remote, local):
    info = sftp.stat(remote)
    if stat.S_ISDIR(info.st_mode):
        os.mkdir(local)
        for name in sftp.listdir(remote):
            get(sftp, f"{remote}/{name}", f"{local}/{name}")
    else:
        sftp.get(remote, local)
        keep(info, os.chmod, os.utime, local)


def run(client, command):
    _, stdout, stderr = client.exec_command(command)
    sys.stdout.buffer.write(stdout.read())
    sys.stderr.buffer.write(stderr.read())
    return stdout.channel.recv_exit_status()


def main(task, *args):
    client = paramiko.SSHClient()
    client.load_host_keys(os.path.expanduser("~/.ssh/known_hosts"))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(os.environ["ALIAS"], username="job", key_filename=os.environ["KEY"], allow_agent=False,
                   look_for_keys=False, sock=paramiko.ProxyCommand("perch proxy JDL:~/job.jdl"))
    with client:
        if task == "run":
            return run(client, *args)
        with client.open_sftp() as sftp:
            {"put": put, "get": get}[task](sftp, *args)
    return 0


sys.exit(main(*sys.argv[1:]))

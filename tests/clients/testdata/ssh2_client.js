// ssh2 at the tasks of the client matrix: run COMMAND, put LOCAL REMOTE, get REMOTE LOCAL.
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const path = require('path');
const { Duplex } = require('stream');
const { promisify } = require('util');
const { Client } = require('ssh2');

const [task, ...args] = process.argv.slice(2);
const method = (object, name) => promisify(object[name]).bind(object);

async function put(sftp, local, remote) {
  const info = fs.statSync(local);
  if (info.isDirectory()) {
    await method(sftp, 'mkdir')(remote);
    for (const name of fs.readdirSync(local)) await put(sftp, path.join(local, name), path.join(remote, name));
    return;
  }
  await method(sftp, 'fastPut')(local, remote);
  await method(sftp, 'chmod')(remote, info.mode & 0o7777);
  await method(sftp, 'utimes')(remote, info.atime, info.mtime);
}

async function get(sftp, remote, local) {
  const info = await method(sftp, 'stat')(remote);
  if (info.isDirectory()) {
    fs.mkdirSync(local);
    for (const { filename } of await method(sftp, 'readdir')(remote))
      await get(sftp, path.join(remote, filename), path.join(local, filename));
    return;
  }
  await method(sftp, 'fastGet')(remote, local);
  fs.chmodSync(local, info.mode & 0o7777);
  fs.utimesSync(local, info.atime, info.mtime);
}

async function run(client, command) {
  const stream = await method(client, 'exec')(command);
  stream.pipe(process.stdout);
  stream.stderr.pipe(process.stderr);
  return new Promise(resolve => stream.on('close', resolve));
}

const [, , known] = fs.readFileSync(`${process.env.HOME}/.ssh/known_hosts`, 'utf8').trim().split(' ');
const proxy = spawn('perch', ['proxy', 'JDL:~/job.jdl'], { stdio: ['pipe', 'pipe', 'inherit'] });
const client = new Client();
const failed = error => { console.error(String(error)); process.exit(1); };
let done = false;
client.on('error', failed);
client.on('close', () => done || failed('the connection has ended'));
client.on('ready', async () => {
  try {
    const code = task === 'run' ? await run(client, ...args)
      : await { put, get }[task](await method(client, 'sftp')(), ...args) || 0;
    done = true;
    process.exitCode = code;
    client.end();
  } catch (error) { failed(error); }
});
client.connect({
  sock: Duplex.from({ writable: proxy.stdin, readable: proxy.stdout }), username: 'job',
  privateKey: fs.readFileSync(process.env.KEY), hostVerifier: key => key.toString('base64') === known,
});

// Holds open-remote-ssh's conversation by the ssh2 library, over a ProxyCommand
// that it starts itself, without a shell. Arguments: a JSON object.
'use strict';
const { spawn } = require('child_process');
const { Duplex } = require('stream');
const fs = require('fs');
const { Client } = require('ssh2');

const { proxy, key, hostKey, script, liveSocket, deadSocket, agent } = JSON.parse(process.argv[2]);
const conn = new Client();

const exec = (command, options = {}) => new Promise((resolve, reject) => {
  conn.exec(command, options, (err, stream) => {
    if (err) return reject(err);
    let stdout = '', stderr = '';
    stream.on('data', d => { stdout += d; }).stderr.on('data', d => { stderr += d; });
    stream.on('close', (code, signal) => resolve({ stdout, stderr, code, signal }));
  });
});

// Asks for /version; the channel's close comes only after both sides have ended.
const get = stream => new Promise(resolve => {
  let answer = '';
  stream.on('data', d => { answer += d; }).on('end', () => { stream.end(); resolve(/\b[0-9a-f]{40}\b/.exec(answer)?.[0]); });
  stream.write('GET /version HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n');
});
const toPort = port => new Promise((resolve, reject) =>
  conn.forwardOut('127.0.0.1', 0, '127.0.0.1', port, (err, s) => err ? reject(err) : resolve(s)));
const toSocket = path => new Promise((resolve, reject) =>
  conn.openssh_forwardOutStreamLocal(path, (err, s) => err ? reject(err) : resolve(s)));
const refusal = p => p.then(() => 'open', err => err.message);

conn.on('ready', async () => {
  // What has been asked last stands on standard error, should no answer come.
  const said = new Proxy({}, { set: (o, k, v) => { console.error('has', k); o[k] = v; return true; } });
  said.platform = (await exec('uname -s')).stdout.trim();
  // The whole install script is one exec string of tens of kilobytes.
  const padded = script + '\n#' + 'x'.repeat(36000);
  const install = await exec(`echo ${Buffer.from(padded).toString('base64')} | base64 -d | bash -l`);
  said.install = install.stdout;
  said.code = (await exec('echo out; echo err >&2; exit 7'));
  said.signal = (await exec('kill -TERM $$')).signal;
  const port = Number(/listeningOn==(\d+)==/.exec(install.stdout)?.[1]);
  said.port = await get(await toPort(port));
  said.ports = await Promise.all([1, 2, 3, 4].map(async () => get(await toPort(port))));
  said.execs = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(async n => (await exec(`echo ${n}`)).stdout.trim()));
  said.closedPort = await refusal(toPort(1));
  said.closedSocket = await refusal(toSocket(deadSocket));
  said.socket = await get(await toSocket(liveSocket));
  said.agent = (await exec('ssh-add -l', { agentForward: true })).stdout;
  const pty = await exec('stty size; tty >&2; exit 3', { pty: { rows: 40, cols: 132, term: 'xterm' } });
  said.pty = `${pty.stdout.split('\r\n')[0]} ${/\/dev\/pts\/\d+\r\n$/.test(pty.stdout)} ${pty.code}`;
  process.stdout.write(JSON.stringify(said));
  conn.end();
}).on('close', () => process.exit(0)).on('error', err => { console.error(err); process.exit(1); });

const child = spawn(proxy[0], proxy.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
conn.connect({
  sock: Duplex.from({ writable: child.stdin, readable: child.stdout }),
  username: 'user', privateKey: fs.readFileSync(key), agent, readyTimeout: 60000,
  strictVendor: false, // else it asks for sockets only where the server calls itself OpenSSH
  hostVerifier: k => k.toString('base64') === hostKey,
});

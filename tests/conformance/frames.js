// Runs a command by the ssh2 library, takes none of its output before the exit
// status or signal is there, and prints what the server sends of the channel,
// message for message, as the library has read them off the wire.
// Arguments: the server's socket, the file of the key, the command.
'use strict';
const fs = require('fs');
const net = require('net');
const { Client } = require('ssh2');

const [socket, key, command] = process.argv.slice(2);
const frames = [];
let bytes = 0;
const conn = new Client();
conn.on('ready', () => conn.exec(command, (err, stream) => {
  if (err) throw err;
  stream.on('exit', () => stream.on('data', d => { bytes += d.length; }));
  stream.on('close', () => {
    process.stdout.write(JSON.stringify({ frames, bytes }));
    conn.end();
  });
})).connect({
  sock: net.connect(socket), username: 'user', privateKey: fs.readFileSync(key), readyTimeout: 60000,
  debug(line) {
    const message = /^Inbound: (?:CHANNEL_(DATA|EOF|CLOSE)|CHANNEL_REQUEST) \(r:\d+(?:, (exit-\w+): .*|, \d+)?\)$/.exec(line);
    if (message) frames.push(message[1] ?? message[2]);
  },
});

#!/bin/sh
# What Remote - SSH's script does since the exec server, run in a sub-shell, where
# the remote reaches no internet: the client is asked to download, copies what it
# has by scp, and leaves a flag beside it. Microsoft's CLI cannot be had; its place
# has the server that it starts, in the folder where the CLI unpacks it. These
# words are set: the conversation's and the server's name, and the commit.
id=@ID@
commit=@COMMIT@
name=@NAME@

echo "$id: running"
echo "Script executing under PID: $$"
VSCODE_AGENT_FOLDER=$HOME/.vscode-server
archive=$VSCODE_AGENT_FOLDER/vscode-server-$name.tar.gz
server=$VSCODE_AGENT_FOLDER/cli/servers/Stable-$commit/server
data=$VSCODE_AGENT_FOLDER/$name
log=$VSCODE_AGENT_FOLDER/.$name.log
mkdir -p "$VSCODE_AGENT_FOLDER" "$server" "$data"

echo "$id:trigger_server_download"
echo "artifact==server-linux-x64=="
echo "destFolder==$VSCODE_AGENT_FOLDER=="
echo "destFolder2==/vscode-server-$name.tar.gz=="
echo "$id:trigger_server_download_end"
echo "Waiting for client to transfer server archive..."
while [ ! -f "$archive.done" ] || [ ! -f "$archive" ]; do
	sleep 0.1
done
echo "Found flag and server on host"

echo "$id%%2%%"
tar -xzf "$archive" --strip-components=1 -C "$server"
unpacked=$?
rm "$archive" "$archive.done"

# As the CLI does, the server ends with the shell that started it.
"$server/bin/code-server-oss" --start-server --host=127.0.0.1 --port=0 --accept-server-license-terms \
	--telemetry-level off --connection-token-file "$VSCODE_AGENT_FOLDER/token" --server-data-dir "$data" \
	</dev/null >"$log" 2>&1 &
pid=$!
echo "$pid" >"$VSCODE_AGENT_FOLDER/.$name.pid"
port=
while [ -z "$port" ] && kill -0 "$pid" 2>/dev/null; do
	sleep 0.03
	port=$(sed -n 's/^Extension host agent listening on //p' "$log")
done

echo "$id: start"
echo "exitCode==$([ -n "$port" ] && echo 0 || echo 200)=="
echo "listeningOn==127.0.0.1:$port=="
echo "osReleaseId==$(sed -n 's/^ID=//p' /etc/os-release)=="
echo "arch==$(uname -m)=="
echo "vscodeArch==x64=="
echo "bitness==$(getconf LONG_BIT)=="
echo "tmpDir==${XDG_RUNTIME_DIR:-/tmp}=="
echo "platform==linux=="
echo "unpackResult==$([ "$unpacked" = 0 ] && echo success || echo error)=="
echo "didLocalDownload==1=="
echo "SSH_AUTH_SOCK==$SSH_AUTH_SOCK=="
echo "DISPLAY==$DISPLAY=="
echo "$id: end"

trap '' PIPE
while printf ' ' 2>/dev/null; do
	sleep 1
done
kill "$pid"
rm "$VSCODE_AGENT_FOLDER/.$name.pid"

#!/bin/sh
# What Remote - SSH's script does on the remote once the server is unpacked
# there. It comes on the standard input of a shell, with these four words in it.
id=@ID@
commit=@COMMIT@
name=@NAME@
listen='@LISTEN@'

echo "$id: running"
agent=$HOME/.vscode-server
base=$agent/.$name
data=$agent/$name

# A server that is there already is taken, as the script does by its pid file.
if ! kill -0 "$(cat "$base.pid" 2>/dev/null)" 2>/dev/null; then
	mkdir -p "$data"
	# shellcheck disable=SC2086 # listen are words
	"$agent/bin/$commit/bin/code-server-oss" --start-server $listen --accept-server-license-terms \
		--enable-remote-auto-shutdown --telemetry-level off --connection-token-file "$agent/token" \
		--server-data-dir "$data" </dev/null >"$base.log" 2>&1 &
	echo "$!" >"$base.pid"
fi
server=$(cat "$base.pid")
port=
while [ -z "$port" ] && kill -0 "$server" 2>/dev/null; do
	port=$(sed -n 's/^Extension host agent listening on //p' "$base.log")
	[ -n "$port" ] || sleep 0.1
done

echo "$id: start"
echo "exitCode==$([ -n "$port" ] && echo 0 || echo 200)=="
echo "listeningOn==$port=="
echo "osReleaseId==$(sed -n 's/^ID=//p' /etc/os-release)=="
echo "arch==$(uname -m)=="
echo "platform==linux=="
echo "tmpDir==${XDG_RUNTIME_DIR:-/tmp}=="
echo "serverPid==$server=="
echo "SSH_AUTH_SOCK==$SSH_AUTH_SOCK=="
echo "DISPLAY==$DISPLAY=="
echo "$id: end"

while true; do
	sleep 180
	printf ' '
done

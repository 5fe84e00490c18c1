# Starts the VS Code server in ~/ide with its socket at $socket, says "listening"
# once it does, and ends it when the standard input ends.
cd "$HOME" || exit
socket=/tmp/smoke-ide.sock
: >ide.log # it is looked into before the server may have opened it
# A group of its own: the server's launcher has children.
set -m
ide/bin/code-server* --start-server --accept-server-license-terms --telemetry-level off \
	--connection-token smoke --socket-path "$socket" --server-data-dir "$HOME/ide-data" </dev/null >ide.log 2>&1 &
server=$!
set +m
until grep -q '^Extension host agent listening on ' ide.log; do
	kill -0 "$server" 2>/dev/null || { tail -n 5 ide.log; exit 1; }
	sleep 0.1
done
echo listening
cat >/dev/null
kill -- "-$server"
for _ in $(seq 100); do
	kill -0 -- "-$server" 2>/dev/null || { echo stopped; exit; }
	sleep 0.1
done

package smoke

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"time"
)

//go:embed ideserver.sh
var ideScript string

// ideTime is how long the server may take to be sent, to start and to stop.
const ideTime = 3 * time.Minute

// checkIDEServer sends a VS Code server into the job, starts it there, opens its
// workbench through a forward, and has it stop.
func checkIDEServer(ctx context.Context, j *job) (string, error) {
	if j.ideServer == "" {
		return "", notTried{"no server to try it with; name an archive of one with --ide-server"}
	}
	ctx, cancel := context.WithTimeout(ctx, ideTime)
	defer cancel()
	if err := sendIDE(ctx, j); err != nil {
		return "", fmt.Errorf("unpacking the server in the job: %w", err)
	}
	forward := filepath.Join(j.dir, "ide.sock")
	cmd := j.client.prepared(ctx, "ssh", "-T", "-o", "ExitOnForwardFailure=yes", "-L", forward+":/tmp/smoke-ide.sock", host, ideScript)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	lines := bufio.NewReader(stdout)
	if line, err := lines.ReadString('\n'); line != "listening\n" {
		rest, _ := io.ReadAll(io.LimitReader(lines, most))
		return "", fmt.Errorf("the server does not start (%v): %s%s", err, line, rest)
	}
	version, err := openWorkbench(ctx, forward)
	if err != nil {
		return "", err
	}
	stdin.Close()
	if line, err := lines.ReadString('\n'); line != "stopped\n" {
		return "", fmt.Errorf("the server does not stop: %q, %v", line, err)
	}
	return "commit " + version, nil
}

func sendIDE(ctx context.Context, j *job) error {
	archive, err := os.Open(j.ideServer)
	if err != nil {
		return err
	}
	defer archive.Close()
	cmd := j.client.prepared(ctx, "ssh", "-T", host, "exec 2>&1; mkdir ide && gzip -dc | tar -x -C ide && mv ide/*/* ide")
	var out bounded
	cmd.Stdin, cmd.Stdout = archive, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, out.String())
	}
	return nil
}

// openWorkbench asks the server behind a socket for its version and for the
// workbench.
func openWorkbench(ctx context.Context, socket string) (version string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Jar: jar}
	if version, err = get(ctx, client, "http://localhost/version"); err != nil {
		return "", err
	}
	page, err := get(ctx, client, "http://localhost/?tkn=smoke")
	if err == nil && !strings.Contains(page, "workbench") {
		err = errors.New("the server's page is no workbench")
	}
	return version, err
}

// get returns what is at an address, of which the job decides: not without end.
func get(ctx context.Context, client http.Client, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the server answers with %s", response.Status)
	}
	return string(body), err
}

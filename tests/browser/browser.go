// Package browser opens VS Code's workbench, and Perch's own pages, in a real,
// headless Chromium, and does there what a user does. What does not come to pass within two minutes ends
// the test, with a screenshot left behind.
package browser

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"perch/tests/pool"
	"perch/tests/vscode"
)

//go:embed driver.js
var driver []byte

// Window is a window of Chromium. Its methods end the test if they fail.
type Window struct {
	t       testing.TB
	in      io.Writer
	answers *bufio.Scanner
	dir     string
}

// Start starts Chromium, which ends with the test. Everything, loopback too,
// goes through proxy, such as socks5://127.0.0.1:1080, unless that is "".
func Start(t testing.TB, proxy string) *Window {
	t.Helper()
	pool.Requires(t, "chromium", "fonts-dejavu-core")
	node, modules := vscode.Node(t)
	dir := t.TempDir()
	script := filepath.Join(dir, "driver.js")
	if err := os.WriteFile(script, driver, 0o600); err != nil {
		t.Fatal(err)
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, script, chromium, proxy)
	cmd.Env = append(os.Environ(), "HOME="+dir, "TMPDIR="+dir, "NODE_PATH="+modules)
	cmd.Stderr = os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil || cmd.Start() != nil {
		t.Fatalf("starting %q: %v, %v", cmd.Args, errIn, errOut)
	}
	t.Cleanup(func() {
		in.Close()
		kill := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the driver of Chromium: %v", err)
		}
	})
	return &Window{t: t, in: in, answers: bufio.NewScanner(out), dir: t.ArtifactDir()}
}

type request struct {
	Step string `json:"step"`
	URL  string `json:"url,omitempty"`
	File string `json:"file,omitempty"`
	Text string `json:"text,omitempty"`
	Want string `json:"want,omitempty"`
	// Width, Height and Scheme are for how a page is seen.
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Scheme string `json:"scheme,omitempty"`
}

// do takes a step and returns its value as JSON.
func (w *Window) do(r request) json.RawMessage {
	w.t.Helper()
	value, failed := w.ask(r)
	if failed != "" {
		shot := filepath.Join(w.dir, "failed.png")
		w.ask(request{Step: "screenshot", File: shot})
		w.t.Fatalf("%s %s%s%s: %s\n%s shows it (go test -artifacts keeps it)", r.Step, r.URL, r.File, r.Text, failed, shot)
	}
	return value
}

func (w *Window) ask(r request) (value json.RawMessage, failed string) {
	line, err := json.Marshal(r)
	if err == nil {
		_, err = w.in.Write(append(line, '\n'))
	}
	var answer struct {
		Value json.RawMessage
		Error string
	}
	switch {
	case err != nil:
		return nil, err.Error()
	case !w.answers.Scan():
		return nil, "the driver of Chromium has ended"
	}
	if err := json.Unmarshal(w.answers.Bytes(), &answer); err != nil {
		return nil, err.Error()
	}
	return answer.Value, answer.Error
}

// Open goes to a workbench and waits until its explorer shows file.
func (w *Window) Open(url, file string) {
	w.t.Helper()
	w.do(request{Step: "open", URL: url, File: file})
}

// Reload reloads the window and waits until its explorer shows file.
func (w *Window) Reload(file string) { w.t.Helper(); w.do(request{Step: "reload", File: file}) }

// Terminal opens a new terminal, which becomes the active one.
func (w *Window) Terminal() { w.t.Helper(); w.do(request{Step: "terminal"}) }

// Answers types a line into the window's terminals, one after the other, until
// one shows want. A window that settles may open a second terminal by itself,
// which comes to the front.
func (w *Window) Answers(line, want string) {
	w.t.Helper()
	w.do(request{Step: "answers", Text: line, Want: want})
}

// Run types a line in the active terminal, and Enter.
func (w *Window) Run(line string) { w.t.Helper(); w.do(request{Step: "run", Text: line}) }

// Shows waits until the active terminal shows text; white space does not count.
func (w *Window) Shows(text string) { w.t.Helper(); w.do(request{Step: "shows", Text: text}) }

// Edit opens a file of the explorer, adds text at its end and saves it.
func (w *Window) Edit(file, text string) {
	w.t.Helper()
	w.do(request{Step: "edit", File: file, Text: text})
}

// Mark marks the page. The mark goes when the page is loaded anew.
func (w *Window) Mark() { w.t.Helper(); w.do(request{Step: "mark"}) }

// Marked says whether the page has its mark.
func (w *Window) Marked() bool { w.t.Helper(); return string(w.do(request{Step: "marked"})) == "true" }

// Says waits until a dialog or a notification of the workbench has text in it.
func (w *Window) Says(text string) { w.t.Helper(); w.do(request{Step: "says", Text: text}) }

// Screenshot puts a picture of the window into the test's artefacts and returns
// its path. See go help testflag, -artifacts.
func (w *Window) Screenshot(name string) string {
	w.t.Helper()
	file := filepath.Join(w.dir, name)
	w.do(request{Step: "screenshot", File: file})
	return file
}

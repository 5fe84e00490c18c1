// Package say writes Perch's messages, and is the only part of the shim that
// writes to stderr. Style:
//
//   - Every line begins with the program, as "perch: ", is lower case and ends without a full
//     stop. One message is one line, whatever the text that it quotes.
//   - A refusal says what to do next, in its own words or in a line
//     "perch: hint: …" after it.
//   - Text from elsewhere (HTCondor, a JDL, a job) is shown with its control
//     characters made visible, so that it cannot play tricks on a terminal.
//   - stdout belongs to the remote side. Nothing is ever written there.
package say

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Printer writes messages. Its methods may be called from several goroutines.
type Printer struct {
	w io.Writer
	// prefix begins each line.
	prefix string
	// repeat is how often a line of progress that has not changed is written
	// where there is no terminal.
	repeat time.Duration
	// width returns the columns of the terminal, 0 where w is none.
	width func() int

	mu       sync.Mutex
	progress *Progress
}

// New returns a printer for w, which is the stderr of the program of this name.
// On a terminal it shows progress in one changing line; elsewhere it writes the
// line again after repeat.
func New(program string, w io.Writer, repeat time.Duration) *Printer {
	p := &Printer{w: w, prefix: program + ": ", repeat: repeat, width: func() int { return 0 }}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return p
	}
	p.width = func() int {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
		return 80
	}
	return p
}

// ForUser is the printer of the programs that users wait for.
func ForUser(w io.Writer) *Printer { return New("perch", w, 5*time.Second) }

// Line writes one line.
func (p *Printer) Line(format string, args ...any) {
	p.write(fmt.Sprintf(format, args...))
}

// Error writes what went wrong.
func (p *Printer) Error(err error) { p.write(err.Error()) }

// Hint writes what the user can do about the line before.
func (p *Printer) Hint(format string, args ...any) {
	p.write("hint: " + fmt.Sprintf(format, args...))
}

// write puts a line above the progress that is shown, if any. That stderr
// cannot be written is nothing that could be said anywhere.
func (p *Printer) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.progress != nil {
		p.progress.erase()
	}
	io.WriteString(p.w, p.prefix+Clean(text)+"\n")
	if p.progress != nil {
		p.progress.draw()
	}
}

// Clean makes one harmless line of foreign text: its lines are joined by
// blanks, as are what tabs separate, and whatever is not printable is shown as
// Go would write it.
func Clean(text string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		writeVisible(&b, part)
	}
	return b.String()
}

func writeVisible(b *strings.Builder, text string) {
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(b, `\x%02x`, text[0])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		text = text[size:]
	}
}

package say

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// redraw is how often the line on a terminal shows a new time.
const redraw = time.Second

// Progress shows what is being waited for: on a terminal in one changing line,
// elsewhere in plain lines, one at each change and one every few seconds.
type Progress struct {
	p    *Printer
	done chan struct{}

	// The following belong to p.mu.
	text    string
	since   time.Time
	extent  func() string // how much there is by now, or nil
	written time.Time     // when the last plain line was
	drawn   bool          // a changing line is on the terminal
	ended   bool
}

// Progress begins to show progress, of which there is one at a time. Done ends
// it, and has to be called.
func (p *Printer) Progress() *Progress {
	pr := &Progress{p: p, done: make(chan struct{})}
	p.mu.Lock()
	p.progress = pr
	p.mu.Unlock()
	go pr.run()
	return pr
}

func (pr *Progress) run() {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-pr.done:
			return
		case <-tick.C:
			pr.p.mu.Lock()
			pr.draw()
			pr.p.mu.Unlock()
		}
	}
}

// Set says what is being waited for, and since when (the zero time: not known).
// It may be called as often as is convenient: only a new text is a change.
func (pr *Progress) Set(text string, since time.Time) {
	pr.p.mu.Lock()
	defer pr.p.mu.Unlock()
	pr.since = since
	if text = Clean(text); text != pr.text {
		pr.text, pr.written = text, time.Time{}
		pr.draw()
	}
}

// Detail changes the text without that being worth a line of its own where there
// is no terminal.
func (pr *Progress) Detail(text string) {
	pr.p.mu.Lock()
	defer pr.p.mu.Unlock()
	pr.text = Clean(text)
	pr.draw()
}

// Extent has each line of progress say, after the time, what extent returns then,
// such as the size of a file that is being written. nil ends that. It must not
// use the printer.
func (pr *Progress) Extent(extent func() string) {
	pr.p.mu.Lock()
	defer pr.p.mu.Unlock()
	pr.extent = extent
}

// Done ends the progress: the changing line vanishes, and text, unless it is
// "", is written as a line that stays.
func (pr *Progress) Done(text string) {
	pr.end()
	if text != "" {
		pr.p.write(text)
	}
}

func (pr *Progress) end() {
	pr.p.mu.Lock()
	defer pr.p.mu.Unlock()
	if pr.ended {
		return
	}
	pr.ended = true
	close(pr.done)
	pr.erase()
	if pr.p.progress == pr {
		pr.p.progress = nil
	}
}

// draw shows the line as it is now, where that is due. The caller holds p.mu.
func (pr *Progress) draw() {
	now := time.Now()
	width := pr.p.width()
	switch {
	case pr.text == "" || pr.p.progress != pr:
	case width > 0:
		// The last column stays free: some terminals wrap when it is filled.
		io.WriteString(pr.p.w, "\r"+cut(pr.p.prefix+pr.line(now), width-1)+"\x1b[K")
		pr.drawn = true
	case now.Sub(pr.written) >= pr.p.repeat:
		pr.written = now
		io.WriteString(pr.p.w, pr.p.prefix+pr.line(now)+"\n")
	}
}

// erase takes the changing line off the terminal. The caller holds p.mu.
func (pr *Progress) erase() {
	if pr.drawn {
		io.WriteString(pr.p.w, "\r\x1b[K")
		pr.drawn = false
	}
}

func (pr *Progress) line(now time.Time) string {
	elapsed := now.Sub(pr.since)
	if pr.since.IsZero() || elapsed < time.Second {
		return pr.text
	}
	passed := Elapsed(elapsed)
	if pr.extent != nil {
		if extent := pr.extent(); extent != "" {
			passed += ", " + extent
		}
	}
	return pr.text + " (" + passed + ")"
}

// Elapsed writes a time as people say it, in its two largest units.
func Elapsed(d time.Duration) string {
	s := int(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 60*60:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 24*60*60:
		return fmt.Sprintf("%d h %d min", s/60/60, s/60%60)
	}
	return fmt.Sprintf("%d d %d h", s/60/60/24, s/60/60%24)
}

// cut shortens a line to so many columns. A character outside of the narrow
// scripts is taken for two, which at worst cuts too much.
func cut(line string, columns int) string {
	for i, r := range line {
		if columns--; r >= 0x1100 {
			columns--
		}
		if columns < 0 {
			return strings.TrimRight(line[:i], " ")
		}
	}
	return line
}

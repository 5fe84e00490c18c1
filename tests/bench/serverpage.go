package main

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"time"
)

//go:embed server.md.tmpl
var serverText string

// serverWhy says why a target is missed. It is written by hand, after profiles.
//
//go:embed serverwhy.md
var serverWhy string

// section is what docs/measured.md says about the two servers; of a comparison
// that was not made, nothing.
func (c *comparison) section() (string, error) {
	if c == nil {
		return "", nil
	}
	t, err := template.New("server").Funcs(template.FuncMap{
		"sessions": c.sessionTable,
		"echo":     c.echoTable,
		"copies":   c.copyTable,
		"held":     c.heldTable,
		"starts":   c.startTable,
		"ms":       func(seconds float64) string { return number(1000*seconds, 1) },
		"mb":       func(bytes float64) string { return number(bytes/1e6, 0) },
	}).Parse(serverText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"C": c, "Took": c.Took.Round(time.Second), "Targets": targetTable(c.targets()), "Far": farPrefix,
		"Soak": c.Soak.table(), "Why": serverWhy, "Crowd": c.Plan.Crowd,
	})
	return b.String(), err
}

func (c *comparison) sessionTable(prefix string) string {
	rows := [][]string{{"sessions", "server", "median, ms", "p95, ms", "p99, ms", "client busy, ms", "runs"}}
	for _, name := range []string{tableSequence, tableParallel} {
		for _, s := range c.table(prefix + name).Rows {
			rows = append(rows, []string{c.sessionName(name), s.Way, number(1000*s.Took.Median(), 1), number(1000*s.Took.P95(), 1),
				number(1000*s.Took.P99(), 1), number(1000*s.Busy.Median(), 0), fmt.Sprint(len(s.Took))})
		}
	}
	return markdown(rows)
}

func (c *comparison) sessionName(table string) string {
	if table == tableParallel {
		return fmt.Sprint(c.Plan.Crowd, " at once")
	}
	return "one after the other"
}

func (c *comparison) echoTable(prefix string) string {
	rows := [][]string{{"terminal", "server", "p50, ms", "p95, ms", "p99, ms", "keys"}}
	for _, t := range []struct{ name, what string }{
		{tableEcho, "alone"}, {tableBeside, "beside a copy in another connection"}, {tableSame, "in the copy's connection"}} {
		for _, s := range c.table(prefix + t.name).Rows {
			rows = append(rows, []string{t.what, s.Way, number(1000*s.Took.Median(), 2), number(1000*s.Took.P95(), 2),
				number(1000*s.Took.P99(), 2), fmt.Sprint(len(s.Took))})
		}
	}
	return markdown(rows)
}

func (c *comparison) copyTable(prefix string, size int) string {
	rows := [][]string{{"copy", "perch-entrypoint, MB/s", "sshd, MB/s", "ratio", "perch-entrypoint busy, s/GB", "sshd busy, s/GB", "runs"}}
	mb := float64(size<<20) / 1e6
	for _, kind := range kinds {
		for _, direction := range directions {
			t := c.table(prefix + tableCopy(kind, direction))
			ours, theirs := t.row(byEntrypoint), t.row(byOpenSSH)
			rows = append(rows, []string{t.Name[len(prefix):], number(mb/ours.Took.Median(), 0), number(mb/theirs.Took.Median(), 0),
				number(ratio(t, byOpenSSH, byEntrypoint), 2), number(1000/mb*ours.Busy.Median(), 2), number(1000/mb*theirs.Busy.Median(), 2),
				fmt.Sprint(len(ours.Took))})
		}
	}
	return markdown(rows)
}

func (c *comparison) heldTable(all []held) string {
	rows := [][]string{{"server", "without sessions, MB", fmt.Sprint("with ", c.Plan.Crowd, ", MB"), "each, MB", "processes", "threads", "descriptors"}}
	for _, h := range all {
		rows = append(rows, []string{h.Way, number(h.Base.Resident/1e6, 1), number(h.With.Resident/1e6, 1), number(h.each()/1e6, 2),
			fmt.Sprint(h.With.Processes), fmt.Sprint(h.With.Threads), fmt.Sprint(h.With.Files)})
	}
	return markdown(rows)
}

func (c *comparison) startTable() string {
	rows := [][]string{{"what", "median, ms", "p95, ms", "runs"}}
	s := c.table(tablePrepare).row(byEntrypoint)
	rows = append(rows, []string{"start of perch-entrypoint to its socket", number(1000*s.Took.Median(), 1),
		number(1000*s.Took.P95(), 1), fmt.Sprint(len(s.Took))})
	for _, b := range c.Bench {
		rows = append(rows, []string{"Benchmark" + b.Name, number(1000*b.Took, 2), "–", "20"})
	}
	return markdown(rows)
}

// tail is how long most took, and the slowest.
func (v Values) tail() string {
	return fmt.Sprintf("p50 %s ms, p95 %s ms, p99 %s ms", number(1000*v.Median(), 0), number(1000*v.P95(), 0), number(1000*v.P99(), 0))
}

// table shows what the server held during a soak.
func (s *soaked) table() string {
	if s == nil {
		return ""
	}
	head := fmt.Sprintf("%d sessions in %v, of which %d failed; %s. Goroutines at the end: %d; after %d sessions: %d.\n\n", len(s.Took)+len(s.Failed), s.Length,
		len(s.Failed), s.Took.tail(), s.Goroutines, fewSessions, s.Fresh)
	head += fmt.Sprintf("After every %dth session the client alone, which reads its configuration and reaches no server (`ssh -G`): %s; p99 / p50 %s. What is in that is the machine's.\n\n",
		clientEach, s.Alone.tail(), number(s.Alone.P99()/s.Alone.Median(), 2))
	rows := [][]string{{"of the time", "memory, MB", "threads", "descriptors"}}
	for i, at := range s.States {
		rows = append(rows, []string{fmt.Sprint(10*i, " %"), number(at.Resident/1e6, 1), fmt.Sprint(at.Threads), fmt.Sprint(at.Files)})
	}
	if len(s.Failed) > 0 {
		head += "The first failure: `" + strings.ReplaceAll(s.Failed[0], "\n", " ") + "`\n\n"
	}
	return head + markdown(rows)
}

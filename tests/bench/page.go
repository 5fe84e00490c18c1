package main

import (
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed page.md.tmpl
var pageText string

// why says what the times consist of and why a target is missed. It is written
// by hand, after profiles.
//
//go:embed why.md
var why string

// page is docs/measured.md.
func (o outcome) page() ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"times": times,
		"waits": waits,
		"rates": rates,
	}).Parse(pageText)
	if err != nil {
		return nil, err
	}
	server, err := o.Server.section()
	if err != nil {
		return nil, err
	}
	images, err := o.Images.section()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"Machine": o.Machine, "Targets": targetTable(o.targets()), "Took": o.Took.Round(time.Second),
		"Warm": o.table(tableWarm), "Down": o.table(tableDown), "Up": o.table(tableUp),
		"Without": tableOf(o.Default, tableFirst), "With": tableOf(o.WithDropIn, tableFirst),
		"Condor": byCondor, "LetsAnyoneIn": letsAnyoneIn, "Size": o.Size, "EachSecond": eachSecond, "Why": why,
		"Server": server, "Images": images,
	})
	return []byte(b.String()), err
}

// times prints a table of short times, beside those of the way base.
func times(t Table, base string) string {
	rows := [][]string{{"way", "median, ms", "p95, ms", "client busy, ms", "time / " + base, "runs"}}
	for _, s := range t.Rows {
		rows = append(rows, []string{s.Way, number(1000*s.Took.Median(), 0), number(1000*s.Took.P95(), 0),
			number(1000*s.Busy.Median(), 0), number(ratio(t, s.Way, base), 2), fmt.Sprint(len(s.Took))})
	}
	return markdown(rows)
}

// waits prints a table of long times, beside those of the way base.
func waits(t Table, base string) string {
	rows := [][]string{{"way", "median, s", "p95, s", "time / " + base, "jobs"}}
	for _, s := range t.Rows {
		rows = append(rows, []string{s.Way, number(s.Took.Median(), 2), number(s.Took.P95(), 2),
			number(ratio(t, s.Way, base), 2), fmt.Sprint(len(s.Took))})
	}
	return markdown(rows)
}

// rates prints a table of what size MiB took, and of the rates that makes.
func rates(t Table, base string, size int) string {
	rows := [][]string{{"way", "median, MB/s", "median, s", "p95, s", "pool busy, s", "rate / " + base, "runs"}}
	mb := float64(size<<20) / 1e6
	for _, s := range t.Rows {
		rows = append(rows, []string{s.Way, number(mb/s.Took.Median(), 0), number(s.Took.Median(), 2), number(s.Took.P95(), 2),
			number(s.Busy.Median(), 2), number(ratio(t, base, s.Way), 2), fmt.Sprint(len(s.Took))})
	}
	return markdown(rows)
}

// number prints what was measured.
func number(v float64, digits int) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

func targetTable(targets []target) string {
	rows := [][]string{{"target", "measured", "wanted", ""}}
	for _, t := range targets {
		bound, verdict, digits := "at most", "**short**", 2
		if t.least {
			bound = "at least"
		}
		if t.unit == "ms" {
			digits = 0
		}
		if t.reached() {
			verdict = "reached"
		}
		with := func(v float64) string { return strings.TrimSpace(number(v, digits) + " " + t.unit) }
		rows = append(rows, []string{t.what, with(t.got), bound + " " + with(t.want), verdict})
	}
	return markdown(rows)
}

// markdown prints a table, of which the first row is the heading.
func markdown(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|---" + strings.Repeat("|--:", len(row)-1) + "|\n")
		}
	}
	return b.String()
}

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
		"times": func(t Table, base string) string { return times(t, base, 1000, "ms") },
		"waits": func(t Table, base string) string { return times(t, base, 1, "s") },
		"rates": rates,
	}).Parse(pageText)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"Machine": o.Machine, "Targets": targetTable(o.targets()), "Took": o.Took.Round(time.Second),
		"Warm": o.table(tableWarm), "Down": o.table(tableDown), "Up": o.table(tableUp),
		"Without": tableOf(o.Default, tableFirst), "With": tableOf(o.WithDropIn, tableFirst),
		"Condor": byCondor, "LetsAnyoneIn": letsAnyoneIn, "Size": o.Size, "EachSecond": eachSecond, "Why": why,
	})
	return []byte(b.String()), err
}

// times prints a table of times in a unit of which a second has scale, beside
// those of the way base.
func times(t Table, base string, scale float64, unit string) string {
	digits := 0
	if scale == 1 {
		digits = 2
	}
	number := func(v float64) string {
		if math.IsNaN(v) {
			return "–"
		}
		return strconv.FormatFloat(scale*v, 'f', digits, 64)
	}
	rows := [][]string{{"way", "median, " + unit, "p95, " + unit, "client busy, " + unit, "time / " + base, "runs"}}
	for _, s := range t.Rows {
		rows = append(rows, []string{s.Way, number(s.Took.Median()), number(s.Took.P95()), number(s.Busy.Median()),
			fmt.Sprintf("%.2f", ratio(t, s.Way, base)), fmt.Sprint(len(s.Took))})
	}
	return markdown(rows)
}

// rates prints a table of what size MiB took, and of the rates that makes.
func rates(t Table, base string, size int) string {
	rows := [][]string{{"way", "median, MB/s", "median, s", "p95, s", "pool busy, s", "rate / " + base, "runs"}}
	mb := float64(size<<20) / 1e6
	for _, s := range t.Rows {
		rows = append(rows, []string{s.Way, fmt.Sprintf("%.0f", mb/s.Took.Median()),
			fmt.Sprintf("%.2f", s.Took.Median()), fmt.Sprintf("%.2f", s.Took.P95()), fmt.Sprintf("%.2f", s.Busy.Median()),
			fmt.Sprintf("%.2f", ratio(t, base, s.Way)), fmt.Sprint(len(s.Took))})
	}
	return markdown(rows)
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
		number := func(v float64) string { return strings.TrimSpace(fmt.Sprintf("%.*f %s", digits, v, t.unit)) }
		rows = append(rows, []string{t.what, number(t.got), bound + " " + number(t.want), verdict})
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

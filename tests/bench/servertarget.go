package main

import (
	"fmt"
	"math"
)

// Targets of the comparison.
const (
	echoTarget    = 1.2
	downTarget    = 1.0
	upTarget      = 0.9
	baseTarget    = 20  // MB of memory, and
	eachTarget    = 1   // MB for each idle session
	prepareTarget = 50  // ms
	linkTarget    = 100 // ms
	tailTarget    = 3   // p99 / p50 of a soak
	growthTarget  = 0.05
	farTolerance  = 10 // ms
)

// targets are the session server's own, beside sshd.
func (c comparison) targets() []target {
	var all []target
	sequence, parallel := c.table(tableSequence), c.table(tableParallel)
	all = append(all,
		target{what: "`true`, each in a new connection: perch-entrypoint / sshd", got: ratio(sequence, byEntrypoint, byOpenSSH), want: 1},
		target{what: fmt.Sprint(c.Plan.Crowd, " of them at once: perch-entrypoint / sshd"), got: ratio(parallel, byEntrypoint, byOpenSSH), want: 1})
	for _, t := range []struct{ name, what string }{
		{tableEcho, "a key, idle"}, {tableBeside, "a key, beside a copy"}, {tableSame, "a key, in the copy's connection"}} {
		all = append(all, c.echoTargets(t.name, t.what)...)
	}
	all = append(all, c.copyTargets("")...)
	all = append(all, memoryTargets("", c.Memory)...)
	far, trip := farPrefix, 2000*farLine.Delay.Seconds()
	all = append(all,
		target{what: "round trip of the long line", unit: "ms", got: 1000 * c.Line.RoundTrips.Median(), least: true, want: trip},
		target{what: "round trip of the long line, p95", unit: "ms", got: 1000 * c.Line.RoundTrips.P95(), want: trip + farTolerance},
		target{what: "`true` over the long line: perch-entrypoint / sshd", got: ratio(c.table(far+tableSequence), byEntrypoint, byOpenSSH), want: 1},
		target{what: fmt.Sprint(c.Plan.Crowd, " of them at once over the long line: perch-entrypoint / sshd"), got: ratio(c.table(far+tableParallel), byEntrypoint, byOpenSSH), want: 1})
	for _, t := range []struct{ name, what string }{
		{tableEcho, "a key over the long line"}, {tableBeside, "a key over the long line, beside a copy"}, {tableSame, "a key over the long line, in the copy's connection"}} {
		all = append(all, c.echoTargets(far+t.name, t.what)...)
	}
	all = append(all, memoryTargets(" over the long line", c.FarMemory)...)
	all = append(all, c.copyTargets(farPrefix)...)
	all = append(all, target{what: "from the start of perch-entrypoint to its socket", unit: "ms",
		got: 1000 * c.table(tablePrepare).row(byEntrypoint).Took.Median(), want: prepareTarget})
	for _, b := range c.Bench {
		if want, ok := benchmarkTargets[b.Name]; ok {
			all = append(all, target{what: "Benchmark" + b.Name, unit: "ms", got: 1000 * b.Took, want: want})
		}
	}
	return append(all, c.Soak.targets()...)
}

// benchmarkTargets are in ms.
var benchmarkTargets = map[string]float64{"Prepare": prepareTarget, "Link": linkTarget}

func (c comparison) echoTargets(table, what string) (all []target) {
	t := c.table(table)
	ours, theirs := t.row(byEntrypoint).Took, t.row(byOpenSSH).Took
	for _, p := range []struct {
		name string
		got  float64
	}{
		{"p50", ours.Median() / theirs.Median()}, {"p95", ours.P95() / theirs.P95()}, {"p99", ours.P99() / theirs.P99()},
	} {
		all = append(all, target{what: what + ", " + p.name + ": perch-entrypoint / sshd", got: p.got, want: echoTarget})
	}
	return all
}

func (c comparison) copyTargets(prefix string) (all []target) {
	where := "rate, "
	if prefix != "" {
		where = "rate over the long line, "
	}
	for _, kind := range kinds {
		for _, direction := range directions {
			name, want := tableCopy(kind, direction), downTarget
			if direction == goesUp {
				want = upTarget
			}
			all = append(all, target{what: where + name + ": perch-entrypoint / sshd", least: true, want: want,
				got: ratio(c.table(prefix+name), byOpenSSH, byEntrypoint)})
		}
	}
	return all
}

// memoryTargets are those of perch-entrypoint; NaN where it was not measured.
func memoryTargets(where string, all []held) []target {
	ours := held{Base: state{Resident: math.NaN()}, With: state{Resident: math.NaN()}}
	for _, h := range all {
		if h.Way == byEntrypoint {
			ours = h
		}
	}
	return []target{
		{what: "memory without sessions" + where, unit: "MB", got: ours.Base.Resident / 1e6, want: baseTarget},
		{what: "memory for each idle session" + where, unit: "MB", got: ours.each() / 1e6, want: eachTarget},
	}
}

// targets are none where there was no soak.
func (s *soaked) targets() []target {
	if s == nil {
		return nil
	}
	resident, files := s.growth()
	return []target{
		{what: "soak: sessions that failed", got: float64(len(s.Failed)), want: 0},
		{what: "soak: p99 / p50", got: s.Took.P99() / s.Took.Median(), want: tailTarget},
		{what: "soak: growth of memory, as a share", got: resident, want: growthTarget},
		{what: "soak: growth of descriptors", got: float64(files), want: 0},
		{what: "soak: growth of goroutines", got: float64(s.Goroutines - s.Fresh), want: 0},
	}
}

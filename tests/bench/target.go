package main

// target is what a measurement should show.
type target struct {
	what string
	// unit stands behind the numbers: "" for ratios, else ms or s.
	unit      string
	got, want float64
	// least says that more is better.
	least bool
}

func (t target) reached() bool {
	if t.least {
		return t.got >= t.want
	}
	return t.got <= t.want
}

// targets are Perch's own, on medians.
func (o outcome) targets() []target {
	warm, down, up := o.table(tableWarm), o.table(tableDown), o.table(tableUp)
	without, with := tableOf(o.Default, tableFirst), tableOf(o.WithDropIn, tableFirst)
	return []target{
		{what: "`true` in a running job: perch-ssh / condor_ssh_to_job", got: ratio(warm, byPerch, byCondor), want: 1.0 / 6},
		{what: "`true` in a running job: perch-ssh − stock ssh on the carrier's socket", unit: "ms", got: 1000 * difference(warm, byPerch, byCarrier), want: 15},
		{what: "rate down through the pool: perch-ssh / condor_ssh_to_job", got: ratio(down, byCondor, byPerch), want: 0.8, least: true},
		{what: "rate up through the pool: perch-ssh / condor_ssh_to_job", got: ratio(up, byCondor, byPerch), want: 0.8, least: true},
		{what: "rate down, local engine: perch-ssh / sshd", got: ratio(down, bySSHD, byLocal), want: 1, least: true},
		{what: "rate up, local engine: perch-ssh / sshd", got: ratio(up, bySSHD, byLocal), want: 0.9, least: true},
		{what: "first byte after HTCondor lets anybody in, with the drop-in", unit: "s", got: difference(with, byPerch, letsAnyoneIn), want: 1.5},
		{what: "first byte after HTCondor lets anybody in, without it", unit: "s", got: difference(without, byPerch, letsAnyoneIn), want: 1.5},
	}
}

// ratio is that of two ways' medians.
func ratio(t Table, way, to string) float64 {
	return t.row(way).Took.Median() / t.row(to).Took.Median()
}

// difference is that of two ways' medians, in seconds.
func difference(t Table, way, to string) float64 {
	return t.row(way).Took.Median() - t.row(to).Took.Median()
}

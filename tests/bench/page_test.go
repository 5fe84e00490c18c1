package main

import (
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	first := []Table{{Name: tableFirst, Rows: []Series{
		{Way: byPerch, Took: Values{2}}, {Way: eachSecond, Took: Values{4}}, {Way: letsAnyoneIn, Took: Values{1}}}}}
	rates := []Series{{Way: byPerch, Took: Values{20}}, {Way: byCondor, Took: Values{10}},
		{Way: byLocal, Took: Values{5}, Busy: Values{9}}, {Way: bySSHD, Took: Values{5}}}
	o := outcome{
		Machine: machine{{"processor", "slow"}}, Size: 1024,
		Sessions: []Table{
			{Name: tableWarm, Rows: []Series{{Way: byPerch, Took: Values{0.06}}, {Way: byCondor, Took: Values{0.6}}, {Way: byCarrier, Took: Values{0.04}}}},
			{Name: tableDown, Rows: rates}, {Name: tableUp, Rows: rates},
		},
		Default: first, WithDropIn: first, Images: &gallery{},
	}
	page, err := o.page()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| processor | slow |",
		"perch-ssh / condor_ssh_to_job | 0.10 | at most 0.17 | reached |",
		"carrier's socket | 20 ms | at most 15 ms | **short** |",
		"rate up through the pool: perch-ssh / condor_ssh_to_job | 0.50 | at least 0.80 | **short** |",
		"rate down, local engine: perch-ssh / sshd | 1.00 | at least 1.00 | reached |",
		"lets anybody in, with the drop-in | 1.00 s | at most 1.50 s | reached |",
		"| perch-ssh | 60 | 60 | – | 0.10 | 1 |",
		"| perch-ssh, local engine | 215 | 5.00 | 5.00 | 9.00 | 2.00 | 1 |",
		"| perch-ssh | 2.00 | 2.00 | 0.50 | 1 |",
		why,
		"\n\n## Images\n\n",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", page)
	}
}

func TestMissingMeasurementIsShort(t *testing.T) {
	for _, target := range (outcome{}).targets() {
		if target.reached() {
			t.Errorf("%s: reached without a measurement", target.what)
		}
	}
}

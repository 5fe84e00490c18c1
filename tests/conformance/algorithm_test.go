package conformance

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// offer is what the server proposes in its key exchange, by the client's own
// words for it: "KEX algorithms", "ciphers stoc", "MACs stoc".
func (j job) offer(t *testing.T) map[string][]string {
	t.Helper()
	r := j.ssh(t, options{"-n", "-vv"}, "true")
	_, proposal, _ := strings.Cut(r.stderr, "peer server KEXINIT proposal")
	offer := map[string][]string{}
	for line := range strings.Lines(proposal) {
		if what, list, found := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "debug2: ")), ": "); found && offer[what] == nil {
			offer[what] = strings.Split(list, ",")
		}
	}
	return offer
}

// known are what the client knows of a kind (ssh -Q).
func (j job) known(t *testing.T, kind string) []string {
	t.Helper()
	known := strings.Fields(j.Run(t, "ssh", "-Q", kind))
	if len(known) < 5 {
		t.Fatalf("ssh knows %q", known)
	}
	return known
}

// try enters by what the server offers, and wants to be told clearly of what it
// does not.
func (j job) try(t *testing.T, o options, offered bool, what string) {
	t.Helper()
	r := j.ssh(t, o, "echo in")
	if offered {
		r.want(t, "in\n", "", 0)
	} else if !strings.Contains(r.stderr, "no matching "+what+" found") || r.code != 255 {
		t.Errorf("%q: got %+v", o, r)
	}
}

// Each cipher with each MAC that the client knows.
func testTryCiphers(t *testing.T, j job) {
	offer, macs := j.offer(t), j.known(t, "mac")
	ciphers, offeredMACs := offer["ciphers stoc"], offer["MACs stoc"]
	if len(ciphers) < 3 || len(offeredMACs) < 2 {
		t.Fatalf("the server offers %q", offer)
	}
	for _, cipher := range j.known(t, "cipher") {
		offered := slices.Contains(ciphers, cipher)
		if !offered || !strings.HasSuffix(cipher, "-ctr") {
			j.try(t, options{"-c", cipher}, offered, "cipher")
			continue
		}
		for _, mac := range offeredMACs {
			j.try(t, options{"-c", cipher, "-m", mac}, true, "MAC")
		}
	}
	for _, mac := range macs {
		if !slices.Contains(offeredMACs, mac) {
			j.try(t, options{"-c", "aes128-ctr", "-m", mac}, false, "MAC")
		}
	}
	for _, name := range slices.Concat(ciphers, offeredMACs) {
		if regexp.MustCompile(`cbc|arcfour|3des|md5|sha1|-96|umac-64|none`).MatchString(name) {
			t.Errorf("the server offers %s", name)
		}
	}
}

func testKextype(t *testing.T, j job) {
	offered := j.offer(t)["KEX algorithms"]
	tried := 0
	for _, kex := range j.known(t, "kex") {
		in := slices.Contains(offered, kex)
		j.try(t, options{"-o", "KexAlgorithms=" + kex}, in, "key exchange method")
		if in {
			tried++
		}
	}
	if tried < 3 || slices.ContainsFunc(offered, func(kex string) bool { return strings.HasSuffix(kex, "sha1") }) {
		t.Errorf("the server offers %q", offered)
	}
}

// Groups that a server makes up are not offered: elliptic curves are faster, and
// need no file of primes.
func testDHGEX(t *testing.T, j job) {
	for _, kex := range []string{"diffie-hellman-group-exchange-sha1", "diffie-hellman-group-exchange-sha256"} {
		j.try(t, options{"-o", "KexAlgorithms=" + kex}, false, "key exchange method")
	}
}

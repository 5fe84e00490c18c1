package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"perch/entrypoint/contract"
)

var (
	warmBounds = bounds{total: 100 * time.Second, each: time.Minute}
	rateBounds = bounds{total: 180 * time.Second, each: 2 * time.Minute}
)

// sessions measures what people do in a job that runs.
func (p place) sessions(ctx context.Context) ([]Table, error) {
	inPool, err := p.poolJob(ctx)
	if err != nil {
		return nil, err
	}
	local, err := p.localJob(ctx)
	if err != nil {
		return nil, err
	}
	daemon, err := p.startSSHD(ctx)
	if err != nil {
		return nil, err
	}
	defer daemon.stop()
	tables, err := p.measureSessions(ctx, inPool, []way{inPool.perch, inPool.condor, inPool.bySocket, local, daemon.way})
	return tables, errors.Join(err, p.stop(ctx, inPool.perch), p.stop(ctx, local))
}

func (p place) measureSessions(ctx context.Context, j poolJob, all []way) ([]Table, error) {
	var warm, down, up []measure
	for _, w := range []way{j.perch, j.byCarrier, j.bySocket, j.condor} {
		warm = append(warm, w.runsTrue())
	}
	for _, w := range all {
		down, up = append(down, w.receives(p.Size)), append(up, w.sends(p.Size))
	}
	var tables []Table
	for _, m := range []struct {
		name     string
		b        bounds
		n        int
		measures []measure
	}{
		{tableWarm, warmBounds, p.Rounds, warm},
		{tableDown, rateBounds, p.Transfers, down},
		{tableUp, rateBounds, p.Transfers, up},
	} {
		p.say("measuring %s, %d ways, %d rounds", m.name, len(m.measures), m.n)
		m.b.rounds = m.n
		t, err := inTurns(ctx, m.name, m.b, m.measures)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// poolJob is a running job and the ways into it.
type poolJob struct{ perch, condor, byCarrier, bySocket way }

// poolJob starts a job by perch-ssh and finds the other ways into it.
func (p place) poolJob(ctx context.Context) (j poolJob, err error) {
	p.say("starting a job in the pool")
	jdl, err := p.jdl("bench", p.container()...)
	if err != nil {
		return j, err
	}
	j.perch = way{name: byPerch, argv: []string{p.program("perch-ssh"), "JDL:" + jdl}, env: []string{"PERCH_ENGINE=htcondor"}}
	scratch, err := j.perch.output(ctx, "pwd")
	if err != nil {
		return j, err
	}
	config, err := onlyOne(filepath.Join(p.home, ".local/state/perch/jobs/bench-*/ssh_config"))
	if err != nil {
		return j, err
	}
	carrier, err := onlyOne(fmt.Sprintf("/tmp/perch-*/%s/sock", hashIn(config)))
	if err != nil {
		return j, err
	}
	stock := func(name, sock string) way {
		return way{name: name, argv: []string{"ssh", "-F", config,
			"-o", "ProxyCommand=" + p.program("perch-ssh") + " --connect " + sock, "bench.perch"}}
	}
	j.byCarrier = stock(byCarrier, carrier)
	j.bySocket = stock(bySocket, filepath.Join(strings.TrimSpace(scratch), contract.Dir, contract.SocketName))
	j.condor, err = p.condorWay(ctx)
	return j, err
}

// hashIn is the target's hash in a path of its state folder.
func hashIn(config string) string {
	dir := filepath.Base(filepath.Dir(config))
	return dir[strings.LastIndex(dir, "-")+1:]
}

// condorWay is condor_ssh_to_job into the user's only job.
func (p place) condorWay(ctx context.Context) (way, error) {
	ask := way{name: "condor_q", argv: []string{"condor_q", "-af:j"}}
	id, err := ask.output(ctx, "JobStatus")
	if err != nil {
		return way{}, err
	}
	id, status, _ := strings.Cut(strings.TrimSpace(id), " ")
	if status != "2" {
		return way{}, fmt.Errorf("job %q has status %q, not 2 (running)", id, status)
	}
	w := way{name: byCondor, argv: []string{"condor_ssh_to_job", id}}
	// Its exit status says nothing in HTCondor 25.
	if out, err := w.output(ctx, "echo inside"); err != nil || out != "inside\n" {
		return w, fmt.Errorf("condor_ssh_to_job %s says %q: %w", id, out, err)
	}
	return w, nil
}

// localJob starts a job of the local engine, which has nothing of HTCondor's.
func (p place) localJob(ctx context.Context) (way, error) {
	p.say("starting a job of the local engine")
	jdl, err := p.jdl("local")
	if err != nil {
		return way{}, err
	}
	w := way{name: byLocal, argv: []string{p.program("perch-ssh"), "JDL:" + jdl}, env: []string{"PERCH_ENGINE=local"}}
	_, err = w.output(ctx, "true")
	return w, err
}

// stop ends the job of a way by perch-ssh.
func (p place) stop(ctx context.Context, w way) error {
	cmd := way{name: "perch stop", argv: []string{p.program("perch"), "stop"}, env: w.env}
	_, err := cmd.output(ctx, w.argv[len(w.argv)-1])
	return err
}

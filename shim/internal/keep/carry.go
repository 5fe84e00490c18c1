package keep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
	"perch/shim/internal/proxy"
	"perch/shim/internal/target"
)

const (
	// retry is the pause between tries to enter a job that has just started,
	// maxRetry that after half an hour: a try costs the schedd one query.
	retry    = 300 * time.Millisecond
	maxRetry = 30 * time.Second
	// proofLimit is how long a carrier whose socket is there may take to show a
	// banner before the other way is tried. The entrypoint may still be starting.
	proofLimit = 5 * time.Second
	// loginLimit is how long condor_ssh_to_job may take to log in: before that
	// there is no socket, or where each connection takes one, no banner.
	loginLimit = 30 * time.Second
	// lostPause keeps a carrier that breaks again and again from spinning.
	lostPause = time.Second
	// graceTime is less than the entrypoint's login grace time, after which it
	// closes a connection that only watches.
	graceTime = 100 * time.Second
)

// carry opens a carrier, proves it, and stays with it until it breaks.
func (k *Keeper) carry(ctx context.Context) error {
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	sock := filepath.Join(k.dir, target.CarrierSocket)
	c, err := k.eng.Carry(own, k.job, sock, k.way)
	if errors.Is(err, engine.ErrNoSuchWay) {
		k.otherWay(err)
		return pause(ctx, k.retry(), err)
	}
	if err != nil {
		return pause(ctx, k.retry(), err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	proof, err := k.prove(own, sock, ended)
	if err != nil {
		cancel()
		return k.unproved(ctx, c, err)
	}
	if err := k.show(sock); err != nil {
		proof.Close()
		return pause(ctx, lostPause, err)
	}
	k.log.Printf("the carrier of job %s stands", k.job.ID)
	k.say(Standing, "")
	watched := make(chan struct{})
	go func() { defer close(watched); k.watchJob(own, sock, proof); cancel() }()
	err = <-ended
	cancel()
	<-watched
	k.since = time.Now()
	k.log.Printf("the carrier of job %s broke: %v", k.job.ID, err)
	k.hide()
	if ctx.Err() == nil {
		k.say(Opening, "the connection to the job broke")
	}
	return pause(ctx, lostPause, err)
}

// prove reads a banner through the carrier, and returns the connection, by which
// the job's end is seen from then on; nil of a job that is busy. A remote refusal
// of the forward shows only there, as an end of file.
func (k *Keeper) prove(ctx context.Context, sock string, ended <-chan error) (*os.File, error) {
	limited, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last, opened := errors.New("no answer"), false
	for {
		select {
		case err := <-ended:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limited.Done():
			return nil, fmt.Errorf("no SSH banner through the carrier: %w", last)
		case <-tick.C:
		}
		if _, err := os.Lstat(sock); k.way == engine.Forward && err == nil && !opened {
			opened = true
			var stop context.CancelFunc
			limited, stop = context.WithTimeout(limited, proofLimit)
			defer stop()
		}
		conn, err := proxy.Dial(limited, sock)
		if errors.Is(err, contract.ErrBusy) {
			return nil, nil // it is there
		}
		if err == nil || errors.Is(err, contract.ErrOtherVersion) {
			return conn, err
		}
		last = err
	}
}

// watchJob returns when nobody answers through the carrier any more: the
// entrypoint has ended. HTCondor does not end the job as long as a session of
// condor_ssh_to_job is in it, so the carrier has to go first. A connection that
// stays at its banner shows the end at once; the entrypoint closes it after
// its login grace time, and then it is made anew. The first one may have been
// made already.
//
// Where each connection is a session of its own, nothing of the carrier's is in
// the job, and a connection that cannot be made says nothing about those that
// stand: then shims are only kept away until one can be made again.
func (k *Keeper) watchJob(ctx context.Context, sock string, conn *os.File) {
	var lost time.Time
	defer func() { conn.Close() }()
	for ctx.Err() == nil {
		var err error
		if conn == nil {
			conn, err = k.dial(ctx, sock)
		}
		if errors.Is(err, contract.ErrBusy) {
			if !lost.IsZero() {
				_ = k.show(sock)
				lost = time.Time{}
			}
			_ = pause(ctx, lostPause, err)
			continue
		}
		if err != nil {
			k.hide()
			if lost.IsZero() {
				lost = time.Now()
			} else if k.way == engine.Forward {
				break
			}
			_ = pause(ctx, retryAfter(time.Since(lost)), err)
			continue
		}
		if !lost.IsZero() {
			_ = k.show(sock)
			lost = time.Time{}
		}
		dialled := time.Now()
		watch(ctx, conn)
		conn = nil
		if k.way == engine.PerConnection && time.Since(dialled) < graceTime {
			// The next one takes seconds, and the job may be dying.
			k.hide()
			lost = time.Now()
		}
	}
	if ctx.Err() == nil {
		k.log.Printf("nobody answers in job %s any more; closing the carrier", k.job.ID)
	}
}

// dial is proxy.Dial, but for no longer than logging in may take where each
// connection does: HTCondor may leave one without an answer that comes while a job
// ends.
func (k *Keeper) dial(ctx context.Context, sock string) (*os.File, error) {
	if k.way == engine.PerConnection {
		limited, cancel := context.WithTimeout(ctx, loginLimit)
		defer cancel()
		ctx = limited
	}
	return proxy.Dial(ctx, sock)
}

// watch closes conn when it has ended, or ctx.
func watch(ctx context.Context, conn *os.File) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	_, _ = io.Copy(io.Discard, conn)
	stop()
	conn.Close()
}

// unproved deals with a carrier that leads to nobody whom Perch can talk to.
func (k *Keeper) unproved(ctx context.Context, c engine.Carrier, err error) error {
	_ = c.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, engine.ErrNotYet):
		return pause(ctx, k.retry(), err)
	case errors.Is(err, contract.ErrOtherVersion):
		k.say(Refused, err.Error())
		k.log.Print(err)
		return pause(ctx, max(proofLimit, k.retry()), err)
	}
	k.say(Opening, "the job does not answer this way, trying another")
	k.otherWay(err)
	return pause(ctx, k.retry(), err)
}

// retry is the pause before the next try: a sixtieth of the time that there
// has been no carrier, so that an image that is pulled for long, or a site that
// lets nobody in, costs the schedd little, and nobody waits much longer.
func (k *Keeper) retry() time.Duration { return retryAfter(time.Since(k.since)) }

func retryAfter(d time.Duration) time.Duration { return min(max(retry, d/60), maxRetry) }

func (k *Keeper) otherWay(cause error) {
	next := engine.PerConnection
	if k.way == engine.PerConnection {
		next = engine.Forward
	}
	k.log.Printf("%v; trying the other way into the job", cause)
	k.way = next
}

// show lets shims find a carrier that was proved.
func (k *Keeper) show(sock string) error {
	if k.lostLock() {
		return nil
	}
	temp := k.target.Socket() + ".new"
	_ = os.Remove(temp)
	if err := os.Symlink(filepath.Join(filepath.Base(k.dir), filepath.Base(sock)), temp); err != nil {
		return fmt.Errorf("showing the carrier: %w", err)
	}
	if err := os.Rename(temp, k.target.Socket()); err != nil {
		return fmt.Errorf("showing the carrier: %w", err)
	}
	return nil
}

func (k *Keeper) hide() {
	if !k.lostLock() {
		k.target.Hide()
	}
}

// pause waits, and passes the error on.
func pause(ctx context.Context, d time.Duration, err error) error {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return err
}

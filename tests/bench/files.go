package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// payload is the file that goes to and fro.
func (s *servers) payload() string { return filepath.Join(s.home, "payload") }

// writePayload makes the file that is copied, of size MiB.
func (s *servers) writePayload(size int) error {
	return os.WriteFile(s.payload(), make([]byte, size<<20), 0o600)
}

// copyByFiles copies the payload by the stock sftp, which is asked for a line
// before and behind it: how long it takes to connect is another measurement.
func (s served) copyByFiles(ctx context.Context, direction string, _ int) (one sample, err error) {
	payload := filepath.Join(filepath.Dir(s.dir), "payload")
	target := payload + ".copy"
	order := "get"
	if direction == goesUp {
		order = "put"
	}
	argv := append([]string{"-q", "-b", "-"}, s.argv[1:]...)
	cmd := exec.CommandContext(ctx, "sftp", argv...)
	cmd.Env = append(os.Environ(), s.env...)
	c, err := converse(cmd)
	if err != nil {
		return one, err
	}
	if err := c.ask("pwd"); err != nil {
		return one, errors.Join(err, c.end())
	}
	stop := s.clock()
	_, err = fmt.Fprintf(c.in, "%s %s %s\n", order, payload, target)
	err = errors.Join(err, c.ask("pwd"))
	one = stop()
	return one, errors.Join(err, c.end(), sameSize(payload, target), os.Remove(target))
}

// ask gives sftp an order, and waits for what it answers to pwd.
func (c *conversation) ask(order string) error {
	if _, err := fmt.Fprintln(c.in, order); err != nil {
		return err
	}
	for {
		line, err := c.out.ReadString('\n')
		if strings.HasPrefix(line, "Remote working directory") {
			return nil
		}
		if err != nil {
			return fmt.Errorf("sftp ends: %w", err)
		}
	}
}

func sameSize(a, b string) error {
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if one.Size() != other.Size() {
		return fmt.Errorf("%d of %d bytes were copied", other.Size(), one.Size())
	}
	return nil
}

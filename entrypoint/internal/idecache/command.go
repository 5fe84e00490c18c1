package idecache

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"perch/entrypoint/contract"
)

// Usage says how the command is called.
const Usage = `usage: perch-entrypoint cache add [--dir DIR] [--commit COMMIT] ARCHIVE|DIRECTORY…
       perch-entrypoint cache list [--dir DIR]
       perch-entrypoint cache prune [--dir DIR] --keep N
`

// Command runs "perch-entrypoint cache" and returns the exit code.
func Command(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, Usage)
		return contract.ExitUsage
	}
	flags := flag.NewFlagSet("cache", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	dir := flags.String("dir", Default, "")
	commit := flags.String("commit", "", "")
	keep := flags.Int("keep", -1, "")
	err := flags.Parse(args[1:])
	if err == nil {
		switch args[0] {
		case "add":
			err = add(*dir, *commit, flags.Args(), stdout)
		case "list":
			err = list(*dir, stdout)
		case "prune":
			err = prune(*dir, *keep, stdout)
		default:
			err = misuse{fmt.Errorf("cache has no command %q", args[0])}
		}
	} else {
		err = misuse{err}
	}
	if err == nil {
		return contract.ExitOK
	}
	fmt.Fprintf(stderr, "perch-entrypoint: %v\n", err)
	if errors.As(err, new(misuse)) {
		fmt.Fprint(stderr, Usage)
		return contract.ExitUsage
	}
	return contract.ExitFailure
}

// misuse is an error in the command line.
type misuse struct{ error }

func add(dir, commit string, from []string, stdout io.Writer) error {
	if len(from) == 0 {
		return misuse{errors.New("cache add wants an archive or a directory")}
	}
	for _, path := range from {
		e, added, err := Add(dir, path, commit)
		if err != nil {
			return fmt.Errorf("adding to the cache: %w; see what was named, and that --dir is a directory that you can write", err)
		}
		word := "added"
		if !added {
			word = "is there already:"
		}
		fmt.Fprintf(stdout, "%s %s %s %s\n", word, e.Product, e.Commit, e.what())
	}
	return nil
}

// what says which parts an entry has.
func (e Entry) what() string {
	switch {
	case e.Server != "" && e.CLI != "":
		return "server, cli"
	case e.Server != "":
		return "server"
	}
	return "cli"
}

func list(dir string, stdout io.Writer) error {
	all, err := List(dir)
	if err != nil {
		return fmt.Errorf("listing the cache: %w; name its directory by --dir", err)
	}
	for _, e := range all {
		fmt.Fprintf(stdout, "%s\t%s\t%s\t%s\n", e.Product, e.Commit, e.Added.Format(time.DateOnly), e.what())
	}
	return nil
}

func prune(dir string, keep int, stdout io.Writer) error {
	if keep < 0 {
		return misuse{errors.New("cache prune wants --keep N")}
	}
	removed, err := Prune(dir, keep)
	for _, e := range removed {
		fmt.Fprintf(stdout, "removed %s %s\n", e.Product, e.Commit)
	}
	if err != nil {
		return fmt.Errorf("pruning the cache: %w", err)
	}
	return nil
}

package main

import (
	"context"
	"os"
	"testing"
)

// TestMain lets the tests' program be the ProxyCommand that bench is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == connectWord {
		os.Exit(Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

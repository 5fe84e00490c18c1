package main

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedianAndP95(t *testing.T) {
	hundred := make(Values, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, test := range []struct {
		values      Values
		median, p95 float64
	}{
		{Values{3}, 3, 3},
		{Values{4, 1}, 2.5, 4},
		{Values{9, 1, 5}, 5, 9},
		{hundred, 50.5, 95},
	} {
		if m, p := test.values.Median(), test.values.P95(); m != test.median || p != test.p95 {
			t.Errorf("%v: median %v, p95 %v; want %v, %v", test.values, m, p, test.median, test.p95)
		}
	}
	if m, p := (Values{}).Median(), (Values{}).P95(); !math.IsNaN(m) || !math.IsNaN(p) {
		t.Errorf("without values: median %v, p95 %v", m, p)
	}
}

func TestInTurns(t *testing.T) {
	var order strings.Builder
	named := func(name string, took float64) measure {
		return measure{name, func(context.Context) (sample, error) {
			order.WriteString(name)
			return sample{took: took}, nil
		}}
	}
	b := bounds{rounds: 3, total: time.Hour, each: time.Hour}
	got, err := inTurns(t.Context(), "x", b, []measure{named("a", 1), named("b", 2)})
	want := Table{Name: "x", Rows: []Series{{Way: "a", Took: Values{1, 1, 1}}, {Way: "b", Took: Values{2, 2, 2}}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if order.String() != "abbaab" {
		t.Errorf("the order is %s", &order)
	}
}

// TestAbreast has two measures that wait for each other.
func TestAbreast(t *testing.T) {
	met := make(chan bool)
	a := measure{"a", func(ctx context.Context) (sample, error) {
		select {
		case met <- true:
		case <-ctx.Done():
		}
		return sample{took: 1}, ctx.Err()
	}}
	b := measure{"b", func(ctx context.Context) (sample, error) {
		select {
		case <-met:
		case <-ctx.Done():
		}
		return sample{took: 1}, ctx.Err()
	}}
	got, err := abreast(t.Context(), "x", bounds{rounds: 2, total: time.Hour, each: time.Minute}, []measure{a, b})
	want := Table{Name: "x", Rows: []Series{{Way: "a", Took: Values{1, 1}}, {Way: "b", Took: Values{1, 1}}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestInTurnsEnds(t *testing.T) {
	quick := measure{"a", func(context.Context) (sample, error) { return sample{took: 1}, nil }}
	got, err := inTurns(t.Context(), "x", bounds{rounds: 1000, each: time.Hour}, []measure{quick})
	if n := len(got.row("a").Took); n != 1 || err != nil {
		t.Errorf("with no time left: %d rounds, %v; want 1", n, err)
	}
	stuck := measure{"b", func(ctx context.Context) (sample, error) {
		<-ctx.Done()
		return sample{}, errors.New("killed")
	}}
	_, err = inTurns(t.Context(), "x", bounds{rounds: 1, total: time.Hour, each: time.Millisecond}, []measure{stuck})
	if err == nil || !strings.Contains(err.Error(), "measuring x, b: not done after 1ms") {
		t.Errorf("one that hangs: %v", err)
	}
}

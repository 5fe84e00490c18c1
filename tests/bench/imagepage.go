package main

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"time"
)

//go:embed images.md.tmpl
var imagesText string

// imagesWhy says what the numbers consist of. It is written by hand, after
// profiles.
//
//go:embed imageswhy.md
var imagesWhy string

// Targets of images.
const (
	beyondTarget = 100 // ms of the entrypoint's, beyond the runtime's own
	bakeTarget   = 1.2 // of a copy's time
	addedTarget  = 15  // MB that bake adds
)

// section is what docs/measured.md says about images; of what was not measured,
// nothing.
func (g *gallery) section() (string, error) {
	if g == nil {
		return "", nil
	}
	t, err := template.New("images").Parse(imagesText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"Took": g.Took.Round(time.Second), "Targets": targetTable(g.targets()), "Sizes": g.sizeTable(), "Builds": g.buildTable(),
		"Starts": g.startTable(), "Bakes": g.bakeTable(), "Why": imagesWhy,
		"BakedSize": number(float64(bakedSize)/1e6, 0),
	})
	return b.String(), err
}

func (g *gallery) targets() (all []target) {
	for _, i := range g.Images {
		all = append(all, target{what: "start of " + i.Name + ": perch-entrypoint − the runtime's own", unit: "ms",
			got: 1000 * difference(i.Starts, startsPerch, startsStatic), want: beyondTarget})
	}
	return append(all,
		target{what: "bake, time: " + byBake + " / " + byCopy, got: ratio(g.Baking.Table, byBake, byCopy), want: bakeTarget},
		target{what: "bake, what is added", unit: "MB", got: g.Baking.added(), want: addedTarget})
}

// added is what bake adds, in MB.
func (b baking) added() float64 { return megabytes(b.Baked - b.Base) }

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

func (g *gallery) sizeTable() string {
	rows := [][]string{{"image", "packed, MB", "of which the base, MB", "unpacked, MB", "the base unpacked, MB"}}
	for _, i := range g.Images {
		rows = append(rows, []string{i.Name, number(megabytes(i.Size.Packed), 1), number(megabytes(i.Base.Packed), 1),
			number(megabytes(i.Size.Unpacked), 0), number(megabytes(i.Base.Unpacked), 0)})
	}
	return markdown(rows)
}

func (g *gallery) buildTable() string {
	rows := [][]string{{"image", "from nothing, s", "nothing changed, s", "runs"}}
	for _, i := range g.Images {
		cached := i.CachedTable.row(i.Name).Took
		rows = append(rows, []string{i.Name, number(i.Cold.Median(), 0), number(cached.Median(), 2), fmt.Sprintf("%d, %d", len(i.Cold), len(cached))})
	}
	return markdown(rows)
}

func (g *gallery) startTable() string {
	rows := [][]string{{"image", "until", "median, ms", "p95, ms", "runs"}}
	for _, i := range g.Images {
		for _, s := range i.Starts.Rows {
			rows = append(rows, []string{i.Name, s.Way, number(1000*s.Took.Median(), 0), number(1000*s.Took.P95(), 0), fmt.Sprint(len(s.Took))})
		}
	}
	return markdown(rows)
}

func (g *gallery) bakeTable() string {
	rows := [][]string{{"way", "median, s", "p95, s", "busy, s", "time / " + byCopy, "runs"}}
	for _, s := range g.Baking.Table.Rows {
		rows = append(rows, []string{s.Way, number(s.Took.Median(), 2), number(s.Took.P95(), 2), number(s.Busy.Median(), 2),
			number(ratio(g.Baking.Table, s.Way, byCopy), 2), fmt.Sprint(len(s.Took))})
	}
	return markdown(rows)
}

package smoke

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// most is how much of what a job says is taken, in bytes.
const most = 1 << 20

// errEndless is of what says more than anybody reads.
var errEndless = errors.New("it says more than 1 MB, and was cut off")

// bounded holds what a program writes, and breaks off when it is too much.
type bounded struct {
	text bytes.Buffer
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > most {
		b.over = true
		return 0, errEndless
	}
	return b.text.Write(p)
}

func (b *bounded) String() string { return b.text.String() }

// readEnd reads the end of a file of any size.
func readEnd(name string, size int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	start := max(0, info.Size()-size)
	return io.ReadAll(io.NewSectionReader(file, start, info.Size()-start))
}

package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"sluice/internal/frame"
	"sluice/internal/logs"
)

// linkRows makes rows with links, and with keys that have a dictionary: pages that are
// large enough for frames of our own. Some are what senders may try.
func linkRows(n int) []every {
	r := rand.New(rand.NewPCG(6, 6))
	odd := []string{"", "/", strings.Repeat("/", 300), strings.Repeat("a", 70_000), "ä/\"x\"\x00\x00?=", strings.Repeat("?=&", 50)}
	rows := make([]every, n)
	for i := range rows {
		key := fmt.Sprintf("events/dt=2026-01-%02d/part-%d-%012x.parquet", 1+r.IntN(28), r.IntN(1<<r.IntN(17)), r.Uint64()>>16)
		if r.IntN(30) == 0 {
			key = odd[r.IntN(len(odd))]
		}
		rows[i] = every{When: 20000 * day, Line: logs.Int64(i + 1), Bucket: logs.Text(key)}
		if r.IntN(4) == 0 {
			rows[i].Bucket = rows[r.IntN(i+1)].Bucket
		}
		if r.IntN(50) > 0 {
			rows[i].URI = fmt.Appendf(nil, "GET /%s HTTP/1.1", rows[i].Bucket)
		}
	}
	return rows
}

// TestWriteText: large pages of texts are frames of our own, and what is too small for
// one, too large or none is what zstd's encoder makes of it.
func TestWriteText(t *testing.T) {
	var links []byte
	for _, r := range linkRows(3000) {
		links = appendText(links, r.URI)
	}
	noise := make([]byte, 2*minFrame)
	r := rand.New(rand.NewPCG(3, 3))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	little := bytes.Clone(noise) // less than what it takes to say that it repeats
	copy(little[100:], "aaaaa")
	for _, c := range []struct {
		name string
		text []byte
		ours bool
	}{
		{"links", links, true},
		{"few links", links[:minFrame-1], false},
		{"noise", noise, true},
		{"noise in which little repeats", little, false},
		{"too large", bytes.Repeat([]byte("/a"), frame.MaxText/2+1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := newEncoder()
			if err != nil {
				t.Fatal(err)
			}
			e.hold = true
			e.body = c.text
			if err := e.writeText(); err != nil {
				t.Fatal(err)
			}
			theirs := e.zip.EncodeAll(c.text, nil)
			if ours := !bytes.Equal(e.small, theirs); ours != c.ours {
				t.Errorf("a frame of our own: %v, want %v", ours, c.ours)
			}
			z, err := zstd.NewReader(nil)
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			if text, err := z.DecodeAll(e.small, nil); err != nil || !bytes.Equal(text, c.text) {
				t.Errorf("%d bytes come back, want %d: %v", len(text), len(c.text), err)
			}
		})
	}
}

package sigma

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// FuzzContainsAny: to look for all texts in one pass and then for those that it leaves
// finds what looking for each finds. The first byte says how long the texts are.
func FuzzContainsAny(f *testing.F) {
	for _, seed := range []string{"", "\x03abcabdabe.ssfile.ssh/id", "\x02aabbccddeeffgghhiijjkka", "\x05\xff\xfe\xfd\xfc\xfbéèêäöüß"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		size, rest := 1+int(data[0]%8), data[1:]
		var texts [][]byte
		for len(rest) > size && len(texts) < 20 {
			texts, rest = append(texts, rest[:size]), rest[size:]
		}
		seek := newPairs(texts)
		for _, text := range append(texts, rest, nil, rest[len(rest)/2:]) {
			if got, want := containsAny(text, texts, seek), containsAny(text, texts, nil); got != want {
				t.Fatalf("one of %q in %q: got %v, want %v", texts, text, got, want)
			}
		}
	})
}

// TestPairs: texts of a few letters, in which much is found and much is nearly found;
// and what is too short, or too little, is looked for as ever.
func TestPairs(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ab/."[rnd.IntN(4)]
		}
		return b
	}
	found, refuted, missed := 0, 0, 0
	for range 20_000 {
		var texts [][]byte
		for range minPairs + rnd.IntN(10) {
			texts = append(texts, text(2+rnd.IntN(6)))
		}
		in, seek := text(rnd.IntN(30)), newPairs(texts)
		got := containsAny(in, texts, seek)
		want := false
		for _, p := range texts {
			want = want || bytes.Contains(in, p)
		}
		switch {
		case got != want:
			t.Fatalf("one of %q in %q: got %v, want %v", texts, in, got, want)
		case got:
			found++
		case seek.in(in) == 0:
			refuted++
		default:
			missed++
		}
	}
	if min(found, refuted, missed) < 500 {
		t.Errorf("%d found, %d refuted at once, %d later: shows little", found, refuted, missed)
	}
	few := [][]byte{[]byte("ab"), []byte("cd"), []byte("ef")}
	if newPairs(few) != nil || newPairs(append(few, []byte("g"))) != nil || newPairs(append(few, []byte("gh"))) == nil {
		t.Error("pairs of three texts, or of one letter; or none of four")
	}
}

// BenchmarkContainsAny is what looking for the names of credentials in a key takes.
func BenchmarkContainsAny(b *testing.B) {
	var texts [][]byte
	for _, s := range []string{".aws/credentials", ".ssh/", ".kube/config", "private_key", "private-key", "privatekey", "service-account", "serviceaccount", "accesskeys.csv"} {
		texts = append(texts, []byte(s))
	}
	key := []byte("events/dt=2026-01-17/hour=09/part-48213-5f0c9a7be04d.c000.snappy.parquet")
	for name, seek := range map[string]*pairs{"one by one": nil, "in one pass": newPairs(texts)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if containsAny(key, texts, seek) {
					b.Fatal("found")
				}
			}
		})
	}
}

package cloudtrail

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/internal/link"
)

// slowPairs finds pairs by looking at each byte by itself.
func slowPairs(b []byte) (found string) {
	for i := 0; i < len(b); {
		n := 0
		for _, sign := range []string{"=", `\u003d`, "%3d", "%253d", "%25253d"} {
			if hasPrefixFold(b[i:], sign) {
				n = len(sign)
			}
		}
		if n == 0 {
			if b[i] == '\\' {
				i++
			}
			i++
			continue
		}
		at := i + n
		if link.NamesSecret(b[:i]) {
			end := pairEnd(b, at, b[i] == '%')
			if end > at {
				found += fmt.Sprint(at, "-", end, " ")
			}
			at = end
		}
		i = at
	}
	return found
}

// TestPairs holds the search for secrets in texts of all that may be near one to a
// search without shortcuts.
func TestPairs(t *testing.T) {
	words := []string{"=", `\u003d`, `\u003D`, "%3d", "%253D", "%26", "%2526", "%252526", `\u0026`, "&", `\\`, `\"`, `"`, " ", "%", "3d",
		"Signature", "X-Amz-Security-Token", "sessiontoken", "Signatur%65", "securit%79-token", "x", "%25", "25"}
	r := rand.New(rand.NewPCG(1, 2))
	some := 0
	for range 50_000 {
		var b []byte
		for range r.IntN(12) {
			b = append(b, words[r.IntN(len(words))]...)
		}
		got, p := "", pairsIn(b)
		for {
			start, end, ok := p.next()
			if !ok {
				break
			}
			got += fmt.Sprint(start, "-", end, " ")
		}
		if want := slowPairs(b); got != want {
			t.Fatalf("%s: pairs at %s, want %s", b, got, want)
		}
		if got != "" {
			some++
		}
	}
	if some < 5_000 {
		t.Errorf("%d texts with secrets: too few to tell", some)
	}
}

// What is far ahead is searched for once, however much of another kind is before it: a
// record full of escaped equals signs took time by the square of its length. That it is
// not searched for again shows where it is not there any more.
func TestPairsSearchOnce(t *testing.T) {
	for _, near := range []string{"=", `\u003d`, "%3d"} {
		for _, far := range []string{"=", `\u003d`, "%3d"} {
			if near == far {
				continue
			}
			const n = 100
			b := []byte(strings.Repeat(near, n) + far)
			p := pairsIn(b)
			for k := range n {
				i, size := p.sign()
				if i != k*len(near) || size != len(near) {
					t.Fatalf("%s behind many %s: sign %d is at %d, %d bytes", far, near, k, i, size)
				}
				p.at = i + size
				b[n*len(near)] = 'x'
			}
			if at := map[string]int{"=": p.plain, `\u003d`: p.slash, "%3d": p.percent}[far]; at != n*len(near) {
				t.Errorf("%s behind many %s: searched for again: found at %d", far, near, at)
			}
		}
	}
}

package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"sluice/internal/finding"
	"sluice/internal/sigma"
)

// TestCounterNames: a counter is named as stacks that run have named it, written here
// one part after the other.
func TestCounterNames(t *testing.T) {
	rules, problems := Load(Options{})
	for _, p := range problems {
		t.Fatal(p)
	}
	plain := func(t *target, what, owner string, group []finding.Pair) string {
		h := sha256.New()
		text := func(s string) {
			_ = binary.Write(h, binary.BigEndian, uint32(len(s)))
			h.Write([]byte(s))
		}
		number := func(n int64) { _ = binary.Write(h, binary.BigEndian, n) }
		text("sluice-counter-1")
		text(what)
		text(t.about.ID)
		text(string(t.kind))
		number(t.shape.bin)
		number(t.shape.window)
		number(t.shape.slot)
		number(int64(t.values))
		if t.kind == sigma.ValueCount {
			number(t.least())
		}
		if t.corr != nil {
			for _, f := range t.corr.Condition.Fields {
				text(f)
			}
			number(int64(len(t.corr.Rules)))
		}
		text(owner)
		for _, p := range group {
			text(p.Name)
			if p.Null {
				number(-1)
			} else {
				text(p.Value)
			}
		}
		return hex.EncodeToString(h.Sum(nil)[:16])
	}
	groups := [][]finding.Pair{
		nil,
		{{Name: "bucket_name", Value: "example"}},
		{{Name: "bucket_name", Null: true}, {Name: "requester_name", Value: ""}},
		{{Name: "key_name", Value: strings.Repeat("x", 2000)}}, // more than there is room for beforehand
	}
	names := map[string]bool{}
	for _, target := range rules.targets {
		for _, what := range []string{"counts", "learn"} {
			for _, owner := range []string{"", "111122223333"} {
				for _, group := range groups {
					want := plain(target, what, owner, group)
					if got := target.counter(what, owner, group); got != want {
						t.Fatalf("%s of %s: got %s, want %s", what, target.about.ID, got, want)
					}
					names[want] = true
				}
			}
		}
	}
	if len(names) != len(rules.targets)*16 {
		t.Errorf("%d names of %d targets", len(names), len(rules.targets))
	}
	// One of them as it was when stacks first wrote it, so that both cannot change.
	about := &sigma.About{ID: "an-id"}
	fixed := &target{about: about, kind: sigma.EventCount, shape: shape{bin: 1, window: 2, slot: 3}}
	fixed.meaning = fixed.meaningOf()
	if got, want := fixed.counter("counts", "111122223333", groups[2]), "c59b3fe46b932d3e32fbce6737ac04e5"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

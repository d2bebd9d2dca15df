package detect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

// unheard notes which incidents were held back when they began, and tells of
// updates whether they are the first message that a person gets.
func (r *run) unheard(ctx context.Context, sent []message, held map[crowd][]message) error {
	var adds []Add
	note := func(m message, what string) {
		adds = append(adds, Add{Key: heardKey(m), Rule: LimitRule, Elements: []string{what}, Until: m.claim.Forget, Keep: m.claim.Keep})
	}
	for _, ms := range held {
		for _, m := range ms {
			if m.Step == 1 && m.updates {
				note(m, "held")
			}
		}
	}
	var updates []message
	var spans []Span
	for _, m := range sent {
		if m.Step > 1 {
			updates = append(updates, m)
			spans = append(spans, Span{Key: heardKey(m), Rule: LimitRule})
		}
	}
	if len(spans) > 0 {
		read, err := r.state.Read(ctx, spans)
		if err != nil {
			return err
		}
		for i, m := range updates {
			first, was := true, false
			for _, s := range read[i] {
				was = was || slices.Contains(s.Elements, "held")
				for _, step := range steps {
					first = first && (step >= m.Step || !slices.Contains(s.Elements, told(step)))
				}
			}
			if was {
				m.Unheard = first
				note(m, told(m.Step))
			}
		}
	}
	if len(adds) == 0 {
		return nil
	}
	return r.state.Add(ctx, adds)
}

func told(step int64) string { return "told " + strconv.FormatInt(step, 10) }

func heardKey(m message) string {
	h := sha256.Sum256([]byte("sluice-heard-1\x00" + m.UID))
	return hex.EncodeToString(h[:16])
}

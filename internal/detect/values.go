package detect

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// writeKey writes the key of the group that a hit belongs to, and says where in it
// the owner and the values begin.
func (w *Watcher) writeKey(f *feed, h *hit, period int64) (key []byte, owner, values int) {
	b := binary.AppendUvarint(w.buf[:0], uint64(f.target.index))
	if f.target.corr == nil {
		b = binary.AppendVarint(b, period)
	}
	var text logs.Text
	if f.target.owned() {
		text = h.owner
	}
	b = binary.AppendUvarint(b, uint64(len(text)))
	owner = len(b)
	b = append(b, text...)
	values = len(b)
	for _, at := range f.asked {
		a := w.field(h, at)
		if !a.read {
			w.read(h, a)
		}
		if a.present {
			b, _ = appendSized(b, sigma.Value{Kind: sigma.Text, Text: a.text})
		} else {
			b = append(b, 0)
		}
	}
	w.buf = b
	return b, owner, values
}

// appendSized writes a value behind its length, so that no two lists of values
// read alike, and says where it begins.
func appendSized(b []byte, v sigma.Value) ([]byte, int) {
	b = append(b, 1, 0, 0, 0, 0)
	from := len(b)
	b = appendValue(b, v)
	binary.BigEndian.PutUint32(b[from-4:], uint32(len(b)-from))
	return b, from
}

// cutSized reads what appendSized wrote at the beginning of a key; it is not ok
// where an absent value stands.
func cutSized(key string) (value, rest string, ok bool) {
	const head = 5
	if key[0] == 0 {
		return "", key[1:], false
	}
	end := head + int(binary.BigEndian.Uint32([]byte(key[1:head])))
	return key[head:end], key[end:], true
}

// appendValue writes a value as text.
func appendValue(b []byte, v sigma.Value) []byte {
	switch v.Kind {
	case sigma.Int:
		return strconv.AppendInt(b, v.Num, 10)
	case sigma.Bool:
		return strconv.AppendBool(b, v.Num != 0)
	case sigma.Time:
		return logs.Time(v.Num).Go().AppendFormat(b, "2006-01-02T15:04:05.999Z07:00")
	}
	return append(b, v.Text...)
}

// bounded is a value of the group as it is kept: one that is too long is told
// from others by its hash.
func bounded(s string) string {
	if len(s) <= maxText {
		return s
	}
	h := sha256.Sum256([]byte(s))
	return s[:maxText] + "#" + strconv.FormatUint(binary.BigEndian.Uint64(h[:8]), 16)
}

// number is a value as a whole number, where it is one.
func number(v sigma.Value) (int64, bool) {
	if !v.Present {
		return 0, false
	}
	if v.Kind == sigma.Int {
		return v.Num, true
	}
	if v.Kind != sigma.Text && v.Kind != sigma.JSON || len(v.Text) > 24 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(v.Text)), 10, 64)
	return n, err == nil
}

// digest is a hash of the values that are counted, absent when all of them are.
func (w *Watcher) digest(fields []sigma.Field, r sigma.Record) (sum [8]byte, ok bool) {
	b := w.buf[:0]
	for _, field := range fields {
		v := r.Field(field.ID)
		if !v.Present {
			b = append(b, 0)
			continue
		}
		ok = true
		b, _ = appendSized(b, v)
	}
	w.buf = b
	h := sha256.Sum256(b)
	return [8]byte(h[:8]), ok
}

// digestPairs is digest for values that a finding holds.
func digestPairs(pairs []finding.Pair, at []int) (sum [8]byte, ok bool) {
	var b []byte
	for _, i := range at {
		p := pairs[i]
		if p.Null {
			b = append(b, 0)
			continue
		}
		ok = true
		b, _ = appendSized(b, sigma.Value{Kind: sigma.Text, Present: true, Text: []byte(p.Value)})
	}
	h := sha256.Sum256(b)
	return [8]byte(h[:8]), ok
}

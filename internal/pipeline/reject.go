package pipeline

import (
	"fmt"
	"unicode/utf8"

	"sluice/internal/logs"
)

// maxRaw is how much of a rejected record is kept: more than any real log line,
// little enough that a thousand hostile ones fit in a lake.
const maxRaw = 1 << 20

// reject writes a bad record to the table of rejects.
func (p *Pipeline) reject(f *File, in *logs.Input, b *logs.BadRecord) error {
	raw, detail := b.Raw, printable(b.Detail)
	if len(raw) > maxRaw {
		cut := maxRaw
		for cut > maxRaw-utf8.UTFMax && !utf8.RuneStart(raw[cut]) {
			cut--
		}
		detail += fmt.Sprintf("; raw cut to %d of %d bytes", cut, len(raw))
		raw = raw[:cut]
	}
	if !utf8.Valid(raw) {
		detail += `; raw escaped: bytes that are not UTF-8 stand as \xHH, backslashes are doubled`
		raw = logs.AppendEscaped(nil, raw)
	}
	return writing(p.rejected, &logs.Rejected{
		EventTime: b.Time,
		MeantFor:  logs.Text(f.Format),
		Reason:    logs.Text(b.Reason),
		Detail:    logs.Text(detail),
		Raw:       logs.Text(raw),
		LogKey:    logs.Text(in.Key),
		LogLine:   logs.Int64(b.Line),
	})
}

// printable returns s as it is when it is UTF-8, else escaped.
func printable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string(logs.AppendEscaped(nil, []byte(s)))
}

package generate

import (
	"bytes"
	"strings"
)

// special is an odd line. A legal one must become a clean row, a broken one a
// reject.
type special struct {
	name   string
	broken bool
	change func(w *world, r *request) // before the line is written; nil: nothing
	mangle func(line []byte) []byte   // after; nil: nothing
}

var specials = []special{
	{name: "origin-access-identity", change: func(w *world, r *request) {
		r.by, r.requester, r.sourceRegion = nil, w.oai, "-"
	}},
	{name: "doubled-space", change: func(_ *world, r *request) { r.gap = true }},
	{name: "quote-before-user-agent", change: func(_ *world, r *request) {
		r.agent = `"Mozilla/5.0 (Windows NT 10.0; Win64; x64)`
	}},
	{name: "broken-cut", broken: true, mangle: func(line []byte) []byte {
		return line[:bytes.IndexByte(line, '"')-1]
	}},
	{name: "json-user-agent", change: func(_ *world, r *request) {
		r.agent = `pip/24.2 {"ci":null,"cpu":"x86_64","implementation":{"name":"CPython","version":"3.12.5"}}`
	}},
	{name: "quotes-in-request-uri", change: func(_ *world, r *request) {
		r.uri = append(bytes.TrimSuffix(r.uri, []byte(" HTTP/1.1")), `&response-content-disposition=attachment;filename="report.pdf" HTTP/1.1`...)
	}},
	{name: "not-utf8-user-agent", change: func(_ *world, r *request) { r.agent = "Caf\xe9Reader/2.1 (d\xe9j\xe0 vu)" }},
	{name: "broken-time", broken: true, mangle: func(line []byte) []byte {
		i := bytes.IndexByte(line, '[')
		copy(line[i:], "[31/Feb/2026:25:61:07 +0000]")
		return line
	}},
	{name: "backslashes", change: func(_ *world, r *request) { r.agent = `win64 sync-tool C:\\tools\sync (build 77)` }},
	{name: "bare-user-agent", change: func(_ *world, r *request) { r.referer, r.agent = "", "" },
		mangle: func(line []byte) []byte { return bytes.Replace(line, []byte(` "-" "-" `), []byte(` "-" - `), 1) }},
	{name: "empty-referer", change: func(_ *world, r *request) { r.referer = "" },
		mangle: func(line []byte) []byte { return bytes.Replace(line, []byte(` "-" "`), []byte(` "" "`), 1) }},
	{name: "broken-status", broken: true, mangle: func(line []byte) []byte {
		return bytes.Replace(line, []byte(` HTTP/1.1" 200 `), []byte(` HTTP/1.1" 2xx `), 1)
	}},
	{name: "26-fields", change: func(_ *world, r *request) { r.fields = 26 }},
	{name: "long-line", change: func(_ *world, r *request) {
		r.uri = append(bytes.TrimSuffix(r.uri, []byte(" HTTP/1.1")), "&x-padding="+strings.Repeat("0123456789abcdef", 5000)+" HTTP/1.1"...)
	}},
	{name: "duplicate-line"}, // written twice; both are rows
	{name: "broken-other-text", broken: true, mangle: func([]byte) []byte {
		return []byte(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>InternalError</Code></Error>`)
	}},
}

// special draws the line of special s. The query in its request line is what
// the changes above add to.
func (t *traffic) special(s *special, b *bucket, at int64) *request {
	t.r.at = at
	t.get(b, t.w.sessions[t.w.active.draw(t.d)])
	t.r.version = ""
	t.requestLine("GET", "?x-id=GetObject", "")
	if s.change != nil {
		s.change(t.w, &t.r)
	}
	return &t.r
}

// odds is how many special lines to plant: a handful of each kind, never more
// than a tenth of all.
func (r *run) odds() int64 {
	n := int64(len(specials))
	return min(n*(1+r.o.Lines/200_000), r.base/10)
}

// oddDue returns the special that is due, if it can stand here: never first in
// a file, which must be recognised by its beginning; inside one day with the
// delivery, so that a reject has the same day whatever could be read of it.
func (r *run) oddDue(lines int, left, at, delivered int64) *special {
	if r.written < r.nextOdd || r.base < 10 || lines == 0 || left < 2 || r.traffic.members > 0 || r.traffic.copied ||
		at/secondsPerDay != delivered/secondsPerDay {
		return nil
	}
	r.nextOdd += r.base / (max(r.odds(), 1) + 1)
	r.odd++
	return &specials[(r.odd-1)%len(specials)]
}

// oddLine writes one special and returns how many lines more than one it took.
func (r *run) oddLine(s *special, b *bucket, at int64, put func([]byte)) int64 {
	q := r.traffic.special(s, b, at)
	line := q.line(nil, r.w.owner, &r.calendar)
	if s.mangle != nil {
		line = s.mangle(line)
	}
	put(line)
	r.written++
	r.tally.special[s.name]++
	if s.broken {
		r.tally.reject(at)
		return 0
	}
	r.tally.row(q, false)
	if s.name != "duplicate-line" {
		return 0
	}
	put(line)
	r.written++
	r.tally.row(q, false)
	return 1
}

package s3access

import (
	"bytes"

	"sluice/internal/logs"
)

// This file is the reference: it finds every legal split of a line. The fast
// path (fast.go) handles the lines that can have only one; a fuzz test holds
// the two together.
//
// What makes the search small: S3 writes everything behind the User-Agent
// without quotes, so the last quote of the line closes the last quoted field,
// whatever the requester put in front of it. What can be forged is where the
// Request-URI ends and where the Referer ends.

// zone is the part of a line from the Request-URI on, with what is the same in
// every split of it.
type zone struct {
	b        []byte
	uri      int  // where the Request-URI starts
	lastQ    int  // the last quote of the line, -1 without any
	lastEdge int  // the last quote that can close a Referer before a quoted User-Agent, -1 without any
	plain    bool // the operation is S3's own: its quoted fields are "-" or ""
	quotedUA bool // fields behind a User-Agent closed by lastQ are legal
	bareUA   bool // fields behind a Referer closed by lastQ and a bare "-" are legal
	quoted   split
	bare     split
	work     split // the split being tried
}

// look makes z the zone of a line from the Request-URI on; head holds fields 1 to 8.
func (z *zone) look(b []byte, head *split, uri int, plain bool) {
	*z = zone{b: b, uri: uri, lastQ: -1, lastEdge: -1, plain: plain, quoted: *head, bare: *head}
	if i := bytes.LastIndexByte(b[uri:], '"'); i >= 0 {
		z.lastQ = uri + i
		p := gap(b, z.lastQ+1)
		z.quotedUA = z.quoted.tail(b, p)
		if p > 0 && dash(b, p) {
			z.bareUA = z.bare.tail(b, gap(b, p+1))
		}
		for q := z.lastQ; q > uri; {
			if q = bytes.LastIndexByte(b[:q], '"'); q <= uri {
				break
			}
			if z.edge(q) {
				z.lastEdge = q
				break
			}
		}
	}
}

// edge tells whether the quote at q can close a Referer that a quoted
// User-Agent follows.
func (z *zone) edge(q int) bool {
	u := gap(z.b, q+1)
	return u > 0 && z.b[u] == '"' && u < z.lastQ
}

// inner is the text between the quotes at a and e; "-" is absent like a bare one.
func inner(b []byte, a, e int) span {
	if e-a == 2 && b[a+1] == '-' {
		return span{}
	}
	return span{int32(a + 1), int32(e)}
}

// fits holds S3's own operations to what S3 writes for them.
func (z *zone) fits(a, e int) bool {
	return !z.plain || e-a == 1 || e-a == 2 && z.b[a+1] == '-'
}

// nextQuote returns the first quote at or behind i, or -1.
func (z *zone) nextQuote(i int) int {
	if j := bytes.IndexByte(z.b[i:], '"'); j >= 0 {
		return i + j
	}
	return -1
}

// each yields the legal splits from left to right until yield returns false.
func (z *zone) each(yield func(*split) bool) {
	b := z.b
	if b[z.uri] != '"' {
		if dash(b, z.uri) {
			z.work = z.quoted
			z.work.f[fURI] = span{}
			z.behindURI(&z.work, z.uri+1, yield)
		}
		return
	}
	for q := z.nextQuote(z.uri + 1); q >= 0; q = z.nextQuote(q + 1) {
		if !z.fits(z.uri, q) {
			continue
		}
		z.work = z.quoted
		z.work.f[fURI] = inner(b, z.uri, q)
		if !z.behindURI(&z.work, q+1, yield) {
			return
		}
	}
}

// behindURI yields the splits in which the Request-URI ends before end. It
// returns false when yield wants no more.
func (z *zone) behindURI(s *split, end int, yield func(*split) bool) bool {
	b := z.b
	r := s.numbers(b, end)
	if r < 0 {
		return true
	}
	if dash(b, r) {
		s.f[fReferer] = span{}
		u := gap(b, r+1)
		switch {
		case u < 0:
		case b[u] == '"' && u < z.lastQ && z.quotedUA && z.fits(u, z.lastQ):
			s.copyTail(&z.quoted)
			s.f[fUserAgent] = inner(b, u, z.lastQ)
			return yield(s)
		case dash(b, u) && u > z.lastQ && s.tail(b, gap(b, u+1)):
			s.f[fUserAgent] = span{}
			return yield(s)
		}
		return true
	}
	if b[r] != '"' {
		return true
	}
	if z.quotedUA {
		for e := z.nextQuote(r + 1); e >= 0 && e <= z.lastEdge; e = z.nextQuote(e + 1) {
			u := gap(b, e+1)
			if u < 0 || b[u] != '"' || u >= z.lastQ || !z.fits(r, e) || !z.fits(u, z.lastQ) {
				continue
			}
			s.copyTail(&z.quoted)
			s.f[fReferer], s.f[fUserAgent] = inner(b, r, e), inner(b, u, z.lastQ)
			if !yield(s) {
				return false
			}
		}
	}
	if z.bareUA && r < z.lastQ && z.fits(r, z.lastQ) {
		s.copyTail(&z.bare)
		s.f[fReferer], s.f[fUserAgent] = inner(b, r, z.lastQ), span{}
		return yield(s)
	}
	return true
}

func (s *split) copyTail(from *split) {
	copy(s.f[fVersion:], from.f[fVersion:])
	s.extra, s.n = from.extra, from.n
}

// count returns how many legal splits there are, in one pass whatever the
// requester wrote: a line of a megabyte of quotes has billions of them.
// It counts what each yields; only S3's own operations take the slow way, as
// their quoted fields are two bytes long.
func (z *zone) count() int64 {
	var n int64
	if z.plain || z.b[z.uri] != '"' {
		z.each(func(*split) bool { n++; return true })
		return n
	}
	var (
		s       split
		open    int64 // ways the Request-URI can have ended, the Referer being open
		pending = -1  // opening quote of the Referer found last
	)
	for q := z.nextQuote(z.uri + 1); q >= 0; q = z.nextQuote(q + 1) {
		if z.quotedUA && z.edge(q) {
			n += open
		}
		if z.bareUA && q == z.lastQ {
			n += open
		}
		if q == pending {
			open++
		}
		r := s.numbers(z.b, q+1)
		if r < 0 {
			continue
		}
		if z.b[r] == '"' {
			pending = r
			continue
		}
		if dash(z.b, r) {
			z.work = z.quoted
			z.behindURI(&z.work, q+1, func(*split) bool { n++; return true })
		}
	}
	return n
}

// shown is how many splits are compared for what they agree on, and shown to a
// person. A line with more has no field in doubt that could be kept.
const shown = 64

// splits makes z the zone behind the head of a line, and returns how many legal
// splits it has. What S3 does by itself is held to what S3 writes, unless nothing
// fits then.
func (z *zone) splits(b []byte, head *split, uri int) (n int64) {
	z.look(b, head, uri, head.internal(b))
	if n = z.count(); n == 0 && z.plain {
		z.look(b, head, uri, false)
		n = z.count()
	}
	return n
}

// legal finds what all legal splits of a line agree on. n is their number; s
// holds the fields they share, and doubt tells those they do not share. z is
// scratch memory.
func legal(b []byte, s *split, z *zone) (n int64, doubt [numFields]bool, bad logs.Reason) {
	uri, bad := s.head(b)
	if bad != "" {
		return 0, doubt, bad
	}
	n = z.splits(b, s, uri)
	if n == 0 {
		return 0, doubt, ReasonSplit
	}
	seen := 0
	z.each(func(t *split) bool {
		if seen++; seen == 1 {
			*s = *t
			return n > 1
		}
		for f := fURI; f < numFields; f++ {
			doubt[f] = doubt[f] || !same(b, t.f[f], s.f[f])
		}
		if t.extra != s.extra {
			s.extra = span{}
		}
		return seen < shown
	})
	if n > shown {
		for f := fURI; f < numFields; f++ {
			doubt[f] = true
		}
		s.extra = span{}
		if z.quotedUA && !z.bareUA && !z.bareBoth() {
			for f := fVersion; f < numFields; f++ {
				doubt[f] = false // one tail for all of them
			}
			s.extra = z.quoted.extra
		}
	}
	return n, doubt, ""
}

// bareBoth tells whether a split with Referer and User-Agent both bare is
// thinkable: the text behind the last quote then begins with the status.
func (z *zone) bareBoth() bool {
	s := z.quoted
	r := s.numbers(z.b, z.lastQ+1)
	return r > 0 && dash(z.b, r)
}

// same tells whether two spans hold the same value; absent is not empty.
func same(b []byte, x, y span) bool {
	return x == y || x != span{} && y != span{} && bytes.Equal(x.of(b), y.of(b))
}

// internal tells the operations that S3 does by itself, or once for each key of
// a batch: no request line, Referer or User-Agent of a requester is on them.
func (s *split) internal(b []byte) bool {
	op := s.f[fOperation].of(b)
	return bytes.HasPrefix(op, []byte("S3.")) || bytes.HasPrefix(op, []byte("BATCH."))
}

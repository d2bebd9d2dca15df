package generate

import (
	"slices"
	"time"
)

// plot is one scenario being planted: on top of the traffic, from a stream of
// chance of its own, bounded in size.
type plot struct {
	w     *world
	d     *dice
	t     *traffic
	at    int64 // now; step moves it
	size  int   // how many requests make the scenario, about
	found Planted
	ips   map[string]bool
	run   *run
}

// plot plants scenario s, the i-th of the list.
func (r *run) plot(i int, s scenario) *plot {
	d := newDice(r.o.Seed, uint64(100+i))
	p := &plot{
		w: r.w, d: d, t: newTraffic(r.w, d), run: r, ips: map[string]bool{},
		size:  int(min(max(r.o.Lines/200, 120), 2000)), // enough to be noticed however few lines there are
		found: Planted{Name: s.Name, Title: s.Title, Summary: s.Summary, Operations: map[string]int64{}},
	}
	// Each has its place in the period, the same whichever others are there.
	span := r.end - r.start
	p.at = r.start + span*int64(i+1)/int64(len(scenarios)+2) + int64(d.below(600))
	s.plant(p)
	return p
}

// step lets up to n seconds pass, one at least.
func (p *plot) step(n int) { p.at = min(p.at+1+int64(p.d.below(n)), p.run.end-1) }

// get draws a successful GET of key by s; with s nil, an anonymous one.
func (p *plot) get(b *bucket, key string, s *session, ip, agent string) *request {
	by := s
	if by == nil {
		by = p.w.sessions[0]
	}
	r := &p.t.r
	r.at = p.at
	p.t.get(b, by)
	r.accessPoint, r.version = "-", ""
	if s == nil {
		p.t.unsigned()
	}
	if key != "" {
		p.t.keyBuf = append(p.t.keyBuf[:0], key...)
		r.key = p.t.keyBuf
	}
	if ip != "" {
		p.t.ipBuf = append(p.t.ipBuf[:0], ip...)
		r.ip = p.t.ipBuf
	}
	if agent != "" {
		r.agent = agent
	}
	p.t.requestLine("GET", "", "")
	return r
}

// line plants r as a line of the access log.
func (p *plot) line(r *request) { p.plant(r, false) }

// forged plants r as a line that splits in more than one way.
func (p *plot) forged(r *request) { p.plant(r, true) }

func (p *plot) plant(r *request, ambiguous bool) {
	p.run.tally.row(r, ambiguous)
	p.run.lines[r.bucket] = append(p.run.lines[r.bucket], planted{r.at, r.line(nil, p.w.owner, &p.run.calendar)})
	p.run.total++
	p.found.Lines++
	p.found.Operations[operations[r.op].log]++
	if ambiguous {
		p.found.Ambiguous++
	}
	p.found.BytesSent += max(r.sent, 0)
	p.seen(r)
}

// record plants r as a CloudTrail record; extra goes into its requestParameters.
func (p *plot) record(r *request, extra string) {
	p.run.events = append(p.run.events, planted{r.at, r.record(nil, p.w, p.d, extra)})
	p.run.tally.record(r.at)
	p.run.total++
	p.found.Records++
	p.seen(r)
}

// both plants r in both logs, under one request id.
func (p *plot) both(r *request) {
	p.line(r)
	p.record(r, "")
	p.run.tally.joined++
}

func (p *plot) seen(r *request) {
	f := &p.found
	f.Bucket = r.bucket.name
	when := time.Unix(r.at, 0).UTC().Format(time.RFC3339)
	if f.First == "" || when < f.First {
		f.First = when
	}
	f.Last = max(f.Last, when)
	if !slices.Contains(f.Requesters, r.requester) {
		f.Requesters = append(f.Requesters, r.requester)
	}
	if ip := string(r.ip); r.ip != nil && !p.ips[ip] {
		p.ips[ip] = true
		if len(f.RemoteIPs) < 20 {
			f.RemoteIPs = append(f.RemoteIPs, ip)
		}
	}
	if id := string(r.id[:]); len(f.RequestIDs) < 20 && !slices.Contains(f.RequestIDs, id) {
		f.RequestIDs = append(f.RequestIDs, id)
	}
}

// expect notes a finding that the scenario must cause: of a rule, in the bucket
// at hand, for a group of fields and values.
func (p *plot) expect(rule string, group ...string) {
	e := Expected{Rule: rule, Bucket: p.found.Bucket, Group: map[string]string{}}
	for i := 0; i < len(group); i += 2 {
		e.Group[group[i]] = group[i+1]
	}
	p.found.Findings = append(p.found.Findings, e)
}

// usual reports whether the traffic before now shows for a week what is usual in
// a bucket: before that, nothing can be called new in it.
func (p *plot) usual() bool {
	const lead = 7*secondsPerDay + 6*3600 // a bucket's traffic does not begin at once
	return p.run.o.Lines >= 1000*int64(p.run.o.Days) && p.at-p.run.start > lead
}

func (p *plot) result() Planted { return p.found }

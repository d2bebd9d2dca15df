package generate

import (
	"errors"
	"math"
	"slices"
	"time"
)

// run is one call of Write.
type run struct {
	o        Options
	w        *world
	d        *dice // schedule, names, lateness
	traffic  *traffic
	calendar calendar
	folder   *folder
	trail    *trail
	tally    *tally
	progress func(done, total int64) error
	total    int64

	plots  []*plot
	lines  map[*bucket][]planted // by time; taken from the front
	events []planted

	start, end int64
	base       int64 // lines the schedule writes
	written    int64 // of base
	nextOdd    int64 // count of base lines at which the next special is due
	odd        int

	owed     float64 // CloudTrail records due for lines written
	eventDue int64   // records due by the end of the hour
	events0  int64   // ordinary records written
	managed  int64   // of events0
	broken   int64   // records still to be broken
	buf, rec []byte
}

// planted is a line or a record of a scenario, waiting for its time.
type planted struct {
	at   int64
	text []byte
}

func newRun(dir string, o Options, progress func(done, total int64) error) *run {
	r := &run{
		o: o, d: newDice(o.Seed, 2), w: newWorld(o.Seed, o.Account, o.Region, o.Lines), progress: progress,
		folder: &folder{root: dir}, tally: &tally{special: map[string]int64{}}, lines: map[*bucket][]planted{},
		start: o.Start.Unix(), end: o.Start.AddDate(0, 0, o.Days).Unix(), base: o.Lines,
	}
	r.traffic = newTraffic(r.w, newDice(o.Seed, 3))
	r.trail = &trail{w: r.w, d: newDice(o.Seed, 4), folder: &folder{root: dir}, tally: r.tally}
	if o.Events >= 200 {
		r.broken = 1 + o.Events/100_000
	}
	r.total = o.Lines + o.Events
	for i, s := range scenarios {
		if slices.Contains(o.Scenarios, s.Name) {
			r.plots = append(r.plots, r.plot(i, s))
		}
	}
	for _, queue := range r.lines {
		slices.SortStableFunc(queue, func(a, b planted) int { return int(a.at - b.at) })
	}
	slices.SortStableFunc(r.events, func(a, b planted) int { return int(a.at - b.at) })
	return r
}

// hours is how busy each hour of a day is, relative to the others; weekends
// have half of it.
var hours = [24]float64{3, 2, 2, 3, 4, 4, 5, 7, 11, 14, 15, 15, 13, 14, 15, 14, 12, 10, 8, 7, 6, 5, 4, 3}

func weight(at int64) float64 {
	t := time.Unix(at, 0).UTC()
	if day := t.Weekday(); day == time.Saturday || day == time.Sunday {
		return hours[t.Hour()] / 2
	}
	return hours[t.Hour()]
}

// all writes everything: old files, then hour by hour the buckets' files and
// CloudTrail's.
func (r *run) all() error {
	if err := r.archive(); err != nil {
		return err
	}
	var sum, all float64
	for at := r.start; at < r.end; at += 3600 {
		all += weight(at)
	}
	// An eighth of the records have no line: calls on buckets and accounts.
	perLine := 0.0
	if r.base > 0 {
		perLine = 0.88 * float64(r.o.Events) / float64(r.base)
	}
	shares := zipf(len(r.w.buckets), 0.8)
	var whole float64
	for _, s := range shares {
		whole += s
	}
	type backlog struct {
		lines int64
		from  int64 // its first event
		owed  float64
	}
	backlogs := make([]backlog, len(r.w.buckets))
	for i := range backlogs {
		backlogs[i].from = r.start
	}
	count := max(r.odds(), 1)
	r.nextOdd = r.base / (count + 1)
	var given int64
	for at := r.start; at < r.end; at += 3600 {
		before := math.Round(float64(r.base) * sum / all)
		sum += weight(at)
		hour := math.Round(float64(r.base)*sum/all) - before
		r.eventDue = int64(math.Round(float64(r.o.Events) * sum / all))
		last := at+3600 >= r.end
		for i, b := range r.w.buckets {
			q := &backlogs[i]
			q.owed += hour * shares[i] / whole
			n := int64(q.owed)
			q.owed -= float64(n)
			if last && i == len(backlogs)-1 {
				n = r.base - given
			}
			q.lines += n
			given += n
			// Each bucket's hours begin at another minute, so that files cross midnight.
			to := min(at+3600+int64(i*7+4)*60, r.end)
			if err := r.bucketHour(b, &q.lines, &q.from, to, perLine, last); err != nil {
				return err
			}
		}
		if err := r.trailHour(at); err != nil {
			return err
		}
	}
	return r.trail.digest()
}

// bucketHour writes the lines waiting for bucket b as files up to second to. A
// quiet bucket waits until a file is worth delivering, six hours at most.
func (r *run) bucketHour(b *bucket, lines, from *int64, to int64, perLine float64, last bool) error {
	mean := int64(r.o.LinesPerFile)
	files := (*lines + mean/2) / mean
	if files == 0 && *lines > 0 && (to-*from > 6*3600 || last) {
		files = 1
	}
	span := to - *from
	for j := range files {
		n := *lines
		if j < files-1 {
			even := *lines / (files - j)
			n = min(max(even/2+int64(r.d.below(int(even)+1)), 1), *lines-(files-j-1))
		}
		upto := *from + span/files
		if j == files-1 {
			upto = to
		}
		if err := r.accessFile(b, n, *from, upto, perLine); err != nil {
			return err
		}
		*lines -= n
		*from = upto
	}
	if files == 0 && last && len(r.lines[b]) > 0 { // a scenario in a bucket without traffic
		return r.accessFile(b, 0, *from, to, perLine)
	}
	return nil
}

// accessFile writes one file of n lines of the seconds from..to, and what the
// scenarios planted in bucket b up to then.
func (r *run) accessFile(b *bucket, n, from, to int64, perLine float64) error {
	delivered := to + int64(r.d.between(5*60, 50*60))
	f, err := r.folder.create(r.w.accessKeyName(r.d, b, delivered), delivered)
	if err != nil {
		return err
	}
	lines := 0
	put := func(line []byte) {
		if lines > 0 {
			f.Write([]byte{'\n'})
		}
		f.Write(line)
		lines++
	}
	ripe := func(at int64) {
		queue := r.lines[b]
		for len(queue) > 0 && queue[0].at < at {
			put(queue[0].text)
			queue = queue[1:]
		}
		r.lines[b] = queue
	}
	for i := int64(0); i < n; i++ {
		at := from + ((to-from)*i+int64(r.d.below(int(to-from)+1)))/n
		at = min(at, to-1)
		ripe(at)
		if s := r.oddDue(lines, n-i, at, delivered); s != nil {
			i += r.oddLine(s, b, at, put)
			continue
		}
		q := r.traffic.next(b, r.late(at), n-i)
		r.written++
		r.buf = q.line(r.buf[:0], r.w.owner, &r.calendar)
		put(r.buf)
		r.tally.row(q, false)
		r.owed += perLine
		if r.owed >= 1 && r.events0 < r.eventDue && b.trail && operations[q.op].event != "" && q.op != opBatchDelete {
			r.owed--
			r.tally.joined++
			if err := r.event(q); err != nil {
				return errors.Join(err, f.close())
			}
		}
	}
	ripe(to)
	if !r.d.in(16) { // some files end without a newline
		f.Write([]byte{'\n'})
	}
	r.tally.access.Files++
	r.tally.access.Bytes += f.bytes
	return errors.Join(f.close(), r.report())
}

// late moves a few events back: by hours, very few by days. Never before start.
func (r *run) late(at int64) int64 {
	then := at
	switch x := r.d.below(20_000); {
	case x == 0:
		then -= int64(r.d.between(2*secondsPerDay, 9*secondsPerDay))
	case x < 30:
		then -= int64(r.d.between(3600, 26*3600))
	}
	if then < r.start {
		return at
	}
	return then
}

func (r *run) report() error {
	if r.progress == nil {
		return nil
	}
	return r.progress(r.tally.access.Lines+r.tally.trail.Lines, r.total)
}

package generate

import (
	"bufio"
	"fmt"
	"io"
	"time"
)

// streamDay is the day the streams below are of.
var streamDay = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Unix()

// Lines writes n access-log lines of one day in the order of time, all buckets
// together: input for benchmarks of parsing and conversion. Every line has 27
// fields and no quotes inside a text, so any CSV reader splits it; every one is
// a clean row.
func Lines(w io.Writer, seed, n int64) error {
	world := newWorld(seed, "111122223333", "us-west-2", n)
	d := newDice(seed, 6)
	t := newTraffic(world, d)
	out := bufio.NewWriterSize(w, 1<<16)
	var c calendar
	var line []byte
	var weights float64
	for _, h := range hours {
		weights += h
	}
	var sum float64
	done := int64(0)
	b := world.buckets[0]
	for hour, h := range hours {
		sum += h
		upto := int64(float64(n) * sum / weights)
		if hour == len(hours)-1 {
			upto = n
		}
		from, count := streamDay+int64(hour)*3600, upto-done
		for i := range count {
			if t.members == 0 && !t.copied {
				b = world.buckets[world.share.draw(d)]
			}
			r := t.next(b, from+3600*i/count, count-i)
			line = append(r.line(line[:0], world.owner, &c), '\n')
			if _, err := out.Write(line); err != nil {
				return fmt.Errorf("generate lines: %w", err)
			}
		}
		done = upto
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("generate lines: %w", err)
	}
	return nil
}

// Events writes one CloudTrail document of n records, not compressed: nine S3
// data events to one management event.
func Events(w io.Writer, seed, n int64) error {
	world := newWorld(seed, "111122223333", "us-west-2", n)
	d := newDice(seed, 7)
	t := newTraffic(world, d)
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString(`{"Records":[`)
	var record []byte
	for i := range n {
		at := streamDay + secondsPerDay*i/n
		record = record[:0]
		if i > 0 {
			record = append(record, ',')
		}
		if i%10 == 9 {
			record = world.management(record, d, world.sessions[world.active.draw(d)], at)
		} else {
			r := t.next(world.buckets[world.share.draw(d)], at, 1)
			for operations[r.op].event == "" {
				r = t.next(world.buckets[world.share.draw(d)], at, 1)
			}
			record = r.record(record, world, d, "")
		}
		if _, err := out.Write(record); err != nil {
			return fmt.Errorf("generate events: %w", err)
		}
	}
	out.WriteString("]}")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("generate events: %w", err)
	}
	return nil
}

//go:build cgo && unix

package bench

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/elastic/go-grok"
	"github.com/elastic/go-grok/patterns"

	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// fields are those of a line in the order of LogFormat, owner first. A field
// that the line has as "-", or not at all, is "-".
type fields [numCompared]string

// The fields that every parser here gives, 1 to 24.
const numCompared = 24

// approach is a way to parse access logs that others took, in its smallest form.
type approach struct {
	name  string
	lines int64 // to measure it on: enough for a second or two
	// each calls yield for the line with this number, from 0; a line for which it is
	// not called is one that the parser refused or swallowed.
	each func(text []byte, yield func(line int, r *fields)) error
}

// parsers are the approaches of others. Panther's parser reads CSV line by line,
// Tailpipe and GoAccess have formats of their own, and Elastic's agents use grok.
var parsers = []approach{
	{"encoding/csv, a stream", 200_000, csvStream},
	{"encoding/csv, line by line", 50_000, byLine(csvLine)},
	{"Athena's published expression, Go regexp", 20_000, byLine(athena())},
	{"S3_ACCESS_LOG of elastic/go-grok", 3_000, byLine(grokked())},
}

// byLine makes each of what parses one line into r, and says whether it could.
func byLine(parse func(line []byte, r *fields) bool) func([]byte, func(int, *fields)) error {
	return func(text []byte, yield func(int, *fields)) error {
		var r fields
		n := 0
		for line := range bytes.Lines(text) {
			if parse(bytes.TrimSuffix(line, []byte("\n")), &r) {
				yield(n, &r)
			}
			n++
		}
		return nil
	}
}

func spaced(r io.Reader) *csv.Reader {
	c := csv.NewReader(r)
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.ReuseRecord = ' ', true, -1, true
	return c
}

// csvStream reads the whole text as one CSV file with spaces for commas.
func csvStream(text []byte, yield func(int, *fields)) error {
	c := spaced(bytes.NewReader(text))
	var r fields
	for {
		cells, err := c.Read()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if r.csv(cells) {
			line, _ := c.FieldPos(0)
			yield(line-1, &r)
		}
	}
}

func csvLine(line []byte, r *fields) bool {
	cells, err := spaced(bytes.NewReader(line)).Read()
	return err == nil && r.csv(cells)
}

// csv takes the cells of a CSV record, in which the time is two.
func (r *fields) csv(cells []string) bool {
	if len(cells) < 19 {
		return false
	}
	r[0], r[1] = cells[0], cells[1]
	r[2] = strings.TrimPrefix(cells[2], "[") + " " + strings.TrimSuffix(cells[3], "]")
	for i := 3; i < len(r); i++ {
		r[i] = "-"
		if i+1 < len(cells) {
			r[i] = cells[i+1]
		}
	}
	return true
}

// athena is the regular expression with which AWS's documentation makes an Athena
// table ("Using Amazon S3 server access logs to identify requests", Amazon S3 User
// Guide); Athena's RegexSerDe matches whole lines.
func athena() func([]byte, *fields) bool {
	const field, quoted = `([^ ]*)`, `("[^"]*"|-)`
	head := []string{field, field, `\[(.*?)\]`, field, field, field, field, field, quoted, `(-|[0-9]*)`}
	middle := strings.Repeat(" "+field, 6) + " " + quoted + " " + field
	re := regexp.MustCompile("^(?:" + strings.Join(head, " ") + middle + "(?:" + strings.Repeat(" "+field, 8) + ")?.*)$")
	return func(line []byte, r *fields) bool {
		m := re.FindSubmatchIndex(line)
		if m == nil {
			return false
		}
		for i := range r {
			r[i] = "-"
			if a, e := m[2*i+2], m[2*i+3]; a >= 0 {
				r[i] = string(bytes.Trim(line[a:e], `"`))
			}
		}
		return true
	}
}

// grokked is the pattern that Elastic's library ships for these logs.
func grokked() func([]byte, *fields) bool {
	g, err := grok.NewWithPatterns(patterns.Default, patterns.AWS)
	if err == nil {
		err = g.Compile("%{S3_ACCESS_LOG}", true)
	}
	names := [numCompared]string{
		"aws.s3access.bucket_owner", "aws.s3access.bucket", "timestamp", "client.address", "client.user.id",
		"aws.s3access.request_id", "aws.s3access.operation", "aws.s3access.key", "aws.s3access.request_uri",
		"http.response.status_code", "aws.s3access.error_code", "aws.s3access.bytes_sent", "aws.s3access.object_size",
		"aws.s3access.total_time", "aws.s3access.turn_around_time", "http.request.referrer", "user_agent.original",
		"aws.s3access.version_id", "aws.s3access.host_id", "aws.s3access.signature_version", "tls.cipher",
		"aws.s3access.authentication_type", "aws.s3access.host_header", "aws.s3access.tls_version",
	}
	return func(line []byte, r *fields) bool {
		if err != nil {
			panic(err) // of the pattern; the test that runs first says it
		}
		found, ferr := g.Parse(line)
		if ferr != nil || len(found) == 0 {
			return false
		}
		for i, name := range names {
			r[i] = "-"
			if v := found[name]; len(v) > 0 {
				r[i] = string(v)
			}
		}
		return true
	}
}

// BenchmarkParsers parses the same lines in turns with each of them, and judges what
// they make of the hard lines.
func BenchmarkParsers(b *testing.B) {
	text := generated(b, 200_000)
	hard := hardLines(b)
	rows := s3access.NewReader()
	read := func(part []byte) {
		for _, err := range rows.Read(&logs.Input{Key: delivered}, bytes.NewBuffer(part)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	read(text) // fills what is remembered
	for b.Loop() {
		for _, p := range parsers {
			part := firstLines(text, p.lines)
			v := judge(b, p, hard)
			var cpu pairs
			for range 3 {
				cpu.add(perLine(spent(b, func() { read(part) }).Seconds(), p.lines),
					perLine(spent(b, func() { _ = p.each(part, func(int, *fields) {}) }).Seconds(), p.lines))
			}
			figures.add(figure{
				what: "parse whole rows, CPU ns per line", sluice: decimals(median(cpu.ours), 0),
				other: decimals(median(cpu.theirs), 0), name: p.name, ratio: decimals(cpu.ratio(), 3),
			})
			figures.add(figure{
				what: fmt.Sprintf("  of %d hard lines silently wrong, and lost", len(hard)), sluice: "0, 0",
				other: fmt.Sprintf("%d, %d", v.wrong, v.lost), name: p.name,
			})
		}
	}
	b.ReportMetric(0, "ns/op")
}

func firstLines(text []byte, n int64) []byte {
	end := 0
	for range n {
		end += bytes.IndexByte(text[end:], '\n') + 1
	}
	return text[:end]
}

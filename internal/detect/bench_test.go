package detect_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/generate"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// generatedRows are rows of generated lines, each with memory of its own.
func generatedRows(b *testing.B, n int64) []*s3access.Row {
	b.Helper()
	var text bytes.Buffer
	if err := generate.Lines(&text, 1, n); err != nil {
		b.Fatal(err)
	}
	var rows []*s3access.Row
	for row, err := range s3access.Format.NewReader().Read(&logs.Input{Key: "logs/1"}, &text) {
		if err != nil {
			b.Fatal(err)
		}
		rows = append(rows, clone(row))
	}
	return rows
}

func clone(r *s3access.Row) *s3access.Row {
	c := *r
	c.Caller, c.Client, c.Ending, c.Source = nil, nil, nil, nil // true as long as the row is
	for _, text := range []*logs.Text{
		&c.BucketOwnerID, &c.BucketName, &c.RemoteIP, &c.Requester, &c.RequestID, &c.Operation, &c.KeyName, &c.RequestURI,
		&c.ErrorCode, &c.Referer, &c.UserAgent, &c.VersionID, &c.HostID, &c.SignatureVersion, &c.CipherSuite,
		&c.AuthenticationType, &c.HostHeader, &c.TLSVersion, &c.AccessPointARN, &c.SourceRegion, &c.KeyLogged,
		&c.RequesterType, &c.RequesterAccount, &c.RequesterName, &c.HTTPMethod, &c.PresignAccessKeyID,
		&c.UserAgentName, &c.UserAgentVersion, &c.UserAgentOS, &c.BucketRegion, &c.ParseStatus, &c.Raw, &c.Extra, &c.LogKey,
	} {
		*text = bytes.Clone(*text)
	}
	return &c
}

func allShipped(b *testing.B) *detect.Rules {
	b.Helper()
	rules, problems := detect.Load(detect.Options{})
	for _, p := range problems {
		b.Fatal(p)
	}
	return rules
}

// BenchmarkWatch is what all shipped rules cost a record, matching and grouping.
func BenchmarkWatch(b *testing.B) {
	rows := generatedRows(b, 50_000)
	w := allShipped(b).Watch()
	for range 2 { // what is the same in many rows is known by then
		w.Begin("a", "logs/a")
		for _, r := range rows {
			w.Row(r)
		}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		w.Row(rows[n%len(rows)])
		n++
	}
	if w.End(true) == nil {
		b.Fatal("nothing matched")
	}
}

// counted counts the calls that a state of DynamoDB would make.
type counted struct {
	detect.State
	adds, reads, claims, sent int
}

func (c *counted) Add(ctx context.Context, adds []detect.Add) error {
	c.adds += len(adds)
	return c.State.Add(ctx, adds)
}

func (c *counted) Read(ctx context.Context, spans []detect.Span) ([][]detect.Slot, error) {
	c.reads += len(spans)
	return c.State.Read(ctx, spans)
}

func (c *counted) Claim(ctx context.Context, now time.Time, claims []detect.Claim) ([]detect.Grant, error) {
	c.claims += len(claims)
	return c.State.Claim(ctx, now, claims)
}

func (c *counted) Sent(ctx context.Context, claims []detect.Claim) error {
	c.sent += len(claims)
	return c.State.Sent(ctx, claims)
}

type nowhere struct{}

func (nowhere) Send(context.Context, []*finding.Finding) error { return nil }

// BenchmarkApply is what a file of generated lines costs after it was watched,
// and how many calls it makes of a state.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprintf("%d lines", size), func(b *testing.B) {
			rules := allShipped(b)
			rows := generatedRows(b, 50_000)
			w := rules.Watch()
			var seen []*detect.Observed
			for i := 0; i+size <= len(rows); i += size {
				seen = append(seen, watched(w, fmt.Sprint(i), rows[i:i+size]...))
			}
			state := &counted{State: detect.NewMemory()}
			e := detect.NewEngine(rules, state, nowhere{}, detect.Config{})
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n%len(seen) == 0 { // files that are new again
					state.State = detect.NewMemory()
				}
				if _, err := e.Apply(b.Context(), seen[n%len(seen)]); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(state.adds)/float64(n), "adds/file")
			b.ReportMetric(float64(state.reads)/float64(n), "reads/file")
			b.ReportMetric(float64(state.claims)/float64(n), "claims/file")
		})
	}
}

package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/awsio"
	"sluice/internal/logs"
	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// lineRow is a format small enough to see through: a line is a row, "bad" is a
// reject, and "torn" breaks the file.
type lineRow struct {
	Time logs.Time `col:"time"`
	Text logs.Text `col:"text"`
}

type lineReader struct{}

func (lineReader) Read(in *logs.Input, r io.Reader) iter.Seq2[*lineRow, error] {
	return func(yield func(*lineRow, error) bool) {
		sc := bufio.NewScanner(r)
		for sc.Scan() {
			in.Lines++
			var more bool
			switch line := sc.Text(); line {
			case "torn":
				yield(nil, errors.New("torn"))
				return
			case "bad":
				more = yield(nil, &logs.BadRecord{Line: in.Lines, Time: in.Dated, Reason: "bad", Raw: []byte(line)})
			default:
				more = yield(&lineRow{Time: in.Dated, Text: logs.Text(line)}, nil)
			}
			if !more {
				return
			}
		}
		if err := sc.Err(); err != nil {
			yield(nil, err)
		}
	}
}

var lineFormat = logs.Format[lineRow]{
	Table: logs.Table[lineRow]{Name: "lines", Time: func(r *lineRow) logs.Time { return r.Time }},
	Match: func(key string, head []byte) (bool, string) {
		if strings.HasSuffix(key, ".digest") {
			return false, "a digest"
		}
		return true, ""
	},
	NewReader: func() logs.Reader[lineRow] { return lineReader{} },
}

// bucket is a pipeline.Source in memory. before runs at each Open.
type bucket struct {
	files  map[string]string
	before func(ctx context.Context, key string) error

	mu     sync.Mutex
	opened []string
}

func (b *bucket) Open(ctx context.Context, o pipeline.Object) (io.ReadCloser, error) {
	b.mu.Lock()
	b.opened = append(b.opened, o.Key)
	b.mu.Unlock()
	if b.before != nil {
		if err := b.before(ctx, o.Key); err != nil {
			return nil, err
		}
	}
	text, ok := b.files[o.Key]
	if !ok {
		return nil, errors.New("missing")
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

// lake notes what is committed as "keys: table rows, ...", and knows which files
// that was. Findings are written to it without files.
type lake struct {
	fail    func(keys string) error
	busy    string // the key of a file that another worker has
	open    int    // batches that were begun and have not ended
	done    map[string]string
	files   map[string]pipeline.File // as committed, by key
	commits []string
	names   []string
}

type batch struct {
	*lake
	id   string
	held []pipeline.Held
}

func (l *lake) Begin(_ context.Context, files []pipeline.Object) (pipeline.Batch, error) {
	b := &batch{lake: l, id: pipeline.BatchID(files)}
	for _, o := range files {
		if id, ok := l.done[o.ID()]; ok {
			b.held = append(b.held, pipeline.Held{Object: o, Batch: id})
		} else if o.Key == l.busy {
			b.held = append(b.held, pipeline.Held{Object: o, Batch: "theirs", Until: time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)})
		}
	}
	l.open++
	return b, nil
}

func (b *batch) ID() string            { return b.id }
func (b *batch) Held() []pipeline.Held { return b.held }

func (b *batch) Abort(ctx context.Context) error {
	b.open--
	return ctx.Err()
}

func (b *batch) Commit(ctx context.Context, files []pipeline.File, staged []table.Object) error {
	b.open--
	var keys []string
	for _, f := range files {
		if f.Outcome == pipeline.Converted {
			keys = append(keys, f.Object.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	all := strings.Join(keys, " ")
	if b.fail != nil {
		if err := b.fail(all); err != nil {
			return err
		}
	}
	if b.done == nil {
		b.done, b.files = map[string]string{}, map[string]pipeline.File{}
	}
	for _, f := range files {
		if f.Outcome == pipeline.Converted {
			b.done[f.Object.ID()], b.files[f.Object.Key] = b.id, f
		}
	}
	b.note(all, staged)
	return nil
}

func (l *lake) Write(_ context.Context, staged []table.Object) error {
	if l.fail != nil {
		if err := l.fail(""); err != nil {
			return err
		}
	}
	l.note("", staged)
	return nil
}

func (l *lake) note(keys string, staged []table.Object) {
	var rows []string
	for _, o := range staged {
		rows = append(rows, fmt.Sprintf("%s %d", strings.Split(o.Name, "/")[0], o.Rows))
		l.names = append(l.names, o.Name)
	}
	l.commits = append(l.commits, keys+": "+strings.Join(rows, ", "))
}

// rig is a handler on the real pipeline, with all its ends in reach.
type rig struct {
	*Handler
	src  *bucket
	lake *lake
	out  bytes.Buffer
}

func newRig(t testing.TB, files map[string]string) *rig {
	t.Helper()
	r := &rig{src: &bucket{files: files}, lake: &lake{}}
	h, err := New(Config{
		Settings: Settings{LakeBucket: "lake", LakePrefix: "tables/", Stage: t.TempDir(), LargeFile: 1000, Function: "ingest"},
		Objects:  awsio.Objects, Source: r.src, Lake: r.lake,
		Routes: []pipeline.Route{pipeline.To(lineFormat)}, Out: &r.out,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Handler = h
	r.out.Reset() // of what is said at the start
	return r
}

// handle answers one invocation with the ids of the failed messages.
func (r *rig) handle(ctx context.Context, payload string) ([]string, error) {
	res, err := r.Handle(ctx, json.RawMessage(payload))
	var ids []string
	for _, f := range res.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids, err
}

// lines decodes what was printed: file lines, other log lines, metrics.
func (r *rig) lines(t testing.TB) (files, other, metrics []map[string]any) {
	t.Helper()
	for line := range strings.Lines(r.out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("printed %q: %v", line, err)
		}
		switch {
		case m["_aws"] != nil:
			metrics = append(metrics, m)
		case m["msg"] == "file":
			files = append(files, m)
		default:
			other = append(other, m)
		}
	}
	return files, other, metrics
}

// record is one entry of an S3 notification for "key" or "bucket:key".
func record(name string, size int) string {
	bucket, key, ok := strings.Cut(name, ":")
	if !ok {
		bucket, key = "logs", name
	}
	return fmt.Sprintf(`{"eventSource":"aws:s3","eventTime":"2026-11-22T13:07:42Z","eventName":"ObjectCreated:Put",`+
		`"s3":{"bucket":{"name":%q},"object":{"key":%q,"size":%d,"eTag":"e1"}}}`, bucket, url.QueryEscape(key), size)
}

func notification(records ...string) string {
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

// queue is an SQS event of the bodies, with ids m1, m2, ...
func queue(bodies ...string) string {
	var recs []string
	for i, b := range bodies {
		quoted, _ := json.Marshal(b)
		recs = append(recs, fmt.Sprintf(`{"messageId":"m%d","receiptHandle":"r","body":%s,"attributes":{"ApproximateReceiveCount":"1"},`+
			`"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:111122223333:log-files"}`, i+1, quoted))
	}
	return notification(recs...)
}

// size is what S3 announces: a file that is missing was there once.
func size(files map[string]string, key string) int {
	if text, ok := files[key]; ok {
		return len(text)
	}
	return 7
}

// announced is one message a file, of the right size.
func announced(files map[string]string, keys ...string) string {
	var bodies []string
	for _, k := range keys {
		bodies = append(bodies, notification(record(k, size(files, k))))
	}
	return queue(bodies...)
}

// hungLake never gets a commit done.
type hungLake struct{ lake }

func (l *hungLake) Begin(ctx context.Context, files []pipeline.Object) (pipeline.Batch, error) {
	b, err := l.lake.Begin(ctx, files)
	return hungBatch{b}, err
}

type hungBatch struct{ pipeline.Batch }

func (hungBatch) Commit(ctx context.Context, _ []pipeline.File, _ []table.Object) error {
	<-ctx.Done()
	return ctx.Err()
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t testing.TB, dir, name string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return p
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// topics is a publisher that notes the ids of messages by topic.
type topics struct {
	got    map[string][]string
	bodies []awsio.Message
	refuse string           // the id of a message
	fail   map[string]error // by topic
}

func (s *topics) Publish(_ context.Context, topic string, msgs []awsio.Message) (refused []awsio.Refusal, err error) {
	if s.got == nil {
		s.got = map[string][]string{}
	}
	for _, m := range msgs {
		if m.ID == s.refuse {
			refused = append(refused, awsio.Refusal{ID: m.ID, Why: "too\nlong"})
			continue
		}
		s.got[topic] = append(s.got[topic], m.ID)
		s.bodies = append(s.bodies, m)
	}
	return refused, s.fail[topic]
}

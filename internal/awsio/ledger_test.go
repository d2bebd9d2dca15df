package awsio

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"sluice/internal/cost"
	"sluice/internal/ledger"
	"sluice/internal/pipeline"
	"sluice/internal/table"
	"sluice/internal/testaws"
)

// cloud is S3 and DynamoDB.
type cloud struct {
	s3      *S3
	bucket  string
	records *Records
	lake    *testaws.S3       // nil when it is not ours
	table   *testaws.DynamoDB // the same
}

func fakeCloud(t *testing.T) cloud {
	t.Helper()
	c := cloud{bucket: "lake", lake: testaws.NewLake(t), table: testaws.NewDynamoDB(t)}
	c.lake.Setenv(t)
	c.table.Setenv(t)
	cfg, err := configure(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	c.s3, c.records = NewS3(cfg), NewRecords(cfg, "state")
	return c
}

// otherCloud is a server that imitates AWS and is not ours.
func otherCloud(t *testing.T) cloud {
	t.Helper()
	endpoint := os.Getenv("SLUICE_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("set SLUICE_DYNAMODB_ENDPOINT to a server with DynamoDB and S3, such as moto_server, to run this")
	}
	testaws.NewS3(t).Setenv(t) // credentials and Region
	t.Setenv("AWS_ENDPOINT_URL", endpoint)
	cfg, err := configure(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("sluice-test-%d", time.Now().UnixNano())
	_, err = dynamodb.NewFromConfig(cfg).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := cloud{s3: NewS3(cfg), records: NewRecords(cfg, name), bucket: name}
	_, err = c.s3.client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket:                    &name,
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(cfg.Region)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// everywhere runs a test against every cloud there is.
func everywhere(t *testing.T, test func(t *testing.T, c cloud)) {
	t.Run("fake", func(t *testing.T) { test(t, fakeCloud(t)) })
	t.Run("other", func(t *testing.T) { test(t, otherCloud(t)) })
}

// TestRecords holds DynamoDB to what Memory does.
func TestRecords(t *testing.T) {
	record := func(sort, says, body string) ledger.Record {
		return ledger.Record{Partition: "f#1", Sort: sort, Says: says, Body: []byte(body), Expires: time.Unix(1795370000, 0).UTC()}
	}
	steps := []struct {
		name   string
		change ledger.Change
		want   ledger.Record
	}{
		{"make", ledger.Change{Record: record("a", "x", `{"key":"é\"<"}`)}, record("a", "x", `{"key":"é\"<"}`)},
		{"make again, as when the answer was lost", ledger.Change{Record: record("a", "x", `{"key":"é\"<"}`)}, record("a", "x", `{"key":"é\"<"}`)},
		{"make over another", ledger.Change{Record: record("a", "y", `{}`)}, record("a", "x", `{"key":"é\"<"}`)},
		{"swap what is not there", ledger.Change{Record: record("b", "y", `{}`), Was: "x"}, ledger.Record{}},
		{"swap", ledger.Change{Record: record("a", "y", `{}`), Was: "x"}, record("a", "y", `{}`)},
		{"swap again", ledger.Change{Record: record("a", "y", `{}`), Was: "x"}, record("a", "y", `{}`)},
		{"swap what was", ledger.Change{Record: record("a", "z", `{}`), Was: "x"}, record("a", "y", `{}`)},
		{"remove what was", ledger.Change{Record: record("a", "", ""), Was: "x"}, record("a", "y", `{}`)},
		{"remove", ledger.Change{Record: record("a", "", ""), Was: "y"}, ledger.Record{}},
		{"remove again", ledger.Change{Record: record("a", "", ""), Was: "y"}, ledger.Record{}},
	}
	check := func(t *testing.T, r ledger.Records) {
		for _, s := range steps {
			got, err := r.Swap(t.Context(), []ledger.Change{s.change})
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if diff := cmp.Diff([]ledger.Record{s.want}, got); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", s.name, diff)
			}
			is, err := r.Get(t.Context(), "f#1", s.change.Sort)
			if err != nil || !cmp.Equal(is, s.want) {
				t.Errorf("%s: then it is %+v, %v", s.name, is, err)
			}
		}
		var many []ledger.Change
		for i := range 40 { // a partition of more than a page
			many = append(many, ledger.Change{Record: record(fmt.Sprintf("%02d", i), "x", `"`+strings.Repeat("z", 50_000)+`"`)})
		}
		many[39].Partition = "f#2"
		if _, err := r.Swap(t.Context(), many); err != nil {
			t.Fatal(err)
		}
		for from, want := range map[string]int{"": 39, "10": 29, "38x": 0} {
			var got []string
			for rec, err := range r.List(t.Context(), "f#1", from) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, rec.Sort)
			}
			if len(got) != want || !slices.IsSorted(got) {
				t.Errorf("from %q: %q, want %d", from, got, want)
			}
		}
	}
	t.Run("memory", func(t *testing.T) { check(t, ledger.NewMemory()) })
	everywhere(t, func(t *testing.T, c cloud) { check(t, c.records) })
}

func TestRecordsLost(t *testing.T) {
	c := fakeCloud(t)
	c.table.Fail("PutItem", testaws.LostResponse, testaws.SlowDown)
	change := ledger.Change{Record: ledger.Record{Partition: "f#1", Sort: "a", Says: "x", Body: []byte("{}")}}
	got, err := c.records.Swap(t.Context(), []ledger.Change{change})
	if err != nil || got[0].Says != "x" {
		t.Errorf("after a lost answer: %+v, %v", got, err)
	}
	c.table.Fail("PutItem", testaws.Denied)
	if _, err := c.records.Swap(t.Context(), []ledger.Change{change}); err == nil || !strings.Contains(err.Error(), "write to state") {
		t.Errorf("denied: %v", err)
	}
	c.table.Fail("GetItem", testaws.Denied)
	if _, err := c.records.Get(t.Context(), "f#1", "a"); err == nil {
		t.Error("denied, and no error")
	}
	c.table.Fail("GetItem", testaws.Missing)
	if _, err := c.records.Get(t.Context(), "f#1", "a"); err == nil || !strings.HasPrefix(err.Error(), "there is no table state in this account and Region; ") {
		t.Errorf("no table: %v", err)
	}
	c.table.Fail("Query", testaws.Denied)
	for _, err := range c.records.List(t.Context(), "f#1", "") {
		if err == nil {
			t.Error("denied, and a record")
		}
	}
}

// worker is a process with a clock.
type worker struct {
	*ledger.Ledger
	now time.Time
}

func (c cloud) worker(now time.Time) *worker {
	w := &worker{now: now}
	w.Ledger = ledger.New(ledger.Config{
		Store:   ledger.NewRecordStore(c.records, rand.Reader),
		Objects: c.s3.Pending(c.bucket, "v1/"),
		Lease:   20 * time.Minute,
		Now:     func() time.Time { return w.now },
	})
	return w
}

// convert does to taken files what a pipeline does: a line each, and an object.
func convert(t *testing.T, a *ledger.Attempt) ([]pipeline.File, []table.Object) {
	t.Helper()
	var files []pipeline.File
	for _, o := range a.Taken {
		files = append(files, pipeline.File{Object: o, Outcome: pipeline.Converted, Format: "lines", Lines: 1, Rows: 1, BytesIn: 100})
	}
	path := filepath.Join(t.TempDir(), "staged")
	if err := os.WriteFile(path, []byte("PAR1 "+a.ID), 0o644); err != nil {
		t.Fatal(err)
	}
	return files, []table.Object{{Name: "lines/dt=2026-11-22/" + a.ID + "-0000.parquet", Path: path, Rows: int64(len(files)), Bytes: 37}}
}

func (c cloud) keys(t *testing.T) (keys []string) {
	t.Helper()
	for o, err := range c.s3.List(t.Context(), c.bucket, "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

// TestLedgerInAWS goes once through everything that may become of a file.
func TestLedgerInAWS(t *testing.T) {
	everywhere(t, func(t *testing.T, c cloud) {
		ctx := t.Context()
		start := time.Date(2026, 11, 22, 23, 50, 0, 0, time.UTC)
		a := pipeline.Object{Bucket: "logs", Key: "a b/é+%41", Version: "v1", Size: 100}
		b := pipeline.Object{Bucket: "logs", Key: "b", Version: "v1", Size: 100}

		// A worker stops with the objects put and nothing decided.
		gone := c.worker(start)
		first, err := gone.Begin(ctx, []pipeline.Object{a, b, a})
		if err != nil || len(first.Taken) != 2 {
			t.Fatalf("%+v, %v", first, err)
		}
		_, staged := convert(t, first)
		if err := c.s3.Pending(c.bucket, "v1/").Put(ctx, first.ID, staged); err != nil {
			t.Fatal(err)
		}
		if got, want := c.keys(t), []string{"v1/_sluice/pending/" + first.ID + "/000000"}; !slices.Equal(got, want) {
			t.Fatalf("keys %q, want %q", got, want)
		}

		// While its lease runs, its files are busy; then another takes them.
		w := c.worker(start.Add(5 * time.Minute))
		early, err := w.Begin(ctx, []pipeline.Object{a})
		if err != nil || len(early.Busy) != 1 || early.Busy[0].Batch != first.ID {
			t.Fatalf("%+v, %v", early, err)
		}
		if err := early.Abort(ctx); err != nil {
			t.Fatal(err)
		}
		w.now = start.Add(30 * time.Minute)
		second, err := w.Begin(ctx, []pipeline.Object{a})
		if err != nil || len(second.Taken) != 1 {
			t.Fatalf("%+v, %v", second, err)
		}
		if keys := c.keys(t); len(keys) > 0 {
			t.Errorf("left of the batch that was given up: %q", keys)
		}
		files, staged := convert(t, second)
		if err := second.Commit(ctx, files, staged); err != nil {
			t.Fatal(err)
		}
		object := "v1/lines/dt=2026-11-22/" + second.ID + "-0000.parquet"
		if got, want := c.keys(t), []string{object}; !slices.Equal(got, want) {
			t.Errorf("keys %q, want %q", got, want)
		}

		// The first one thaws. Its commit is refused, its objects stay unseen.
		files, staged = convert(t, first)
		if err := first.Commit(ctx, files, staged); !errors.Is(err, ledger.ErrLost) {
			t.Errorf("commit of a batch that was given up: %v", err)
		}
		if got, want := c.keys(t), []string{object}; !slices.Equal(got, want) {
			t.Errorf("keys %q, want %q", got, want)
		}

		// It is delivered again, with the file that nobody took over.
		third, err := w.Begin(ctx, []pipeline.Object{a, b})
		if err != nil || len(third.Done) != 1 || third.Done[0].Batch != second.ID || len(third.Taken) != 1 {
			t.Fatalf("%+v, %v", third, err)
		}
		files, _ = convert(t, third)
		files[0] = pipeline.File{Object: b, Outcome: pipeline.Skipped, Reason: "not a log"}
		if err := third.Commit(ctx, files, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Sweep(ctx, start.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}

		h := ledger.NewHistory(ledger.NewRecordStore(c.records, nil))
		all, err := h.File(ctx, "logs", a.Key)
		if err != nil || len(all) != 1 || !all[0].In || all[0].File.Key != a.Key || all[0].File.Counts.Rows != 1 || "v1/"+all[0].Objects[0].Name != object {
			t.Errorf("status of a: %+v, %v", all, err)
		}
		all, err = h.File(ctx, "logs", "b")
		if err != nil || len(all) != 1 || all[0].In || all[0].File.Reason != "not a log" {
			t.Errorf("status of b: %+v, %v", all, err)
		}
		if _, entry, err := h.Batch(ctx, second.ID); err != nil || len(entry.Files) != 1 || entry.Files[0].ID != a.ID() {
			t.Errorf("batch: %+v, %v", entry, err)
		}
		if _, _, err := h.Batch(ctx, strings.Repeat("0", 32)); !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("unknown batch: %v", err)
		}
		var since []string
		for b, err := range h.Since(ctx, start, start.Add(time.Hour)) {
			if err != nil {
				t.Fatal(err)
			}
			since = append(since, b.ID+" "+string(b.State))
		}
		want := []string{first.ID + " aborted", early.ID + " aborted", second.ID + " finished", third.ID + " finished"}
		slices.Sort(want[2:])
		slices.Sort(since[2:])
		if diff := cmp.Diff(want, since); diff != "" {
			t.Errorf("since (-want +got)\n%s", diff)
		}
	})
}

// TestPlaceAfterCrash stops between commit and place, then loses answers.
func TestPlaceAfterCrash(t *testing.T) {
	c := fakeCloud(t)
	ctx := t.Context()
	w := c.worker(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	o := pipeline.Object{Bucket: "logs", Key: "a", Version: "v1", Size: 100}
	a, err := w.Begin(ctx, []pipeline.Object{o})
	if err != nil {
		t.Fatal(err)
	}
	c.lake.Fail("COPY", "lake", "v1/lines/*", testaws.Denied)
	files, staged := convert(t, a)
	if err := a.Commit(ctx, files, staged); err == nil || !strings.Contains(err.Error(), "finish batch") {
		t.Fatalf("copy was denied: %v", err)
	}
	c.lake.Fail("COPY", "lake", "v1/lines/*", testaws.LostResponse)
	c.lake.Fail("DELETE", "lake", "v1/_sluice/*", testaws.LostResponse, testaws.SlowDown)
	again, err := w.Begin(ctx, []pipeline.Object{o})
	if err != nil || len(again.Done) != 1 {
		t.Fatalf("%+v, %v", again, err)
	}
	if got, want := c.keys(t), []string{"v1/lines/dt=2026-11-22/" + a.ID + "-0000.parquet"}; !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	// Another worker that was placing the same objects finds them gone, and there.
	objects := c.s3.Pending(c.bucket, "v1/")
	entry := []ledger.Object{{Name: "lines/dt=2026-11-22/" + a.ID + "-0000.parquet"}}
	if err := objects.Place(ctx, a.ID, entry); err != nil {
		t.Errorf("place once more: %v", err)
	}
	c.lake.Fail("COPY", "lake", "v1/lines/*", testaws.Denied) // which S3 says of what is missing, too
	if err := objects.Place(ctx, a.ID, entry); err != nil {
		t.Errorf("place where to list is denied: %v", err)
	}
	entry[0].Name = "lines/dt=2026-11-23/" + a.ID + "-0000.parquet"
	if err := objects.Place(ctx, a.ID, entry); err == nil || !strings.Contains(err.Error(), "committed and is gone") {
		t.Errorf("place what is gone: %v", err)
	}
}

// metered counts what DynamoDB would charge: a write unit for each KB of the
// larger of the item before and after, a read unit for each 4 KB read, and of what
// never expires each byte and 100 more an item.
type metered struct {
	*ledger.Memory
	writes, reads float64
	kept          map[string]int
}

func (m *metered) stored() (n int) {
	for _, bytes := range m.kept {
		n += bytes
	}
	return n
}

func size(r ledger.Record) (n int) {
	if r.Says == "" {
		return 0
	}
	for name, v := range itemOf(r) {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			n += len(name) + len(v.Value)
		case *types.AttributeValueMemberN:
			n += len(name) + (len(v.Value)+1)/2 + 1
		}
	}
	return n
}

func units(n, unit int) float64 { return float64(max(1, (n+unit-1)/unit)) }

func (m *metered) Swap(ctx context.Context, changes []ledger.Change) ([]ledger.Record, error) {
	for _, c := range changes {
		was, _ := m.Memory.Get(ctx, c.Partition, c.Sort)
		m.writes += units(max(size(was), size(c.Record)), 1024)
		at := c.Partition + " " + c.Sort
		delete(m.kept, at)
		if c.Says != "" && c.Expires.IsZero() {
			m.kept[at] = size(c.Record) + 100
		}
	}
	return m.Memory.Swap(ctx, changes)
}

func (m *metered) Get(ctx context.Context, partition, sort string) (ledger.Record, error) {
	r, err := m.Memory.Get(ctx, partition, sort)
	m.reads += units(size(r), 4096)
	return r, err
}

func (m *metered) List(ctx context.Context, partition, from string) iter.Seq2[ledger.Record, error] {
	n := 0
	for r := range m.Memory.List(ctx, partition, from) {
		n += size(r)
	}
	m.reads += units(n, 4096)
	return m.Memory.List(ctx, partition, from)
}

// TestCost holds what a delivered file costs in DynamoDB.
func TestCost(t *testing.T) {
	for _, c := range []struct {
		files                 int
		perFile, redelivered  float64 // write units, at most
		perRead, redeliveredR float64 // read units
	}{
		{1, 5, 3, 1, 2},
		{100, 1.3, 1.02, 0.01, 0.02},
		{1000, 1.27, 1.01, 0.01, 0.01},
	} {
		m := &metered{Memory: ledger.NewMemory(), kept: map[string]int{}}
		aws := fakeCloud(t)
		l := ledger.New(ledger.Config{
			Store: ledger.NewRecordStore(m, rand.Reader), Objects: aws.s3.Pending("lake", ""), Lease: time.Hour, Now: time.Now,
		})
		var files []pipeline.Object
		for i := range c.files {
			files = append(files, pipeline.Object{
				Bucket: "111122223333-s3-access-logs-eu-central-1", Version: fmt.Sprintf("etag:%032x", i), Size: 100,
				Key: fmt.Sprintf("111122223333/eu-central-1/example-bucket/2026/11/22/2026-11-22-13-%02d-%02d-%016X", i/60%60, i%60, i),
			})
		}
		per := func(n float64) float64 { return n / float64(c.files) }
		a, err := l.Begin(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		done, staged := convert(t, a)
		if err := a.Commit(t.Context(), done, staged); err != nil {
			t.Fatal(err)
		}
		w, r, kept := per(m.writes), per(m.reads), per(float64(m.stored()))
		m.writes, m.reads = 0, 0
		if a, err = l.Begin(t.Context(), files); err != nil || len(a.Done) != c.files {
			t.Fatal(err)
		}
		if err := a.Commit(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		w2, r2 := per(m.writes), per(m.reads)
		t.Logf("%d files a batch: %.3f write and %.3f read units a file, %.3f and %.3f when it comes again; %.0f bytes for ever", c.files, w, r, w2, r2, kept)
		if c.files == 1000 && math.Abs(kept-cost.LedgerBytes) > cost.LedgerBytes/10 {
			t.Errorf("%.0f bytes a file are kept for ever, internal/cost takes %v", kept, cost.LedgerBytes)
		}
		if w > c.perFile || r > c.perRead || w2 > c.redelivered || r2 > c.redeliveredR {
			t.Errorf("%d files a batch cost more than the documentation says", c.files)
		}
	}
}

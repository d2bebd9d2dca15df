//go:build cgo && unix

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/generate"
	"sluice/internal/maintain"
	"sluice/internal/testaws"
)

// unseenByMaintain are the grants of MaintainRole that no call can show here. What
// Athena does with the role's rights, a Trino does with them: not all of it.
var unseenByMaintain = map[string]string{
	"WriteLog logs:CreateLogStream":                  "Lambda's own log agent calls it; there is none here",
	"WriteLog logs:PutLogEvents":                     "Lambda's own log agent calls it; there is none here",
	"PlaceBucket s3:GetBucketLocation":               "is Athena's, to find the bucket of its answers",
	"WriteAnswers s3:GetObject":                      "is Athena's: a Trino has its answers in memory",
	"WriteAnswers s3:PutObject":                      "is Athena's: a Trino has its answers in memory",
	"WriteAnswers s3:AbortMultipartUpload":           "is Athena's: a Trino has its answers in memory",
	"WriteAnswers s3:ListMultipartUploadParts":       "is Athena's: a Trino has its answers in memory",
	"WritePackedObjects s3:AbortMultipartUpload":     "is for objects larger than those here",
	"WritePackedObjects s3:ListMultipartUploadParts": "is for objects larger than those here",
	"FindDefault glue:GetDatabase":                   "is Athena's, which looks there first",
	"ReadCatalog glue:GetPartitions":                 "is Athena's, should it ask: projection needs none",
}

// maintainer is the deployed function, with an Athena that answers.
type maintainer struct {
	*packer
	athena   *athena
	proxy    *testaws.Proxy
	program  string
	function *testaws.Function
	limit    time.Duration
	more     []string // settings, over those of the template
}

// start starts a process of the function.
func (m *maintainer) start() {
	m.t.Helper()
	env, limit := m.environOf("MaintainFunction", "MaintainRole", m.proxy.URL)
	m.limit = limit
	m.function = testaws.Start(m.t, m.program, append(append(env, "AWS_ENDPOINT_URL_ATHENA="+m.athena.URL), m.more...)...)
}

// run is one run of the function, which must succeed. It returns its metrics.
func (m *maintainer) maintain() map[string]float64 {
	m.t.Helper()
	m.start()
	before := time.Now()
	a := m.function.Invoke([]byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`), m.limit)
	text := m.function.Ended()
	if a.Failed || a.Dead {
		m.t.Fatalf("run: %+v\n%s", a, last([]byte(text), 6000))
	}
	n := map[string]float64{}
	for line := range strings.Lines(text) {
		var doc map[string]any
		if json.Unmarshal([]byte(line), &doc) == nil && doc["_aws"] != nil {
			for name, v := range doc {
				if f, ok := v.(float64); ok {
					n[name] = f
				}
			}
		}
	}
	m.t.Logf("a run in %v: %v, statements %v", time.Since(before).Round(100*time.Millisecond), n, m.athena.statements())
	if len(n) < 6 {
		m.t.Fatalf("no metrics in\n%s", text)
	}
	return n
}

// deployed asks the function as CloudFormation does, and returns its answer.
func (m *maintainer) deployed(kind string) (a enrolled) {
	m.t.Helper()
	got := make(chan enrolled, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var a enrolled
		if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &a) != nil {
			m.t.Errorf("answer %s, %v", body, err)
		}
		got <- a
	}))
	defer srv.Close()
	var properties map[string]any
	m.properties("Packing", &properties)
	payload, err := json.Marshal(map[string]any{
		"RequestType": kind, "RequestId": "1", "ResponseURL": srv.URL, "StackId": "stack", "LogicalResourceId": "Packing", "ResourceType": "Custom::Packing", "ResourceProperties": properties,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.start()
	if a := m.function.Invoke(payload, m.limit); a.Failed || a.Dead {
		m.t.Fatalf("%s: %+v\n%s", kind, a, last([]byte(m.function.Output()), 4000))
	}
	m.function.Ended()
	return <-got
}

// notes changes what notes say, as if it had been written at another time.
func (m *maintainer) notes(kind, field string, at time.Time) {
	m.t.Helper()
	n := 0
	for key, body := range m.under(m.bucket, "packed/notes/") {
		if !strings.HasSuffix(key, "."+kind) {
			continue
		}
		changed := regexp.MustCompile(`"`+field+`":"[^"]*"`).ReplaceAll(body, []byte(`"`+field+`":"`+at.UTC().Format(time.RFC3339)+`"`))
		if bytes.Equal(changed, body) {
			m.t.Fatalf("%s has no %s: %s", key, field, body)
		}
		m.put(m.bucket, key, changed)
		n++
	}
	if n == 0 {
		m.t.Fatalf("no notes of kind %s", kind)
	}
}

// under are the objects below a prefix.
func (s *stack) under(bucket, prefix string) map[string][]byte {
	s.t.Helper()
	all := map[string][]byte{}
	pages := s3.NewListObjectsV2Paginator(s.s3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, o := range page.Contents {
			out, err := s.s3.GetObject(s.t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
			if err != nil {
				s.t.Fatal(err)
			}
			body, err := io.ReadAll(out.Body)
			if err != nil {
				s.t.Fatal(err)
			}
			all[aws.ToString(o.Key)] = body
		}
	}
	return all
}

// TestTrinoMaintain: the deployed function packs what was delivered, under its own
// role, while readers of the names that people ask never stop. Trino is what runs
// its statements, so what Athena alone would do is not shown.
func TestTrinoMaintain(t *testing.T) {
	needTrino(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	s := deploy(t, "BatchSize=10", "PackAfterDays=1", "ProjectionStart="+today.AddDate(0, 0, -20).Format(time.DateOnly))
	dir, _ := generated(t, generate.Options{Seed: 12, Lines: 1200, Events: 200, Start: today.AddDate(0, 0, -5), Days: 2, LinesPerFile: 60, Scenarios: []string{"all"}})
	s.deliver(dir, keysIn(t, dir)...)
	small := smallDays(today.AddDate(0, 0, -1))
	for name, text := range small.files(t) {
		s.put(s.Resources["LogBucket"].ID, name, []byte(text))
	}
	s.drain()
	for i := range 3 { // batches, each with a line that is none
		day := today.AddDate(0, 0, -5)
		line, _, _ := strings.Cut(string(hourly("example-photos", day, 0)), "\n")
		s.put(s.Resources["LogBucket"].ID, day.Add(time.Duration(i)*time.Hour).Format("2006-01-02-15-04-05")+"-0123456789ABCDEF", []byte(line+"\n"+strings.Replace(line, "REST.GET.OBJECT ", "", 1)+"\n"))
		s.drain()
	}
	s.lookAround("example-new")
	both := &engines{t: t, duckdb: s.local()}

	engine := testaws.NewProxy(t, s.URL, s.Account)
	x := trinoFor(t, s, connected{engine.URL, s.Twins["MaintainRole"]}, "iceberg")
	both.trino = x
	tables, err := maintain.Tables(s.Resources["LakeBucket"].ID)
	if err != nil {
		t.Fatal(err)
	}
	proxy := testaws.NewProxy(t, s.URL, s.Account)
	m := &maintainer{
		packer: &packer{stack: s, trino: x, tables: tables, bucket: s.Resources["LakeBucket"].ID, run: &statements{trino: x, ran: map[string]error{}}, named: func(table string) string { return table }},
		proxy:  proxy, athena: s.athenaOver(x, proxy),
	}
	if m.program, err = compile(t.TempDir(), "maintain", "functions/maintain"); err != nil {
		t.Fatal(err)
	}

	// A version before this one made the table, with fewer columns.
	if _, err := x.ask(t.Context(), "CREATE TABLE "+packingIceberg+"."+x.schema+".rejected_packed (reason varchar, source varchar, run varchar, kind varchar, dt varchar) WITH (format = 'PARQUET', partitioning = ARRAY['dt', 'kind'], location = 's3://"+m.bucket+"/packed/rejected/')"); err != nil {
		t.Fatal(err)
	}
	if a := m.deployed("Create"); a.Status != "SUCCESS" {
		t.Fatalf("the deployment: %+v", a)
	}
	want := m.truth()

	// The function dies while its rows are taken; readers look all the time.
	died := make(chan struct{})
	m.athena.meet = func(sql string) {
		if strings.HasPrefix(sql, "INSERT INTO s3_access_logs_packed") {
			m.athena.mu.Lock()
			m.athena.meet = nil
			m.athena.mu.Unlock()
			m.function.Ended()
			close(died)
		}
	}
	m.readers(want, func() {
		m.start()
		if a := m.function.Invoke([]byte(`{}`), m.limit); !a.Dead {
			t.Errorf("it was to die: %+v", a)
		}
		<-died
		if n := m.run.n; n != 0 {
			t.Errorf("%d statements past Athena", n)
		}
		n := m.maintain()
		if n["PackedObjects"] == 0 || n["PackFailed"] != 0 || n["PackUndone"] != 0 {
			t.Errorf("the run after it: %v", n)
		}
	})
	m.same(want, "packed")
	if n := m.sorted(); n == 0 {
		t.Error("no packed object of access logs")
	}

	// A day later live objects go.
	m.notes("end", "at", time.Now().Add(-25*time.Hour))
	m.removing = true
	m.readers(want, func() {
		if n := m.maintain(); n["PackRemoved"] == 0 || n["PackedObjects"] != 0 || n["PackFailed"] != 0 {
			t.Errorf("a day later: %v", n)
		}
	})
	for name := range m.tables {
		live, packed := m.files(name)
		t.Logf("%s: %d live objects are left, %d objects are packed", name, live, packed)
		if packed == 0 || live > 4 { // two of a day are not worth it
			t.Errorf("%s: %d live objects, %d packed", name, live, packed)
		}
	}
	t.Run("views after", func(t *testing.T) { both.on(t).wholeViews() })
	t.Run("named queries", func(t *testing.T) { both.on(t).namedQueries(small.cases(t)) })
	t.Run("saved queries", func(t *testing.T) { both.on(t).savedQueries(s) })

	// What is packed cannot be hidden.
	m.more = []string{"SLUICE_PACK_AFTER_DAYS=0"}
	if a := m.deployed("Update"); a.Status != "FAILED" || !strings.Contains(a.Reason, "36500") {
		t.Errorf("packing is switched off: %+v", a)
	}
	m.more = []string{"SLUICE_PACK_AFTER_DAYS=36500"}
	if a := m.deployed("Update"); a.Status != "SUCCESS" {
		t.Errorf("no more is packed: %+v", a)
	}

	// Rows that were kept for long enough go, and the bytes that hold them.
	m.more = []string{"SLUICE_LAKE_RETENTION_DAYS=3"}
	m.notes("plan", "newest", time.Now().Add(-80*time.Hour))
	if n := m.maintain(); n["PackFailed"] != 0 {
		t.Errorf("rows are old: %v", n)
	}
	m.athena.age = "0s"
	m.maintain()
	var left []string
	for key := range m.under(m.bucket, "packed/") {
		if strings.Contains(key, "/kind=rows/") {
			left = append(left, key)
		}
	}
	slices.Sort(left)
	if len(left) > 0 {
		t.Errorf("left of rows that are old: %q", left)
	}
	for name := range m.tables {
		if rows, err := x.ask(t.Context(), "SELECT count(*), count(DISTINCT source) FROM "+m.tables[name].Packed+" WHERE kind = 'rows'"); err != nil || fmt.Sprint(rows.Rows) != "[[0 0]]" {
			t.Errorf("%s: %v, %v", name, rows.Rows, err)
		}
	}

	calls := proxy.Calls()
	for i := range calls {
		if calls[i].Service == "athena" { // moto has looked whether it is that statement's
			calls[i].Resource = m.athena.workgroup
		}
	}
	for _, c := range engine.Calls() {
		calls = append(calls, c)
		if c.Service == "glue" { // IAM asks for what a table is in, too; moto is asked for the table
			c.Resource = "arn:aws:glue:" + s.Region + ":" + s.Account + ":catalog"
			calls = append(calls, c)
			c.Resource = "arn:aws:glue:" + s.Region + ":" + s.Account + ":database/" + x.schema
			calls = append(calls, c)
		}
	}
	t.Run("role", func(t *testing.T) { s.granted(t, "MaintainRole", calls, unseenByMaintain) })
}

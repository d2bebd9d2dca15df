//go:build cgo

package query_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/cli"
	"sluice/internal/coverage"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/query"
)

// Who asks in the lake below, and for what.
const (
	owner   = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
	partner = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"
	ann     = "arn:aws:iam::111122223333:user/ann"
	bob     = "arn:aws:sts::111122223333:assumed-role/cleaner/bob"

	awscli  = "aws-cli/2.15.30 md/awscrt#0.19.19 ua/2.0 os/linux#6.6.9 md/arch#x86_64 lang/python#3.11.8"
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
)

// line is a line of an access log. A field that is left out is what most
// requests have: a signed GET over TLS 1.3.
type line struct {
	at, bucket, ip, who, id, op, key, query string
	status, code, sent, size, turn, agent   string
	sig, tls, auth, acl, region             string
}

func (l line) String() string {
	t := at(l.at).Go()
	l.op = cmp.Or(l.op, "REST.GET.OBJECT")
	signed := "SigV4"
	if l.who == "" {
		signed = "-"
	}
	auth := "AuthHeader"
	if signed == "-" {
		auth = "-"
	}
	uri := fmt.Sprintf("%s /%s%s HTTP/1.1", strings.Split(l.op, ".")[1], l.key, l.query)
	host := l.bucket + ".s3.us-west-2.amazonaws.com"
	tls := cmp.Or(l.tls, "TLSv1.3")
	agent := fmt.Sprintf("%q", cmp.Or(l.agent, awscli))
	if strings.HasPrefix(l.op, "S3.") || strings.HasPrefix(l.op, "BATCH.") || strings.HasSuffix(l.op, "_GET") {
		uri, agent = "", "-"
	}
	if strings.HasPrefix(l.op, "S3.") {
		host, tls, signed, auth = "-", "-", "-", "-"
	}
	if uri == "" {
		uri = "-"
	} else {
		uri = `"` + uri + `"`
	}
	return fmt.Sprintf("%s %s [%s] %s %s %s %s %s %s %s %s %s %s %s %s %s %s - %s %s %s %s %s %s - %s %s",
		owner, l.bucket, t.Format("02/Jan/2006:15:04:05 -0700"), cmp.Or(l.ip, "-"), cmp.Or(l.who, "-"), l.id, l.op, cmp.Or(l.key, "-"), uri,
		cmp.Or(l.status, "200"), cmp.Or(l.code, "-"), cmp.Or(l.sent, "-"), cmp.Or(l.size, "-"), cmp.Or(l.turn, "-"), cmp.Or(l.turn, "-"),
		"-", agent, "hostid"+l.id, cmp.Or(l.sig, signed), "TLS_AES_128_GCM_SHA256", cmp.Or(l.auth, auth), host, tls, cmp.Or(l.acl, "-"), cmp.Or(l.region, "-"))
}

// link is the query of a presigned link of ann's.
const link = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAEXAMPLEKEY000001%2F20261120%2Fus-west-2%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20261120T145000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"

var index = line{at: "2026-11-20 11:30:00", bucket: "pub-site", ip: "198.51.100.7", id: "0000000000000007", op: "WEBSITE.GET.OBJECT", key: "index.html",
	sent: "1234", size: "1234", turn: "5", agent: firefox, tls: "-"}

// accessFiles are delivered files by name: two days of three buckets.
var accessFiles = map[string][]line{
	"2026-11-20-16-00-00-0123456789ABCDEF": {
		{at: "2026-11-20 10:00:00", bucket: "ledger", ip: "192.0.2.1", who: ann, id: "0000000000000001", key: "reports/q1.pdf", sent: "1000000", size: "1000000", turn: "10", region: "us-west-2"},
		{at: "2026-11-20 10:00:05", bucket: "ledger", ip: "192.0.2.1", who: ann, id: "0000000000000002", key: "reports/q1.pdf", status: "206", sent: "500000", size: "1000000", turn: "20", region: "us-west-2"},
		{at: "2026-11-20 10:10:00", bucket: "ledger", ip: "203.0.113.9", id: "0000000000000003", key: "secret/passwords.txt", status: "403", code: "AccessDenied", sent: "243", turn: "30"},
		{at: "2026-11-20 10:10:02", bucket: "ledger", ip: "203.0.113.9", id: "0000000000000004", key: "secret/missing", status: "404", code: "NoSuchKey", sent: "300", turn: "30"},
		{at: "2026-11-20 10:20:00", bucket: "ledger", ip: "203.0.113.9", id: "0000000000000005", key: "reports/q1.pdf", status: "403", code: "SignatureDoesNotMatch", sent: "400", turn: "30"},
		{at: "2026-11-20 11:00:00", bucket: "ledger", ip: "192.0.2.1", who: ann, id: "0000000000000006", op: "REST.PUT.OBJECT", key: "reports/q2.pdf", size: "2000000", turn: "40", acl: "Yes"},
		index,
		{at: "2026-11-20 12:00:00", bucket: "ledger", ip: "192.0.2.1", who: ann, id: "0000000000000008", op: "REST.DELETE.OBJECT", key: "reports/old.pdf", status: "204", turn: "15"},
		{at: "2026-11-20 12:05:00", bucket: "ledger", ip: "192.0.2.2", who: bob, id: "00000000000000BB", op: "REST.POST.MULTI_OBJECT_DELETE", query: "?delete", sent: "200", turn: "60"},
		{at: "2026-11-20 12:05:00", bucket: "ledger", ip: "192.0.2.2", who: bob, id: "00000000000000BB", op: "BATCH.DELETE.OBJECT", key: "tmp/a", status: "204", size: "10"},
		{at: "2026-11-20 12:05:00", bucket: "ledger", ip: "192.0.2.2", who: bob, id: "00000000000000BB", op: "BATCH.DELETE.OBJECT", key: "tmp/b", status: "204", size: "20"},
		{at: "2026-11-20 13:00:00", bucket: "old-archive", who: "AmazonS3", id: "0000000000000009", op: "S3.EXPIRE.OBJECT", key: "2019/x", status: "-", size: "5"},
		{at: "2026-11-20 14:00:00", bucket: "ledger", ip: "192.0.2.1", who: ann, id: "00000000000000CC", op: "REST.COPY.OBJECT", key: "copy/q1.pdf", sent: "234", size: "1000000", turn: "25"},
		{at: "2026-11-20 14:00:00", bucket: "ledger", ip: "192.0.2.1", who: ann, id: "00000000000000CC", op: "REST.COPY.OBJECT_GET", key: "reports/q1.pdf", status: "-", size: "1000000"},
		{at: "2026-11-20 15:00:00", bucket: "ledger", ip: "198.51.100.20", who: ann, id: "000000000000000A", key: "reports/q1.pdf", query: link, sent: "1000000", size: "1000000", turn: "50", agent: firefox, auth: "QueryString"},
		{at: "2026-11-20 15:30:00", bucket: "ledger", ip: "198.51.100.21", who: ann, id: "000000000000000B", key: "reports/q1.pdf", query: link, sent: "1000000", size: "1000000", turn: "60", agent: firefox, auth: "QueryString"},
	},
	"2026-11-21-00-29-59-0123456789ABCDEF": {
		index, // delivered twice
		{at: "2026-11-20 23:59:59", bucket: "ledger", ip: "198.51.100.30", who: partner, id: "000000000000000C", key: "reports/q1.pdf", sent: "250000", size: "1000000", turn: "70", sig: "SigV2", tls: "TLSv1.1", agent: "Boto/2.49.0 Python/2.7.18"},
	},
	"2026-11-21-10-30-00-0123456789ABCDEF": {
		{at: "2026-11-21 09:00:00", bucket: "ledger", ip: "192.0.2.1", who: ann, id: "000000000000000D", key: "reports/q1.pdf", status: "503", code: "SlowDown", sent: "300", turn: "900", region: "us-west-2"},
		{at: "2026-11-21 10:00:00", bucket: "pub-site", ip: "198.51.100.7", id: "000000000000000E", key: "index.html", sent: "1234", size: "1234", turn: "6", agent: firefox},
	},
}

// odd are lines of the last file that are no ordinary ones: one that a requester
// made ambiguous, and one that is none.
const odd = owner + ` ledger [21/Nov/2026:09:30:00 +0000] 203.0.113.66 - 00000000000000FF REST.GET.OBJECT reports/q1.pdf "GET /reports/q1.pdf HTTP/1.1" 403 AccessDenied 243 - 7 7 "https://app.example/" "aws-cli/2.15.30" "Mozilla/5.0" - hostidFF - TLS_AES_128_GCM_SHA256 - ledger.s3.us-west-2.amazonaws.com TLSv1.3 - - -
this is no line of an access log
`

// record writes a CloudTrail record; more is put behind its fields.
func record(eventID, at, name, identity, requestID, parameters, more string) string {
	ip := "192.0.2.1"
	if identity == bobIdentity {
		ip = "192.0.2.2"
	}
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":%s,"eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":%q,"awsRegion":"us-west-2",`+
		`"sourceIPAddress":%q,"userAgent":"[aws-cli/2.15.30]","requestParameters":%s,"responseElements":null,"requestID":%q,"eventID":%q,`+
		`"eventType":"AwsApiCall","recipientAccountId":"111122223333"%s}`, identity, at, name, ip, parameters, requestID, eventID, more)
}

const (
	annIdentity = `{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333","userName":"ann"}`
	bobIdentity = `{"type":"AssumedRole","principalId":"AROAEXAMPLE:bob","arn":"arn:aws:sts::111122223333:assumed-role/cleaner/bob","accountId":"111122223333",` +
		`"sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/cleaner","accountId":"111122223333","userName":"cleaner"}}}`
	read  = `,"readOnly":true,"managementEvent":false`
	wrote = `,"readOnly":false,"managementEvent":false`
)

var trailFiles = map[string][]string{
	"111122223333_CloudTrail_us-west-2_20261120T1430Z_AbCdEfGhIjKlMnOp.json": {
		record("e-1", "2026-11-20T10:00:00Z", "GetObject", annIdentity, "0000000000000001", `{"bucketName":"ledger","key":"reports/q1.pdf"}`, read),
		record("e-2", "2026-11-20T12:05:00Z", "DeleteObjects", bobIdentity, "00000000000000BB", `{"bucketName":"ledger","delete":""}`, wrote),
		record("e-3", "2026-11-20T12:05:00Z", "DeleteObject", bobIdentity, "00000000000000BB", `{"bucketName":"ledger","key":"tmp/a"}`, wrote),
		record("e-4", "2026-11-20T14:00:00Z", "CopyObject", annIdentity, "00000000000000CC", `{"bucketName":"ledger","key":"copy/q1.pdf","x-amz-copy-source":"ledger/reports/q1.pdf"}`, wrote),
		// the copies that two accounts get of one request that no access log has
		record("e-5", "2026-11-20T14:20:00Z", "GetObject", annIdentity, "00000000000000DD", `{"bucketName":"ledger","key":"unlogged.pdf"}`, read+`,"sharedEventID":"s-5"`),
		record("e-6", "2026-11-20T14:20:00Z", "GetObject", annIdentity, "00000000000000DD", `{"bucketName":"ledger","key":"unlogged.pdf"}`, read+`,"sharedEventID":"s-5"`),
		record("e-7", "2026-11-20T14:25:00Z", "PutBucketPolicy", annIdentity, "00000000000000EE", `{"bucketName":"ledger","policy":""}`, `,"readOnly":false,"managementEvent":true`),
	},
	"111122223333_CloudTrail_us-west-2_20261120T1435Z_AbCdEfGhIjKlMnOp.json": { // delivered again
		record("e-1", "2026-11-20T10:00:00Z", "GetObject", annIdentity, "0000000000000001", `{"bucketName":"ledger","key":"reports/q1.pdf"}`, read),
	},
}

// small are the files above by their path in a log bucket.
func small() map[string]string {
	files := map[string]string{}
	for name, lines := range accessFiles {
		var b strings.Builder
		for _, l := range lines {
			fmt.Fprintln(&b, l)
		}
		if strings.HasPrefix(name, "2026-11-21-10") {
			b.WriteString(odd)
		}
		files[name] = b.String()
	}
	for name, records := range trailFiles {
		files["AWSLogs/111122223333/CloudTrail/us-west-2/2026/11/20/"+name] = `{"Records":[` + strings.Join(records, ",") + `]}`
	}
	return files
}

// TestSmallFiles: testdata/logs holds the files for those who ask other engines.
func TestSmallFiles(t *testing.T) {
	const dir = "testdata/logs"
	files := small()
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			put(t, dir, name, text)
		}
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		b, err := os.ReadFile(path)
		if string(b) != files[name] {
			t.Errorf("%s is not what lake_test.go makes: make generate", path)
		}
		delete(files, name)
		return err
	})
	if err != nil || len(files) > 0 {
		t.Errorf("%s lacks %d files, %v: make generate", dir, len(files), err)
	}
}

// smallLake converts the files above, which are in logsDir, and adds two
// messages about one incident, and more findings.
func smallLake(t *testing.T, more ...finding.Row) (_ *query.Lake, logsDir string) {
	t.Helper()
	logsDir = t.TempDir()
	lake := t.TempDir()
	for name, text := range small() {
		put(t, logsDir, name, text)
	}
	sluice(t, "convert", logsDir, "-o", lake)

	f := finding.Finding{
		Step: 1, Rule: finding.Rule{ID: "r-1", Title: "Objects Deleted", Level: "high", Service: "s3_server_access"}, Alert: true,
		Bucket: "ledger", Group: []finding.Pair{{Name: "derived.principal", Value: strings.TrimSuffix(bob, "/bob")}},
		Period: at("2026-11-20 00:00:00"), PeriodEnd: at("2026-11-21 00:00:00"),
		First: at("2026-11-20 12:05:00"), Last: at("2026-11-20 12:05:00"), Created: time.Unix(0, 0),
		Count: 2, Measure: "events", Value: 2, Threshold: 1,
	}
	f.UID = "f-1"
	first := rowOf(t, f)
	f.Step, f.Count, f.Value = 10, 20, 20
	write(t, lake, finding.Table, batch(7), append(more, first, rowOf(t, f))...)
	write(t, lake, coverage.Table, batch(8), looks()...)
	return lakeOf(t, lake), logsDir
}

// looks are two daily looks at the buckets: ledger falls silent, pub-site is new.
func looks() []coverage.Row {
	row := func(when, bucket, before, status, to string, silent int64) coverage.Row {
		r := coverage.Row{CheckedTime: at(when), Account: logs.Text("111122223333"), BucketName: logs.Text(bucket), Status: logs.Text(status)}
		if r.IsNew = logs.SomeBool(before == ""); before != "" {
			r.StatusBefore = logs.Text(before)
		}
		if to != "" {
			r.LogBucket = logs.Text(to)
		}
		if silent >= 0 {
			r.SilentHours, r.UsualHours = logs.SomeInt(silent), logs.SomeInt(24)
		}
		return r
	}
	return []coverage.Row{
		row("2026-11-20 06:00:00", "ledger", "logging", "logging", "logs", 2),
		row("2026-11-20 06:00:00", "gone", "off", "off", "", -1),
		row("2026-11-21 06:00:00", "ledger", "logging", "silent", "logs", 26),
		row("2026-11-21 06:00:00", "old-archive", "off", "off", "", -1),
		row("2026-11-21 06:00:00", "pub-site", "", "elsewhere", "other", -1),
	}
}

func rowOf(t *testing.T, f finding.Finding) finding.Row {
	t.Helper()
	r, err := f.Row()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sluice runs the command line as people do.
func sluice(t *testing.T, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := cli.Run(args, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("sluice %q: exit code %d\n%s%s", args, code, &out, &errs)
	}
}

// lakeOf opens the lake in dir with all of the product's tables.
func lakeOf(t *testing.T, dir string) *query.Lake {
	t.Helper()
	l, err := query.Open(t.Context(), dir, allTables(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func allTables(t *testing.T) []query.Table {
	t.Helper()
	return []query.Table{
		must(query.TableOf(s3access.Format.Table)), must(query.TableOf(cloudtrail.Format.Table)),
		must(query.TableOf(finding.Table)), must(query.TableOf(logs.RejectedTable)), must(query.TableOf(coverage.Table)),
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// answer asks a named query.
func answer(t *testing.T, l *query.Lake, name string, params map[string]string) []string {
	t.Helper()
	q, err := query.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	sql, err := q.Render(params)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := ask(t.Context(), l, sql)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return lines
}

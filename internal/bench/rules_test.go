package bench

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"sluice/internal/detect"
	"sluice/internal/detect/record"
	"sluice/internal/generate"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// sigmaHQ names a checkout of github.com/SigmaHQ/sigma.
const sigmaHQ = "SLUICE_SIGMAHQ"

// TestSigmaHQ loads what others wrote for CloudTrail, unchanged.
func TestSigmaHQ(t *testing.T) {
	dir := os.Getenv(sigmaHQ)
	if dir == "" {
		t.Skip(sigmaHQ + " names no checkout of github.com/SigmaHQ/sigma")
	}
	var sources []sigma.Source
	err := filepath.WalkDir(filepath.Join(dir, "rules/cloud/aws/cloudtrail"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".yml") {
			return err
		}
		text, err := os.ReadFile(path)
		sources = append(sources, sigma.Source{Name: filepath.Base(path), Text: text})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	set, problems := sigma.Load(sources, sigma.Options{Schemas: []sigma.Schema{record.NewTrailSchema(nil)}})
	for _, p := range problems {
		t.Error(p)
	}
	for _, i := range set.Idle {
		t.Errorf("%s: %s is idle: %s", i.About.File, i.About.Called(), i.Reason)
	}
	if len(set.Rules) != len(sources) || len(sources) == 0 {
		t.Errorf("%d rules of %d files", len(set.Rules), len(sources))
	}
	t.Logf("%d rules loaded", len(set.Rules))
}

// clause is one item of a rule, in no language yet.
type clause struct {
	not    bool
	field  string
	mod    string // "", contains, startswith, endswith, re, gte, absent
	values []string
}

func is(field string, values ...string) clause           { return clause{false, field, "", values} }
func has(field, mod string, values ...string) clause     { return clause{false, field, mod, values} }
func without(field, mod string, values ...string) clause { return clause{true, field, mod, values} }

// compared are 25 rules of the kinds that a catalogue has: all languages judge
// the same ones.
var compared = [][]clause{
	{is("operation", "REST.GET.OBJECT", "REST.HEAD.OBJECT", "WEBSITE.GET.OBJECT"), is("http_status", "200", "206", "304"), has("requester", "absent")},
	{is("operation", "REST.GET.BUCKET", "REST.GET.BUCKETVERSIONS"), is("http_status", "200"), has("requester", "absent")},
	{has("operation", "startswith", "REST.PUT.", "REST.POST.", "REST.DELETE."), is("http_status", "200", "204"), has("requester", "absent")},
	{has("operation", "endswith", ".OBJECT"), is("http_status", "401", "403", "405"), without("user_agent", "startswith", "probe/")},
	{has("http_status", "gte", "400"), without("http_status", "gte", "500")},
	{is("http_status", "404"), is("error_code", "NoSuchKey", "NoSuchBucket", "NoSuchVersion")},
	{is("operation", "REST.GET.OBJECT", "WEBSITE.GET.OBJECT"), has("key_name", "contains", ".git/", ".env", "wp-admin", "wp-login", "phpinfo", "/cgi-bin/", "etc/passwd", ".svn/", "backup.sql", "config.php")},
	{is("operation", "REST.GET.OBJECT"), has("key_name", "endswith", ".pem", ".ppk", ".pfx", ".p12", ".jks", ".key", ".kdbx", ".ovpn", ".sql", ".bak", ".dump", ".tfstate")},
	{is("operation", "REST.GET.OBJECT"), has("key_name", "contains", "/.aws/", "/.ssh/", "password", "passwd", "private_key", "credential", "secret")},
	{is("operation", "REST.GET.OBJECT"), has("bytes_sent_size", "gte", "1073741824")},
	{is("operation", "REST.GET.OBJECT", "REST.COPY.OBJECT_GET"), is("http_status", "200", "206"), without("requester", "startswith", "svc:")},
	{is("operation", "REST.DELETE.OBJECT", "BATCH.DELETE.OBJECT"), is("http_status", "200", "204")},
	{has("operation", "startswith", "REST."), has("cipher_suite", "absent")},
	{is("tls_version", "TLSv1", "TLSv1.0", "TLSv1.1", "SSLv3")},
	{is("signature_version", "SigV2")},
	{has("user_agent", "contains", "boto3", "botocore", "aws-cli", "curl/", "wget/", "python-requests", "go-http-client", "okhttp", "java/", "axios", "node-fetch", "libwww")},
	{has("user_agent", "contains", "kali", "parrot", "pentoo", "blackarch", "pacu", "scoutsuite", "cloudfox", "s3scanner", "trufflehog", "nikto", "sqlmap", "nuclei", "gobuster")},
	{has("user_agent", "contains", "s3 browser", "s3browser", "rclone", "cyberduck", "mountain duck", "winscp", "filezilla", "transmit", "cloudberry", "s5cmd")},
	{has("operation", "startswith", "REST."), has("user_agent", "absent"), has("remote_ip", "startswith", "203.0.113.")},
	{is("operation", "REST.PUT.BUCKETPOLICY", "REST.DELETE.BUCKETPOLICY", "REST.PUT.WEBSITE", "REST.PUT.CORS"), is("http_status", "200", "204")},
	{is("operation", "REST.PUT.PUBLIC_ACCESS_BLOCK", "REST.DELETE.PUBLIC_ACCESS_BLOCK"), is("http_status", "200", "204")},
	{is("operation", "REST.PUT.VERSIONING", "REST.PUT.LIFECYCLE", "REST.DELETE.LIFECYCLE", "REST.PUT.REPLICATION"), is("http_status", "200", "204")},
	{is("operation", "REST.PUT.OBJECT", "REST.POST.OBJECT"), is("http_status", "200"), has("key_name", "re", `(?i)(ransom|payment|decrypt)[_-]?(note|info|instructions?)[^/]*\.(txt|html?|hta)$`)},
	{is("authentication_type", "QueryString"), is("http_status", "200", "206")},
	{has("requester", "re", `^arn:aws[^:]*:iam::[0-9]{12}:root$`)},
}

// sigmaText writes a rule as a Sigma document.
func sigmaText(i int, rule []clause) string {
	var b strings.Builder
	fmt.Fprintf(&b, "title: Rule %d\nid: rule-%d\nlogsource: {product: aws, service: s3_server_access}\ndetection:\n", i, i)
	var condition []string
	for n, c := range rule {
		name := fmt.Sprintf("s%d", n)
		if c.mod == "absent" {
			fmt.Fprintf(&b, "  %s: {%s: null}\n", name, c.field)
		} else {
			key := c.field
			if c.mod != "" {
				key += "|" + c.mod
			}
			quoted := make([]string, len(c.values))
			for j, v := range c.values {
				quoted[j] = "'" + v + "'"
			}
			fmt.Fprintf(&b, "  %s: {%s: [%s]}\n", name, key, strings.Join(quoted, ", "))
		}
		if c.not {
			name = "not " + name
		}
		condition = append(condition, name)
	}
	fmt.Fprintf(&b, "  condition: %s\n", strings.Join(condition, " and "))
	return b.String()
}

// formula writes a rule for CEL or for expr, which differ in how they spell
// functions. Text that is absent is "" there, numbers are -1.
func formula(rule []clause, method bool) string {
	var all []string
	for _, c := range rule {
		number := c.field == "http_status" || c.field == "bytes_sent_size"
		low := "lower(" + c.field + ")"
		if method {
			low = c.field + ".lowerAscii()"
		}
		call := map[string]string{"contains": "contains", "startswith": "startsWith", "endswith": "endsWith", "re": "matches"}[c.mod]
		var any []string
		for _, v := range c.values {
			left := low
			if c.mod == "re" {
				left = c.field
			} else {
				v = strings.ToLower(v)
			}
			quoted := `"` + strings.ReplaceAll(v, `\`, `\\`) + `"`
			if left == low && len(c.values) > 1 {
				left = "x" // lowered once, below
			}
			if method {
				any = append(any, fmt.Sprintf("%s.%s(%s)", left, call, quoted))
			} else {
				any = append(any, fmt.Sprintf("(%s %s %s)", left, call, quoted))
			}
		}
		text := "(" + strings.Join(any, " || ") + ")"
		switch {
		case len(c.values) < 2:
		case method:
			text = fmt.Sprintf("cel.bind(x, %s, %s)", low, text)
		default:
			text = fmt.Sprintf("(let x = %s; %s)", low, text)
		}
		switch {
		case c.mod == "absent":
			text = c.field + ` == ""`
		case c.mod == "gte":
			text = c.field + " >= " + c.values[0]
		case c.mod == "" && number:
			text = fmt.Sprintf("%s in [%s]", c.field, strings.Join(c.values, ", "))
		case c.mod == "":
			text = fmt.Sprintf(`%s in ["%s"]`, low, strings.ToLower(strings.Join(c.values, `", "`)))
		}
		if c.not {
			text = "!(" + text + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, " && ")
}

// accessRows are rows of generated traffic, as the parser makes them.
func accessRows(tb testing.TB, n int64) []*s3access.Row {
	tb.Helper()
	var text bytes.Buffer
	if err := generate.Lines(&text, 1, n); err != nil {
		tb.Fatal(err)
	}
	var rows []*s3access.Row
	for row, err := range s3access.Format.NewReader().Read(&logs.Input{Key: delivered2}, &text) {
		if err != nil {
			continue // a planted reject
		}
		kept := *row
		kept.Caller, kept.Client, kept.Ending, kept.Source = nil, nil, nil, nil // true as long as the row is
		v := reflect.ValueOf(&kept).Elem()
		for i := range v.NumField() {
			if t, ok := v.Field(i).Interface().(logs.Text); ok {
				v.Field(i).Set(reflect.ValueOf(slices.Clone(t)))
			}
		}
		rows = append(rows, &kept)
	}
	if len(rows) == 0 {
		tb.Fatal("no rows")
	}
	return rows
}

const delivered2 = "2026-03-03-00-17-42-8C0FFEE0DECADE02"

// env is a row as expr reads it, and as CEL is answered.
type env struct {
	Operation   string `expr:"operation"`
	Requester   string `expr:"requester"`
	UserAgent   string `expr:"user_agent"`
	ErrorCode   string `expr:"error_code"`
	KeyName     string `expr:"key_name"`
	CipherSuite string `expr:"cipher_suite"`
	TLSVersion  string `expr:"tls_version"`
	Signature   string `expr:"signature_version"`
	AuthType    string `expr:"authentication_type"`
	RemoteIP    string `expr:"remote_ip"`
	Status      int64  `expr:"http_status"`
	Bytes       int64  `expr:"bytes_sent_size"`
}

var envTexts = []string{"operation", "requester", "user_agent", "error_code", "key_name", "cipher_suite", "tls_version", "signature_version", "authentication_type", "remote_ip"}

func (e *env) set(r *s3access.Row) {
	number := func(n logs.Int) int64 {
		if !n.OK {
			return -1
		}
		return n.V
	}
	*e = env{string(r.Operation), string(r.Requester), string(r.UserAgent), string(r.ErrorCode), string(r.KeyName), string(r.CipherSuite),
		string(r.TLSVersion), string(r.SignatureVersion), string(r.AuthenticationType), string(r.RemoteIP), number(r.HTTPStatus), number(r.BytesSentSize)}
}

func (e *env) Parent() cel.Activation { return nil }

func (e *env) ResolveName(name string) (any, bool) {
	switch name {
	case "operation":
		return e.Operation, true
	case "requester":
		return e.Requester, true
	case "user_agent":
		return e.UserAgent, true
	case "error_code":
		return e.ErrorCode, true
	case "key_name":
		return e.KeyName, true
	case "cipher_suite":
		return e.CipherSuite, true
	case "tls_version":
		return e.TLSVersion, true
	case "signature_version":
		return e.Signature, true
	case "authentication_type":
		return e.AuthType, true
	case "remote_ip":
		return e.RemoteIP, true
	case "http_status":
		return e.Status, true
	case "bytes_sent_size":
		return e.Bytes, true
	}
	return nil, false
}

// judges are the three languages: each tells which rules match a row.
func judges(tb testing.TB) map[string]func(row *s3access.Row, matched func(rule int)) {
	tb.Helper()
	var docs []string
	for i, rule := range compared {
		docs = append(docs, sigmaText(i, rule))
	}
	set, problems := sigma.Load([]sigma.Source{{Name: "compared", Text: []byte(strings.Join(docs, "---\n"))}}, sigma.Options{Schemas: []sigma.Schema{record.AccessSchema()}})
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	matcher := set.Matcher("s3_server_access")
	var access record.Access

	options := []cel.EnvOption{ext.Strings(), ext.Bindings(), cel.Variable("http_status", cel.IntType), cel.Variable("bytes_sent_size", cel.IntType)}
	for _, name := range envTexts {
		options = append(options, cel.Variable(name, cel.StringType))
	}
	celEnv, err := cel.NewEnv(options...)
	if err != nil {
		tb.Fatal(err)
	}
	var programs []cel.Program
	var exprs []*vm.Program
	for _, rule := range compared {
		ast, issues := celEnv.Compile(formula(rule, true))
		if issues.Err() != nil {
			tb.Fatal(issues.Err())
		}
		p, err := celEnv.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			tb.Fatal(err)
		}
		programs = append(programs, p)
		e, err := expr.Compile(formula(rule, false), expr.Env(&env{}), expr.AsBool())
		if err != nil {
			tb.Fatal(err)
		}
		exprs = append(exprs, e)
	}
	var e env
	var machine vm.VM
	return map[string]func(*s3access.Row, func(int)){
		"sluice": func(row *s3access.Row, matched func(int)) {
			access.Set(row)
			for _, i := range matcher.Match(&access) {
				matched(int(i))
			}
		},
		"cel-go": func(row *s3access.Row, matched func(int)) {
			e.set(row)
			for i, p := range programs {
				v, _, err := p.Eval(&e)
				if err != nil {
					tb.Fatal(err)
				}
				if v.Value().(bool) {
					matched(i)
				}
			}
		},
		"expr": func(row *s3access.Row, matched func(int)) {
			e.set(row)
			for i, p := range exprs {
				v, err := machine.Run(p, &e)
				if err != nil {
					tb.Fatal(err)
				}
				if v.(bool) {
					matched(i)
				}
			}
		},
	}
}

// BenchmarkRules judges the same rows by the same 25 rules in three languages,
// which must agree on every match.
func BenchmarkRules(b *testing.B) {
	rows := accessRows(b, 20_000)
	all := judges(b)
	var want []int
	for _, name := range []string{"sluice", "cel-go", "expr"} {
		judge := all[name]
		got := make([]int, len(compared))
		for _, row := range rows {
			judge(row, func(rule int) { got[rule]++ })
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			b.Fatalf("%s matches\n%v, sluice\n%v", name, got, want)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				judge(rows[i%len(rows)], func(int) {})
				i++
			}
		})
	}
}

// BenchmarkShippedRules judges rows by every shipped rule on access logs.
func BenchmarkShippedRules(b *testing.B) {
	rules, problems := detect.Load(detect.Options{})
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	rows := accessRows(b, 20_000)
	matcher := rules.Set.Matcher("s3_server_access")
	var access record.Access
	matches, i := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		access.Set(rows[i%len(rows)])
		matches += len(matcher.Match(&access))
		i++
	}
	if matches == 0 && i >= len(rows) {
		b.Fatal("no rule matches anything")
	}
	own := 0
	for _, r := range rules.Set.Rules {
		if r.Service == "s3_server_access" {
			own++
		}
	}
	b.ReportMetric(float64(own), "rules")
	b.ReportMetric(float64(matches)/float64(i), "matches/op")
}

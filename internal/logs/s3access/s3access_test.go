package s3access

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/logs"
)

const goodLine = `3f9ac1d27b6e4850a1c2f30b9d8e7746515a2c0be93d48f7a6b1c5d2e0f49318 reports-example [06/Feb/2026:00:00:38 +0000] 192.0.2.3 - 7T3N9PX2QK4M8ZRB REST.GET.OBJECT a.csv "GET /a.csv HTTP/1.1" 200 - 1 1 1 1 "-" "curl/8.5.0" - Kq3vXo1bT9cYh2LwRz7mPd4eSfA6gJuN0iBkC8tVxQyZ5rEaWlHnUoMjGpDsFvI+/b2XcT1yRk8= - TLS_AES_128_GCM_SHA256 - reports-example.s3.eu-west-1.amazonaws.com TLSv1.3 - - -`

// read returns what a reader makes of a file: the log_line of each row, and of
// each reject with its reason.
func read(t *testing.T, r logs.Reader[Row], src io.Reader) (steps []string, lines int64, err error) {
	t.Helper()
	in := logs.Input{Key: "k", Dated: 42}
	for row, e := range r.Read(&in, src) {
		var bad *logs.BadRecord
		switch {
		case errors.As(e, &bad):
			steps = append(steps, fmt.Sprintf("%d %s", bad.Line, bad.Reason))
		case e != nil:
			err = e
		default:
			steps = append(steps, fmt.Sprintf("%d", row.LogLine))
		}
	}
	return steps, in.Lines, err
}

func TestReadLines(t *testing.T) {
	long := strings.Replace(goodLine, "curl/8.5.0", strings.Repeat("x", 1<<20), 1)
	for _, c := range []struct{ name, file, want string }{
		{"nothing", "", ""},
		{"final newline", goodLine + "\n", "1"},
		{"no final newline", goodLine, "1"},
		{"CRLF", goodLine + "\r\n" + goodLine + "\r\n", "1 2"},
		{"byte order mark", "\xef\xbb\xbf" + goodLine + "\n" + goodLine, "1 2"},
		{"blank lines are no records but count as lines of the file", "\n \n" + goodLine + "\n\r\n\t\n" + goodLine, "3 6"},
		{"a reject between rows", goodLine + "\nbroken\n" + goodLine + "\n", "1 2 too_few_fields 3"},
		{"a line of 1 MiB", long + "\n" + goodLine, "1 2"},
		{"a line over the limit costs nobody else", goodLine + "\n" + strings.Repeat("y", MaxLine+10) + "\n" + goodLine, "1 2 line_too_long 3"},
		{"a line over the limit at the end", goodLine + "\n" + strings.Repeat("y", MaxLine+10), "1 2 line_too_long"},
		{"two lines over the limit", strings.Repeat("y", 2*MaxLine) + "\n" + strings.Repeat("z", MaxLine+1) + "\n" + goodLine, "1 line_too_long 2 line_too_long 3"},
		{"NUL bytes", "\x00\x00\n" + goodLine, "1 too_few_fields 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader()
			// In pieces, again, and from memory, where it is read in place.
			for _, src := range []io.Reader{strings.NewReader(c.file), strings.NewReader(c.file), bytes.NewBufferString(c.file)} {
				steps, lines, err := read(t, r, src)
				if got := strings.Join(steps, " "); got != c.want || err != nil {
					t.Errorf("got %s, %v, want %s", got, err, c.want)
				}
				if int(lines) != len(steps) {
					t.Errorf("%d lines, %d rows and rejects", lines, len(steps))
				}
			}
		})
	}
}

// A reader of the logged columns has them as any reader does, and derives nothing.
func TestReadLogged(t *testing.T) {
	var file bytes.Buffer
	for _, c := range hardCases(t) {
		file.Write(append(c.line, '\n'))
	}
	rows := func(r logs.Reader[Row]) (list []string) {
		for row, err := range r.Read(&logs.Input{Key: "k"}, bytes.NewReader(file.Bytes())) {
			if err != nil {
				list = append(list, err.Error())
				continue
			}
			row.RequesterType, row.RequesterAccount, row.RequesterName = nil, nil, nil
			row.Authenticated, row.HTTPMethod, row.Presigned = logs.Bool{}, nil, logs.Bool{}
			row.PresignExpires, row.PresignAccessKeyID = logs.Int{}, nil
			row.UserAgentName, row.UserAgentVersion, row.UserAgentOS = nil, nil, nil
			row.BucketRegion, row.LineHash = nil, 0
			list = append(list, fmt.Sprint(namedValues(row), row.LogLine))
		}
		return list
	}
	if diff := cmp.Diff(rows(NewReader()), rows(NewLoggedReader())); diff != "" {
		t.Errorf("logged columns differ (-all +logged):\n%s", diff)
	}
	for row, err := range NewLoggedReader().Read(&logs.Input{}, strings.NewReader(goodLine)) {
		if err != nil || row.RequesterType != nil || row.UserAgentName != nil || row.BucketRegion != nil || row.LineHash != 0 {
			t.Errorf("something is derived: %v, %v", row, err)
		}
	}
}

// A source that breaks makes the file an error at any point of it, and the piece
// of a line before the break is no row.
func TestReadBrokenSource(t *testing.T) {
	broken := errors.New("connection reset")
	file := goodLine + "\n" + goodLine + "\n"
	for _, cut := range []int{0, 1, 100, len(goodLine), len(goodLine) + 1, len(file) - 2, len(file)} {
		src := io.MultiReader(strings.NewReader(file[:cut]), iotest.ErrReader(broken))
		steps, _, err := read(t, NewReader(), src)
		if !errors.Is(err, broken) {
			t.Errorf("cut at %d: error %v, want %v", cut, err, broken)
		}
		if want := strings.Count(file[:cut], "\n"); len(steps) != want {
			t.Errorf("cut at %d: %d rows, want %d", cut, len(steps), want)
		}
	}
	if _, _, err := read(t, NewReader(), stuck{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a source that never progresses: %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestReadStopsWhenAsked(t *testing.T) {
	n := 0
	for range NewReader().Read(&logs.Input{}, strings.NewReader(strings.Repeat(goodLine+"\nbad\n", 50))) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d steps after a break at 3", n)
	}
}

func TestRejectKeepsTimeAndRaw(t *testing.T) {
	line := strings.Replace(goodLine, " 200 ", " 2xx ", 1) + "?Signature=SECRET"
	for _, c := range []struct {
		line string
		want logs.Time
	}{
		{line, logs.TimeOf(time.Date(2026, 2, 6, 0, 0, 38, 0, time.UTC))},
		{"no record?Signature=SECRET", 42},
	} {
		for _, err := range NewReader().Read(&logs.Input{Dated: 42}, strings.NewReader(c.line)) {
			var bad *logs.BadRecord
			if !errors.As(err, &bad) {
				t.Fatalf("%q is no reject: %v", c.line, err)
			}
			if bad.Time != c.want {
				t.Errorf("time %d, want %d", bad.Time, c.want)
			}
			if bytes.Contains(bad.Raw, []byte("SECRET")) || !bytes.HasSuffix(bad.Raw, []byte("?Signature=REDACTED")) {
				t.Errorf("raw %q", bad.Raw)
			}
			if bad.Detail == "" {
				t.Errorf("%s has no detail", bad.Reason)
			}
		}
	}
	for _, r := range Reasons {
		if details[r] == "" {
			t.Errorf("reason %s is not explained", r)
		}
	}
}

// Every second of odd days, and every date there can be, against the standard library.
func TestTime(t *testing.T) {
	var c clock
	check := func(s string) {
		t.Helper()
		want, err := time.Parse("02/Jan/2006:15:04:05 -0700", s)
		ok := err == nil && want.Year() >= 1970
		for range 2 { // the second time through the memory of the minute
			got, gotOK := c.parse([]byte(s))
			if gotOK != ok || ok && got != want.Unix() {
				t.Fatalf("%s: %d %v, want %d %v", s, got, gotOK, want.Unix(), ok)
			}
		}
	}
	for year := 1970; year < 2110; year++ {
		for _, month := range strings.Fields("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec") {
			for day := 0; day < 33; day++ {
				check(fmt.Sprintf("%02d/%s/%d:12:34:56 +0000", day, month, year))
			}
		}
	}
	for s := range 86400 {
		check(fmt.Sprintf("28/Feb/2024:%02d:%02d:%02d +0000", s/3600, s/60%60, s%60))
	}
	for _, s := range []string{"06/Feb/2026:00:00:38 -0730", "06/Feb/2026:00:00:38 +1400"} {
		check(s)
	}
	for _, s := range []string{"", "06/Feb/2026:00:00:38", "06/feb/2026:00:00:38 +0000", "6/Feb/2026:00:00:380 +0000", "06/Feb/2026:00:60:38 +0000",
		"06/Feb/2026:24:00:38 +0000", "06/Feb/2026:00:00:60 +0000", "06/Feb/2026:00:00:38 *0000", "06/Feb/2026:00:00:38 +00 0", "0x/Feb/2026:00:00:38 +0000", "06/Feb/2026-00:00:38 +0000"} {
		if got, ok := c.parse([]byte(s)); ok {
			t.Errorf("%q is a time: %d", s, got)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, key, head string
		want            bool
	}{
		{"content alone", "anything.txt", goodLine, true},
		{"content behind a broken first line", "x", "garbage\n" + goodLine, true},
		{"content behind a byte order mark", "x", "\xef\xbb\xbf" + goodLine, true},
		{"name alone: the content is damaged", "p/2026-11-22-10-11-12-0A1B2C3D4E5F6071", "damaged", true},
		{"name behind a prefix without a slash", "logs2026-11-22-10-11-12-0A1B2C3D4E5F6071", "damaged", true},
		{"name, zipped by its owner", "p/2026-11-22-10-11-12-0A1B2C3D4E5F6071.gz", "damaged", true},
		{"no name and no content", "notes.txt", "dear diary,\n", false},
		{"a name nearly delivered", "p/2026-11-22-10-11-12-0A1B2C3D4E5F607", "damaged", false},
		{"an Apache log", "access.log", `192.0.2.1 - - [06/Feb/2026:00:00:38 +0000] "GET / HTTP/1.1" 200 1` + "\n", false},
		{"a NUL byte that a requester sent", "p/2026-11-22-10-11-12-0A1B2C3D4E5F6071", "evil\x00\n" + goodLine, true},
		{"a NUL byte, name unknown", "x", goodLine + "\x00\n", true},
		{"binary", "p/data.bin", "PAR1\x00\x01", false},
		{"nothing", "x", "", false},
		{"a tar of log files", "logs.tar", tarHeader("logs/a") + goodLine + "\n" + goodLine, false},
		{"a tar, said to be delivered", "p/2026-11-22-10-11-12-0A1B2C3D4E5F6071", tarHeader("a") + goodLine, true},
		{"a ZIP archive that does not compress", "logs.zip", "PK\x03\x04\x14\x00a\n" + goodLine, false},
		{"the magic of tar, where a requester got it", "x", goodLine[:257] + "ustar\x00\n" + goodLine, true},
	} {
		if got, _ := Format.Match(c.key, []byte(c.head)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// tarHeader is as archive/tar writes it for a file in the format of POSIX.
func tarHeader(name string) string {
	var b strings.Builder
	if err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: name, Mode: 0o644, Format: tar.FormatUSTAR}); err != nil {
		panic(err)
	}
	return b.String()
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"GET /?X-Amz-Signature=abc HTTP/1.1":        "GET /?X-Amz-Signature=REDACTED HTTP/1.1",
		"?a=1&x-amz-security-token=A%2FB&b=2":       "?a=1&x-amz-security-token=REDACTED&b=2",
		"?SIGNATURE=abc&Signature=def":              "?SIGNATURE=REDACTED&Signature=REDACTED",
		"?%53ignatur%65=abc#x":                      "?%53ignatur%65=REDACTED#x",
		"?X-Amz-Signature=":                         "?X-Amz-Signature=REDACTED",
		`"?Signature=abc" "?Signature=def" -`:       `"?Signature=REDACTED" "?Signature=REDACTED" -`,
		"?X-Amz-SignedHeaders=host&signatures=keep": "",
		"no secret at all":                          "",
		"?u=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3Ddead%26X-Amz-Security-Token%3Dbeef%26a%3Db": "?u=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3DREDACTED%26X-Amz-Security-Token%3DREDACTED%26a%3Db",
		"?u=%25253FX-Amz-Signature%25253Ddead%252526a&b":                                        "?u=%25253FX-Amz-Signature%25253DREDACTED%252526a&b",
		"?u=%3FX%252DAmz%252DSecurity%252Dtoke%256E%3Ddead%26a":                                 "?u=%3FX%252DAmz%252DSecurity%252Dtoke%256E%3DREDACTED%26a",
		"?X-Amz-S3session-Token=dead":                                                           "?X-Amz-S3session-Token=REDACTED",
		"?u=%253FSignature%253Ddead%2526a":                                                      "?u=%253FSignature%253DREDACTED%2526a",
		"?X-Amz-Security-Token=abc;REST'x&b":                                                    "?X-Amz-Security-Token=REDACTED&b",
		"%3D%253D%":                                                                             "",
		"=":                                                                                     "",
	} {
		got, hit := appendRedacted([]byte("#"), []byte(in))
		if hit != (want != "") || hit && string(got) != "#"+want {
			t.Errorf("%q: %q, %v", in, got, hit)
		}
	}
}

// However many User-Agents and Host headers a requester thinks of, memory is bounded.
func TestMemoryIsBounded(t *testing.T) {
	var p parser
	for i := range 3 * agentsKept {
		line := strings.Replace(goodLine, "curl/8.5.0", fmt.Sprintf("tool%d/1.%d %s", i, i, strings.Repeat("z", i%1000)), 1)
		line = strings.Replace(line, "reports-example.s3", fmt.Sprintf("b%d.s3", i), 1)
		row, bad := p.parse([]byte(line))
		if bad != nil {
			t.Fatal(bad)
		}
		if want := fmt.Sprintf("tool%d", i); string(row.UserAgentName) != want {
			t.Fatalf("client %q, want %q", row.UserAgentName, want)
		}
		if string(row.BucketRegion) != "eu-west-1" {
			t.Fatalf("region %q", row.BucketRegion)
		}
	}
	if n := len(p.agents.young) + len(p.agents.old); n > 2*agentsKept {
		t.Errorf("%d agents kept", n)
	}
	if n := len(p.ends.slots); n != memoSlots {
		t.Errorf("%d places for line ends", n)
	}
}

// A line of a megabyte of quotes is judged in one pass, and no split is missed.
func TestManyQuotes(t *testing.T) {
	n := 300_000
	line := strings.Replace(goodLine, `"-" "curl/8.5.0"`, `"`+strings.Repeat(`" "`, n)+`"`, 1)
	x := Explain([]byte(line))
	if x.Status != "ambiguous" || x.Splits < int64(n) || len(x.Examples) != examples {
		t.Errorf("%s, %d splits, %d shown", x.Status, x.Splits, len(x.Examples))
	}
	// More splits than are compared, one of them with Referer and User-Agent bare:
	// their tails differ.
	line = strings.Replace(goodLine, `/a.csv HTTP/1.1"`, `/a.csv`+strings.Repeat(`" 200 - - - - - "a" "`, 70)+`"`, 1)
	line = line[:strings.Index(line, `" 200 - 1 1 1 1`)] + `" 200 -` + strings.Repeat(" -", 15)
	var p parser
	row, bad := p.parse([]byte(line))
	if bad != nil {
		t.Fatal(bad)
	}
	if !row.Ambiguous() || row.VersionID != nil || row.RequestURI != nil {
		t.Errorf("%s, version %q", row.ParseStatus, row.VersionID)
	}
	numbers := strings.Repeat(`" 200 - 1 1 1 1 `, n/10)
	line = strings.Replace(goodLine, `/a.csv HTTP/1.1"`, `/a.csv HTTP/1.1`+numbers+`"`, 1)
	if x := Explain([]byte(line)); x.Status == "clean" {
		t.Errorf("forged request line is clean")
	}
}

// Redaction is one pass, too: a megabyte of escapes behind a secret is not searched
// to its end for each of them, which would take minutes.
func TestManyEscapes(t *testing.T) {
	for _, escape := range []string{"%3d", "%253D", "%26", "e%3d", "x=%3D"} {
		many := strings.Repeat(escape, MaxLine/2/len(escape))
		in := "?Signature=abc&" + many
		got, hit := appendRedacted(nil, []byte(in))
		if want := "?Signature=REDACTED&" + many; !hit || string(got) != want {
			t.Errorf("%s many times: %d bytes, %v, want %d", escape, len(got), hit, len(want))
		}
	}
}

// The parser allocates nothing for a line.
func TestNoAllocation(t *testing.T) {
	var p parser
	line := []byte(goodLine)
	presigned := []byte(strings.Replace(goodLine, "/a.csv HTTP", "/a%20b.csv?X-Amz-Expires=60&X-Amz-Signature=abc HTTP", 1))
	key := []byte(strings.Replace(goodLine, " a.csv ", " a%2520%252Bb.csv ", 1))
	bare := []byte(strings.Replace(goodLine, `"curl/8.5.0"`, "-", 1))
	forged := []byte(strings.Replace(goodLine, `"-" "curl/8.5.0"`, strings.Repeat(`"x" 200 - 1 1 1 1 `, 100)+`"a" "b"`, 1))
	lines := [][]byte{line, presigned, key, bare, forged, []byte("no record")}
	all := func() {
		for _, l := range lines {
			p.parse(l)
		}
	}
	all()
	// A reject is one value on the heap; a row is nothing.
	if n := testing.AllocsPerRun(1000, all); n > 1 {
		t.Errorf("%v allocations for %d lines, one of them a reject", n, len(lines))
	}
}

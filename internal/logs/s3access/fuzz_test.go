package s3access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/logs"
)

// FuzzRead: whatever the bytes, no panic, every line is a row or a reject, and
// the way the bytes arrive does not matter.
func FuzzRead(f *testing.F) {
	var all []byte
	for _, c := range hardCases(f) {
		f.Add(c.line)
		all = append(append(all, c.line...), '\n')
	}
	f.Add(all)
	f.Add([]byte("\xef\xbb\xbf\r\n\n \n\"\"\" - \x00\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(r logs.Reader[Row], src io.Reader) (rows, bad int64, hashes []logs.Int64) {
			in := logs.Input{Key: "k"}
			kept := keeper{TB: t, by: new(logs.Keeper)}
			for row, err := range r.Read(&in, src) {
				var b *logs.BadRecord
				switch {
				case errors.As(err, &b):
					bad++
				case err != nil:
					t.Fatal(err)
				default:
					rows++
					kept.check(row)
					hashes = append(hashes, row.LineHash)
				}
			}
			if rows+bad != in.Lines {
				t.Fatalf("%d rows + %d rejects of %d lines", rows, bad, in.Lines)
			}
			return rows, bad, hashes
		}
		rows, bad, hashes := read(NewReader(), bytes.NewReader(data))
		r := &reader{buf: make([]byte, 16)}
		rows2, bad2, hashes2 := read(r, iotest.OneByteReader(bytes.NewReader(data)))
		if rows != rows2 || bad != bad2 || len(hashes) != len(hashes2) {
			t.Fatalf("read whole: %d rows %d rejects; byte by byte: %d, %d", rows, bad, rows2, bad2)
		}
		rows3, bad3, hashes3 := read(r, bytes.NewBuffer(data))
		if rows != rows3 || bad != bad3 || len(hashes) != len(hashes3) {
			t.Fatalf("read whole: %d rows %d rejects; in place: %d, %d", rows, bad, rows3, bad3)
		}
		for i := range hashes {
			if hashes[i] != hashes2[i] || hashes[i] != hashes3[i] {
				t.Fatalf("row %d differs when read byte by byte or in place", i)
			}
		}
	})
}

// FuzzSplit holds the fast path and the count against the search of all splits.
func FuzzSplit(f *testing.F) {
	for _, c := range hardCases(f) {
		f.Add(c.line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) > 4096 {
			return
		}
		line = bytes.TrimRight(line, " ")
		var head split
		uri, bad := head.head(line)
		var quick parser
		junk(&quick.row)
		quick.row.ParseStatus, quick.row.Raw = statusClean, nil // what parse does
		isFast := quick.fast(line)
		if bad != "" {
			if isFast {
				t.Fatalf("fast path took a line without a head: %q", line)
			}
			return
		}
		var ways []split
		var z zone
		n := z.splits(line, &head, uri)
		z.each(func(s *split) bool { ways = append(ways, *s); return len(ways) < 10_000 })
		if int64(len(ways)) != n && n < 10_000 {
			t.Fatalf("count %d, search %d: %q", n, len(ways), line)
		}
		if !isFast {
			return
		}
		if n != 1 {
			t.Fatalf("fast path took a line with %d splits: %q", n, line)
		}
		var plain parser
		if bad := plain.slow(line, line); bad != nil {
			t.Fatalf("fast path took a line that the reference rejects: %v: %q", bad, line)
		}
		plain.derive()
		quick.derive()
		want := withoutPlace(plain.row)
		if diff := cmp.Diff(want, withoutPlace(quick.row)); diff != "" {
			t.Fatalf("the fast path's row differs from the reference's (-want +got):\n%s%q", diff, line)
		}
		// Again, and remembered: what is remembered must be what was cut.
		junk(&quick.row)
		quick.row.ParseStatus, quick.row.Raw = statusClean, nil
		quick.fast(line)
		quick.derive()
		if diff := cmp.Diff(want, withoutPlace(quick.row)); diff != "" {
			t.Fatalf("the second time the fast path's row differs (-want +got):\n%s%q", diff, line)
		}
	})
}

// junk fills every column, so that one that is not written shows.
func junk(row *Row) {
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i).Addr().Interface().(type) {
		case *logs.Text:
			*f = logs.Text("junk")
		case *logs.Int:
			*f = logs.SomeInt(-7)
		case *logs.Bool:
			*f = logs.SomeBool(true)
		case *logs.Time:
			*f = -7
		case *logs.Int64:
			*f = -7
		}
	}
}

// withoutPlace leaves out what parse and Read add to every row alike.
func withoutPlace(row Row) Row {
	row.LineHash, row.LogKey, row.LogLine, row.Escaped = 0, nil, 0, logs.Bool{}
	row.Caller, row.Client, row.Ending, row.Source = nil, nil, nil, nil // see TestAgain
	return row
}

// FuzzForge writes lines as S3 does, with whatever a requester sends in the three
// fields it controls. A row may say less than the truth, never something else;
// and a clean row says all of it.
func FuzzForge(f *testing.F) {
	f.Add("GET / HTTP/1.1", "-", "curl/8.5.0", byte(0))
	f.Add("GET / HTTP/1.1", ` 200 - 1 1 1 1 - `, "x", byte(1))
	f.Add(`GET /a" 200 - 1 1 1 1 "-" "x HTTP/1.1`, "-", "y", byte(2))
	f.Add("GET / HTTP/1.1", `a" "b`, `c" "d`, byte(3))
	f.Add("GET / HTTP/1.1", "-", `x" - `+strings.Repeat("h", 76)+" SigV4 A-B AuthHeader h TLSv1.2", byte(4))
	f.Add("GET / HTTP/1.1", `x" - - - - - - - - "`, "-", byte(12))
	f.Add(`" - - - - - - - - -`, `" - -`, `" " - " "`, byte(7))
	hostID := strings.Repeat("Hq7/+", 15) + "="
	tails := []string{
		"- " + hostID + " SigV4 TLS_AES_128_GCM_SHA256 AuthHeader b.s3.us-east-1.amazonaws.com TLSv1.3 - - us-east-1",
		"- " + hostID + " - TLS_AES_128_GCM_SHA256 - b.s3.us-east-1.amazonaws.com TLSv1.3 - - -",
		"- " + hostID + " - - - b.s3-website-us-east-1.amazonaws.com - - -",
		"- " + hostID + " - - - - -",
		"MwI7yXtui4mtwTeuZxHoT4qHap44j3T2 " + hostID + " SigV2 ECDHE-RSA-AES128-SHA QueryString s3.amazonaws.com TLSv1",
		"-",
		"- - - - - - - - - -",
	}
	f.Fuzz(func(t *testing.T, uri, referer, agent string, variant byte) {
		if strings.ContainsAny(uri+referer+agent, "\n") || len(uri+referer+agent) > 2000 {
			return
		}
		tail := tails[int(variant)%len(tails)]
		year := "2026"
		if tail == "-" {
			year = "2014"
		}
		quotedAgent := `"` + agent + `"`
		if variant >= 128 {
			quotedAgent, agent = "-", "-"
		}
		line := strings.Repeat("a", 64) + " b [06/Feb/" + year + `:00:00:38 +0000] 192.0.2.3 - 7T3N9PX2QK4M8ZRB REST.GET.OBJECT k "` + uri +
			`" 403 AccessDenied 243 - 4 - "` + referer + `" ` + quotedAgent + " " + tail
		var p parser
		row, bad := p.parse([]byte(line))
		if bad != nil {
			t.Fatalf("honestly written line rejected: %v\n%s", bad, line)
		}
		// What the three fields should be, through the parser's own redaction and
		// escaping, which other tests hold.
		want := Row{RequestURI: asLogged(&p, uri), Referer: asLogged(&p, referer), UserAgent: asLogged(&p, agent)}
		clean := !row.Ambiguous()
		texts := []struct {
			name      string
			got, want logs.Text
		}{
			{"request_uri", row.RequestURI, want.RequestURI},
			{"referer", row.Referer, want.Referer},
			{"user_agent", row.UserAgent, want.UserAgent},
			{"error_code", row.ErrorCode, logs.Text("AccessDenied")},
			{"operation", row.Operation, logs.Text("REST.GET.OBJECT")},
			{"remote_ip", row.RemoteIP, logs.Text("192.0.2.3")},
		}
		fields := strings.Fields(tail)
		for i, got := range []logs.Text{row.VersionID, row.HostID, row.SignatureVersion, row.CipherSuite, row.AuthenticationType, row.HostHeader, row.TLSVersion} {
			var w logs.Text
			if i < len(fields) && fields[i] != "-" {
				w = logs.Text(fields[i])
			}
			texts = append(texts, struct {
				name      string
				got, want logs.Text
			}{fieldNames[fVersion+i], got, w})
		}
		for _, c := range texts {
			if c.got == nil && !clean {
				continue
			}
			if (c.got == nil) != (c.want == nil) || !bytes.Equal(c.got, c.want) {
				t.Fatalf("%s = %q, want %q (%s)\n%s", c.name, c.got, c.want, row.ParseStatus, line)
			}
		}
		for _, c := range []struct {
			name      string
			got, want logs.Int
		}{
			{"http_status", row.HTTPStatus, logs.SomeInt(403)}, {"bytes_sent_size", row.BytesSentSize, logs.SomeInt(243)},
			{"object_size", row.ObjectSize, logs.Int{}}, {"total_duration", row.TotalDuration, logs.SomeInt(4)},
		} {
			if c.got != c.want && (clean || c.got.OK) {
				t.Fatalf("%s = %v, want %v (%s)\n%s", c.name, c.got, c.want, row.ParseStatus, line)
			}
		}
	})
}

func asLogged(p *parser, s string) logs.Text {
	if s == "-" {
		return nil
	}
	out, hit := appendRedacted(nil, []byte(s))
	if !hit {
		out = []byte(s)
	}
	if !bytes.Equal(bytes.ToValidUTF8(out, nil), out) {
		out = logs.AppendEscaped(nil, out)
	}
	return append(logs.Text{}, out...)
}

// FuzzKey: decoding never panics, never grows a key, and leaves no escape where
// it says it decoded.
func FuzzKey(f *testing.F) {
	f.Add([]byte("a%252Bb%2Bc"), true)
	f.Add([]byte("%"), false)
	f.Add([]byte("%%%25"), true)
	f.Fuzz(func(t *testing.T, logged []byte, batch bool) {
		passes := 2
		if batch {
			passes = 1
		}
		before := bytes.Clone(logged)
		got := appendKey([]byte("x"), logged, passes)
		if got[0] != 'x' || len(got) > len(logged)+1 {
			t.Fatalf("key of %q: %q", logged, got)
		}
		if !bytes.Equal(before, logged) {
			t.Fatalf("the logged key changed: %q, %q", before, logged)
		}
		usual := string(got[1:])
		for range passes {
			usual = encodeKey(usual, passes == 1)
		}
		quick, ok := appendUsualKey([]byte("x"), logged, run(logged, plainKey), passes)
		if ok != (usual == string(logged)) || ok && !bytes.Equal(quick, got) {
			t.Fatalf("key %q, in one pass %q, of %q, usually logged as %q: %v", got[1:], quick[1:], logged, usual, ok)
		}
	})
}

func encodeKey(key string, plus bool) string {
	var b strings.Builder
	for _, c := range []byte(key) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("-_.*/", c) >= 0:
			b.WriteByte(c)
		case c == ' ' && plus:
			b.WriteByte('+')
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// FuzzSecret: what is redacted from the first secret on is what is redacted from the
// beginning on.
func FuzzSecret(f *testing.F) {
	f.Add([]byte("GET /?a=1&X-Amz-Signature=abc HTTP/1.1"))
	f.Add([]byte("?%53ignatur%65=abc"))
	f.Add([]byte("?u=%253FSignature%253Ddead%2526a"))
	f.Add([]byte("x%3d%3Dsecurity-token%3D1"))
	f.Add([]byte("Signature%3D%3Dx=Signature%253d1%26Signature=2&"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, gotHit := appendRedacted([]byte("x"), b)
		want, hit := appendRedactedFrom([]byte("x"), b, 0)
		if gotHit != hit || !bytes.Equal(got, want) {
			t.Fatalf("%q is redacted to %q, %v, want %q, %v", b, got, gotHit, want, hit)
		}
	})
}

// FuzzNumber: four numbers read in one step each are those read digit by digit.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0 00000000 12345678 99999999", "123456789 - 1 1", "- -       ", "007 \xff\xff\xff\xff\xff", "1\xba2 3 4 5", "1 2 3 4444444444444444444"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append(b, " behind it"...)
		var want [4]logs.Int
		end := 0
		for i := range want {
			start := end
			v, e := numberAt(b, start)
			if e < 0 {
				end = -1
				break
			}
			if b[start] != '-' {
				want[i] = logs.SomeInt(v)
			}
			end = e + 1
		}
		var p parser
		if got := p.quantities(b, 0); got != end {
			t.Fatalf("%q: the next field is at %d, want %d", b, got, end)
		}
		got := [4]logs.Int{p.row.BytesSentSize, p.row.ObjectSize, p.row.TotalDuration, p.row.TurnAroundDuration}
		if end >= 0 && got != want {
			t.Fatalf("%q: %v, want %v", b, got, want)
		}
	})
}

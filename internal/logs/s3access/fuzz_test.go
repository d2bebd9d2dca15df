package s3access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

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
			for row, err := range r.Read(&in, src) {
				var b *logs.BadRecord
				switch {
				case errors.As(err, &b):
					bad++
				case err != nil:
					t.Fatal(err)
				default:
					rows++
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
		for i := range hashes {
			if hashes[i] != hashes2[i] {
				t.Fatalf("row %d differs when read byte by byte", i)
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
		var head, quick split
		uri, bad := head.head(line)
		_, isFast := fast(line, &quick, nil)
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
		// Twice through one memory: what is remembered must be what was cut.
		var memory ends
		for range 2 {
			var again split
			if _, ok := fast(line, &again, &memory); !ok || again != quick {
				t.Fatalf("fast path with memory %v, without %v: %q", again, quick, line)
			}
		}
		if quick != ways[0] {
			t.Fatalf("fast path %v, search %v: %q", quick, ways[0], line)
		}
	})
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
		quick, ok := appendUsualKey([]byte("x"), logged, passes)
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

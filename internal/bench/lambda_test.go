//go:build cgo && linux

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"sluice/internal/testaws"
)

// functionMemory is what the template gives the function, which must do with it.
const functionMemory = 512 * mib

// firstByte is how long S3 lets wait for an object, as it does in a Region.
const firstByte = 40 * time.Millisecond

// BenchmarkFunction gives the function, built as deployed, batches of log files of
// three sizes, each in a process of its own. They are in an S3 on loopback that takes
// its time to answer, so that as many requests are in flight as there ever are;
// findings are on. Every row must be in the lake.
func BenchmarkFunction(b *testing.B) {
	bootstrap := buildFunction(b, runtime.GOARCH)
	text := generated(b, 300_000)
	for b.Loop() {
		figures.note("function: one batch at 512 MB with all rules on, S3 on loopback that answers after %v", firstByte)
		for _, c := range []struct {
			what  string
			files int
			size  int // of each, at least, in bytes
		}{
			{"1,000 files of 73 KB", 1000, 73_000},
			{"150 files of 1 MB", 150, 1 << 20},
			{"one file of 200 MB", 1, 200_000_000},
		} {
			m := work(b, bootstrap, cut(b, text, c.files, c.size))
			figures.add(figure{what: "function, " + c.what + ": peak memory in MiB", sluice: decimals(float64(m.peak)/mib, 0),
				goal: "below 512", met: m.peak < functionMemory})
			figures.add(figure{what: "function, " + c.what + ": reads in flight, at most", sluice: whole(m.flying)})
			b.ReportMetric(float64(m.peak)/mib, "MiB/"+strings.ReplaceAll(c.what, " ", "-"))
		}
	}
	b.ReportMetric(0, "ns/op")
}

// cut makes files of whole lines of a text, which begins again where it ends.
func cut(b *testing.B, text []byte, files, size int) (all [][]byte) {
	b.Helper()
	if size > len(text) {
		b.Fatalf("a text of %d bytes for files of %d", len(text), size)
	}
	rest := text
	for range files {
		if len(rest) < size {
			rest = text
		}
		n := bytes.LastIndexByte(rest[:size], '\n') + 1
		all = append(all, rest[:n])
		rest = rest[n:]
	}
	return all
}

// worked is what a batch took of the function.
type worked struct {
	peak   int64
	flying int64 // requests for log files at once, at most
}

// work runs the function for one batch.
func work(b *testing.B, bootstrap string, files [][]byte) (m worked) {
	b.Helper()
	objects, table, topics := testaws.NewLake(b), testaws.NewDynamoDB(b), testaws.NewSNS(b)
	lake, err := url.Parse(objects.URL)
	if err != nil {
		b.Fatal(err)
	}
	behind := httputil.NewSingleHostReverseProxy(lake)
	var flying, most atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, "/example-logs/p/"+delivered[:20])
		i, err := strconv.ParseUint(name, 16, 32)
		if !ok || err != nil || int(i) >= len(files) || r.Method != http.MethodGet {
			behind.ServeHTTP(w, r)
			return
		}
		for now := flying.Add(1); ; {
			if before := most.Load(); now <= before || most.CompareAndSwap(before, now) {
				break
			}
		}
		time.Sleep(firstByte)
		flying.Add(-1)
		w.Header().Set("ETag", `"00000000000000000000000000000001"`)
		w.Header().Set("Last-Modified", "Tue, 03 Mar 2026 00:17:42 GMT")
		w.Header().Set("Content-Length", strconv.Itoa(len(files[i])))
		w.Write(files[i]) // who reads will say what is missing
	}))
	defer srv.Close()
	var messages []map[string]string
	lines := int64(0)
	for i, f := range files {
		lines += int64(bytes.Count(f, []byte("\n")))
		messages = append(messages, map[string]string{"messageId": fmt.Sprint(i), "eventSource": "aws:sqs", "body": fmt.Sprintf(
			`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"2026-03-03T00:17:42.500Z","eventName":"ObjectCreated:Put",`+
				`"s3":{"bucket":{"name":"example-logs"},"object":{"key":"p/%s%016X","size":%d,"sequencer":"006741D2"}}}]}`, delivered[:20], i, len(f))})
	}
	payload, err := json.Marshal(map[string]any{"Records": messages})
	if err != nil {
		b.Fatal(err)
	}
	f := testaws.Start(b, bootstrap, functionEnv(b, srv.URL, slices.Concat(table.Environ(), topics.Environ()))...)
	a := f.Invoke(payload, 10*time.Minute)
	if a.Failed || a.Dead || a.Body != `{"batchItemFailures":[]}` {
		b.Fatalf("answer %+v\n%s", a, f.Output())
	}
	if m.peak, err = peakOf(strconv.Itoa(f.PID)); err != nil {
		b.Fatal(err)
	}
	f.Ended()
	m.flying = most.Load()
	var rows int64
	for _, key := range objects.Keys("example-lake") {
		if strings.HasPrefix(key, "lake/s3_access_logs/") {
			body, _ := objects.Get("example-lake", key)
			p, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
			if err != nil {
				b.Fatal(err)
			}
			rows += p.NumRows()
		}
	}
	if rows != lines {
		b.Fatalf("%d rows of %d lines\n%s", rows, lines, f.Output())
	}
	return m
}

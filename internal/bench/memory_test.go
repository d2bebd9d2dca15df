//go:build cgo && linux

package bench

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"sluice/internal/generate"
)

// flatGoal is the peak at ten or a hundred times the lines, to the peak.
const flatGoal = 1.10

// members is how many a zipped file has that is as long as any.
const members = 100

// BenchmarkMemory measures how much memory "sluice convert" takes, and whether that
// grows with the input: with days, of which each has an object of its own, and with
// lines. What becomes of the rows is checked each time.
//
// The program is one without DuckDB, which only its queries need: of that, megabytes
// of program text are mapped that nobody runs, more or less of them as the system
// pleases.
func BenchmarkMemory(b *testing.B) {
	n := lines(b)
	sluice := b.TempDir() + "/sluice"
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", sluice, "sluice/cmd/sluice")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%q: %v\n%s", build.Args, err, out)
	}
	for range turns(b) {
		m := memory{sluice: sluice, beside: "Sluice, " + whole(n) + " lines of a day"}
		file, _ := accessLog(b, n)
		m.once = m.convert(b, n, file, b.TempDir()+"/lake", 1)
		figures.note("memory: most that was resident of a sluice without cgo, program text included")
		figures.add(figure{what: "convert " + whole(n) + " lines of a day, peak memory in MiB", sluice: decimals(float64(m.once)/mib, 0),
			goal: "at most 96", met: m.once <= peakGoal})
		say(b, "MiB", float64(m.once)/mib)
		m.spread(b, n)
		if big() {
			m.many(b, 10*n)
		}
		if huge() {
			m.zipped(b, n)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// memory measures a program.
type memory struct {
	sluice string
	once   int64  // its peak with the fewest lines
	beside string // how that is called
}

// convert converts n lines, and checks that they are all there, each on its day. The
// system keeps the high-water mark of a process for as long as it runs, so it is asked
// for it until it ends; what the mark of a child says afterwards began with that of
// its parent.
func (m memory) convert(b *testing.B, n int64, from, lake string, days int64) (peak int64) {
	b.Helper()
	cmd := exec.Command(m.sluice, "convert", from, "-o", lake, "--workers", "1", "--json")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	var said []byte
	go func() {
		said, err = io.ReadAll(out)
		close(ended)
	}()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		case <-time.After(5 * time.Millisecond):
			if p, err := peakOf(fmt.Sprint(cmd.Process.Pid)); err == nil {
				peak = p
			}
		}
	}
	if err := errors.Join(err, cmd.Wait()); err != nil || peak == 0 {
		b.Fatalf("%q: peak %d: %v", cmd.Args, peak, err)
	}
	var r report
	if err := json.Unmarshal(said, &r); err != nil {
		b.Fatal(err)
	}
	if err := r.whole(1, n); err != nil {
		b.Fatal(err)
	}
	onItsDay(b, lake, n, days)
	return peak
}

// grown adds what memory came to.
func (m memory) grown(b *testing.B, what string, peak int64, flat float64) {
	ratio := float64(peak) / float64(m.once)
	f := figure{
		what: "convert " + what + ", peak memory in MiB", sluice: decimals(float64(peak)/mib, 0),
		other: decimals(float64(m.once)/mib, 0), name: m.beside,
		ratio: decimals(ratio, 2), goal: "at most 96", met: peak <= peakGoal,
	}
	if flat > 0 {
		f.goal, f.met = f.goal+", and "+decimals(flat, 2), f.met && ratio <= flat
	}
	figures.add(f)
}

// days is as many as a backlog of more than a year has.
const days = 400

// spread converts a file whose neighbouring lines are of different days, which is
// the worst order there is: each buffer of rows becomes a row group for every day.
func (m memory) spread(b *testing.B, n int64) {
	b.Helper()
	dir := b.TempDir()
	file, _ := create(b, dir+"/"+delivered, func(w io.Writer) error { return generate.Lines(&calendar{w: w}, 1, n) })
	peak := m.convert(b, n, file, dir+"/lake", days)
	objects, err := filepath.Glob(dir + "/lake/s3_access_logs/dt=*/*.parquet")
	if err != nil || len(objects) != days {
		b.Fatalf("%d objects for %d days: %v", len(objects), days, err)
	}
	m.grown(b, fmt.Sprintf("%s lines of %d days in turns", whole(n), days), peak, 0)
	figures.add(figure{what: "  objects written", sluice: whole(int64(len(objects))), goal: "one a day", met: len(objects) == days})
	say(b, "days-MiB", float64(peak)/mib)
}

// many converts so many lines, none twice.
func (m memory) many(b *testing.B, n int64) {
	b.Helper()
	dir := b.TempDir()
	file, _ := create(b, dir+"/"+delivered, func(w io.Writer) error { return generate.Lines(w, 1, n) })
	peak := m.convert(b, n, file, dir+"/lake", 1)
	m.grown(b, whole(n)+" lines", peak, flatGoal)
	if err := os.RemoveAll(dir); err != nil { // gigabytes
		b.Fatal(err)
	}
}

// zipped converts one zipped file whose members are all the same n lines: legal, and
// to the conversion a file as long as any. It is read from an S3 on loopback, so that
// only the lake takes room: 11 GB for as long as it is checked.
func (m memory) zipped(b *testing.B, n int64) {
	b.Helper()
	var member bytes.Buffer
	z, err := gzip.NewWriterLevel(&member, gzip.BestSpeed)
	if err == nil {
		err = errors.Join(generate.Lines(z, 1, n), z.Close())
	}
	if err != nil {
		b.Fatal(err)
	}
	key, size := "logs/"+delivered+".gz", members*int64(member.Len())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bucket/"+key {
			fmt.Fprintf(w, `<ListBucketResult><Contents><Key>%s</Key><Size>%d</Size><ETag>"1"</ETag>`+
				`<LastModified>2026-03-03T00:17:42Z</LastModified></Contents></ListBucketResult>`, key, size)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(size))
		w.Header().Set("ETag", `"1"`)
		for range members {
			if _, err := w.Write(member.Bytes()); err != nil {
				return // who reads will say what is missing
			}
		}
	}))
	defer srv.Close()
	for _, kv := range functionEnv(b, srv.URL, nil) {
		if k, v, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "AWS_") {
			b.Setenv(k, v)
		}
	}
	dir := b.TempDir()
	peak := m.convert(b, members*n, "s3://bucket/logs/", dir+"/lake", 1)
	written := bytesBelow(b, dir+"/lake")
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
	m.grown(b, fmt.Sprintf("%s lines, a .gz of %d members in S3", whole(members*n), members), peak, flatGoal)
	figures.add(figure{what: "  GB read, and written", sluice: decimals(float64(size)/1e9, 1), other: decimals(float64(written)/1e9, 1), name: "of Parquet"})
}

// onItsDay checks that a lake has n access-log rows of so many days, each in the
// folder of its day.
func onItsDay(b *testing.B, lake string, n, days int64) {
	b.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var rows, folders, elsewhere int64
	if err := db.QueryRow(`SELECT count(*), count(DISTINCT dt), count(*) FILTER (strftime(request_time AT TIME ZONE 'UTC', '%Y-%m-%d') <> dt)
		FROM read_parquet(`+quote(lake+"/s3_access_logs/dt=*/*.parquet")+`, hive_partitioning = true, hive_types = {'dt': VARCHAR})`).
		Scan(&rows, &folders, &elsewhere); err != nil {
		b.Fatal(err)
	}
	if rows != n || folders != days || elsewhere != 0 {
		b.Fatalf("%d rows of %d days, %d of them of another day than their folder; want %d of %d", rows, folders, elsewhere, n, days)
	}
}

// calendar gives each line of an access log the next of the days, at the time that it
// has. The length of a line stays what it is.
type calendar struct {
	w    io.Writer
	line int
	left []byte // the beginning of a line
}

func (c *calendar) Write(p []byte) (int, error) {
	const form = "02/Jan/2006"
	c.left = append(c.left, p...)
	whole := c.left[:bytes.LastIndexByte(c.left, '\n')+1]
	for line := range bytes.Lines(whole) {
		at := bytes.IndexByte(line, '[') + 1
		if at == 0 || len(line) < at+len(form) {
			return 0, fmt.Errorf("no time in %q", line)
		}
		copy(line[at:], time.Date(2025, 1, 1+c.line%days, 0, 0, 0, 0, time.UTC).Format(form))
		c.line++
	}
	if _, err := c.w.Write(whole); err != nil {
		return 0, err
	}
	c.left = append(c.left[:0], c.left[len(whole):]...)
	return len(p), nil
}

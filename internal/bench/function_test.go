//go:build cgo && unix

package bench

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/internal/testaws"
)

// The goals of a cold start.
const (
	zipGoal   = 8 * mib // bytes of what is deployed
	startGoal = 10      // milliseconds of CPU, from exec to the first question for work
)

const (
	starts    = 25                // of which the median counts
	firstPoll = "invocation/next" // how the path ends by which a function asks for work
	startWait = 20 * time.Second  // for that, at most
)

// BenchmarkStart measures what a cold start costs: the function is built as the
// template has it, and runs until it asks for its first invocation. Its size is that
// of the build for arm64, which is deployed; its time that of the same build for
// this machine.
func BenchmarkStart(b *testing.B) {
	size, zipped := sizes(b, buildFunction(b, "arm64"))
	bootstrap := buildFunction(b, runtime.GOARCH)
	env := functionEnv(b, testaws.NewLake(b).URL, nil)
	for range turns(b) {
		var cpu, wall []float64
		for range starts {
			c, w := polled(b, bootstrap, env)
			cpu, wall = append(cpu, c.Seconds()*1e3), append(wall, w.Seconds()*1e3)
		}
		figures.note("start: functions/ingest as deployed, to its first question for an invocation; medians of %d starts", starts)
		figures.add(figure{what: "start, CPU ms from exec to first poll", sluice: decimals(median(cpu), 1),
			goal: "at most 10", met: median(cpu) <= startGoal})
		figures.add(figure{what: "  milliseconds by the clock", sluice: decimals(median(wall), 1)})
		figures.add(figure{what: "  MB of the binary for arm64", sluice: decimals(float64(size)/1e6, 1)})
		figures.add(figure{what: "  MiB of its zip", sluice: decimals(float64(zipped)/mib, 2), goal: "at most 8", met: zipped <= zipGoal})
		say(b, "start-cpu-ms", median(cpu))
		say(b, "zip-MiB", float64(zipped)/mib)
	}
	b.ReportMetric(0, "ns/op")
}

// buildFunction builds functions/ingest with the recipe by which it is deployed.
func buildFunction(b *testing.B, arch string) (bootstrap string) {
	b.Helper()
	dir := b.TempDir()
	build := exec.CommandContext(b.Context(), "make", "-C", "../..", "build-IngestFunction", "LAMBDAARCH="+arch, "ARTIFACTS_DIR="+dir)
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%q: %v\n%s", build.Args, err, out)
	}
	return dir + "/bootstrap"
}

// sizes are the bytes of a program, and of the archive that is uploaded of it.
func sizes(b *testing.B, program string) (size, zipped int64) {
	b.Helper()
	f, err := os.Open(program)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var n counter
	z := zip.NewWriter(&n)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	w, err := z.Create("bootstrap")
	if err == nil {
		size, err = io.Copy(w, f)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	return size, int64(n)
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// functionEnv is the environment of the function, with S3 at url and the rest where
// others says.
func functionEnv(tb testing.TB, url string, others []string) []string {
	return append([]string{
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_LAMBDA_FUNCTION_NAME=ingest", "AWS_REGION=eu-central-1", "TZ=:UTC", "_HANDLER=bootstrap",
		"AWS_ENDPOINT_URL=" + url, "AWS_ENDPOINT_URL_S3=" + url,
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=example",
		"AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_EC2_METADATA_DISABLED=true",
		"SLUICE_LAKE_BUCKET=example-lake", "SLUICE_LAKE_PREFIX=lake/", "SLUICE_STATE_TABLE=state", "SLUICE_STAGE=" + tb.TempDir(),
		"SLUICE_ACCOUNT=111122223333", "SLUICE_RULES_LOCATION=s3://example-lake/rules/",
		"SLUICE_FINDINGS_TOPIC_ARN=arn:aws:sns:eu-central-1:111122223333:findings",
		"SLUICE_ALERTS_TOPIC_ARN=arn:aws:sns:eu-central-1:111122223333:alerts",
	}, others...)
}

// polled starts the function, ends it when it asks for work, and says what it took.
func polled(b *testing.B, bootstrap string, env []string) (cpu, wall time.Duration) {
	b.Helper()
	asked := make(chan time.Time, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, firstPoll) {
			asked <- time.Now()
		}
		<-r.Context().Done() // there is no work
	}))
	defer api.Close()
	cmd := exec.Command(bootstrap)
	cmd.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
	cmd.Stderr = os.Stderr
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	var when time.Time
	select {
	case when = <-asked:
	case <-time.After(startWait):
	}
	if err := cmd.Process.Kill(); err != nil {
		b.Error(err)
	}
	err := cmd.Wait()
	if when.IsZero() {
		b.Fatalf("no question for work within %v: %v", startWait, err)
	}
	if !strings.Contains(fmt.Sprint(err), "killed") {
		b.Fatalf("ended before it was: %v", err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), when.Sub(begun)
}

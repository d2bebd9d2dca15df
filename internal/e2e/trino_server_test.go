//go:build cgo && unix

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The Trino that make trino unpacks, and the least Java that starts it.
const (
	trinoHome = "SLUICE_TRINO_HOME"
	leastJava = 24
)

// trino is the engine that Athena is built on, with the stack's Glue as its
// catalog. It knows of the lake what Athena would: tables, views, columns,
// types and where their partitions are.
type trino struct {
	t           *testing.T
	url, schema string
	catalog     string // that statements are about; the analysts' where it is empty
}

// heap is what the server gets. 1 GB answers everything here; the rest is room
// for lakes of a million lines.
const heap = "-Xmx1800m"

// trinoOver starts a server over the stack, with plugins beside that for tables
// of plain files. It ends with the test.
func trinoOver(t *testing.T, s *stack, more ...string) *trino {
	t.Helper()
	return trinoFor(t, s, connected{}, more...)
}

// connected says who else asks, and by which way.
type connected struct {
	url string
	as  keys
}

// For whom a server has catalogs of his own: tables of files, and Iceberg.
const (
	packing        = "packing"
	packingIceberg = "packing_iceberg"
)

// trinoFor is trinoOver with catalogs for one who may not do everything.
func trinoFor(t *testing.T, s *stack, other connected, more ...string) *trino {
	t.Helper()
	home := os.Getenv(trinoHome)
	if _, err := os.Stat(filepath.Join(home, "plugin", "hive")); home == "" || err != nil {
		t.Fatalf("%s names no Trino with its hive plugin: make trino fetches one", trinoHome)
	}
	home, err := filepath.Abs(home)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	x := &trino{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port), schema: s.Resources["Database"].ID}
	dir := t.TempDir()
	plugins := filepath.Join(dir, "plugin") // the one that is used: each takes a second to load
	if err := os.MkdirAll(filepath.Join(dir, "catalog"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(plugins, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"hive"}, more...) {
		if err := os.Symlink(filepath.Join(home, "plugin", name), filepath.Join(plugins, name)); err != nil {
			t.Fatal(err)
		}
	}
	properties(t, filepath.Join(dir, "config.properties"),
		"coordinator=true",
		"node-scheduler.include-coordinator=true",
		fmt.Sprintf("http-server.http.port=%d", port),
		"discovery.uri="+x.url,
		"node.environment=test",
		"node.internal-address=127.0.0.1",
		"node.bind-ip=127.0.0.1",
		"catalog.management=static",
		"catalog.config-dir="+filepath.Join(dir, "catalog"),
		"plugin.dir="+plugins,
		"query.max-memory-per-node=1GB",
	)
	// The catalog has the name that Athena gives it: views name it.
	catalogs := func(plain, iceberg, url string, as keys) {
		connection := []string{
			"hive.metastore.glue.endpoint-url=" + url,
			"hive.metastore.glue.region=" + s.Region,
			"hive.metastore.glue.aws-access-key=" + as.ID,
			"hive.metastore.glue.aws-secret-key=" + as.Secret,
			"fs.native-s3.enabled=true",
			"s3.endpoint=" + url,
			"s3.region=" + s.Region,
			"s3.path-style-access=true",
			"s3.aws-access-key=" + as.ID,
			"s3.aws-secret-key=" + as.Secret,
		}
		hive := []string{
			"connector.name=hive",
			"hive.metastore=glue",
			// moto has no statistics of columns, and no crawler makes any for Athena.
			"hive.table-statistics-enabled=false",
		}
		if slices.Contains(more, "iceberg") {
			// Athena has both kinds of tables in one catalog.
			hive = append(hive, "hive.iceberg-catalog-name="+iceberg)
			properties(t, filepath.Join(dir, "catalog", iceberg+".properties"), append([]string{"connector.name=iceberg", "iceberg.catalog.type=glue",
				"iceberg.expire-snapshots.min-retention=0s", "iceberg.remove-orphan-files.min-retention=0s"}, connection...)...)
		}
		properties(t, filepath.Join(dir, "catalog", plain+".properties"), append(hive, connection...)...)
	}
	catalogs("awsdatacatalog", "iceberg", s.URL, s.Admin)
	if other.url != "" {
		catalogs(packing, packingIceberg, other.url, other.as)
	}
	x.start(java(t), dir, home)
	x.settle(time.Minute)
	return x
}

// settle waits until the server gives work to its own node, which it may do some
// seconds after it says that it has started.
func (x *trino) settle(limit time.Duration) {
	x.t.Helper()
	for end := time.Now().Add(limit); ; {
		_, err := x.ask(x.t.Context(), "SELECT count(*) FROM findings")
		if err == nil {
			return
		}
		if !strings.HasPrefix(err.Error(), "NO_NODES_AVAILABLE") || time.Now().After(end) {
			x.t.Fatalf("trino's first answer: %v", err)
		}
	}
}

// start returns when the server says that it has started. Whatever ends the
// test ends it: the shell around it waits for the end of its input.
func (x *trino) start(java, dir, home string) {
	x.t.Helper()
	cmd := exec.Command("sh", "-c", `"$@" </dev/null & cat >/dev/null; kill -9 $!`, "sh",
		java, heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", // many short queries: what C2 compiles is never needed
		"-Djdk.attach.allowAttachSelf=true", "--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector", "--sun-misc-unsafe-memory-access=allow",
		"-Dconfig="+filepath.Join(dir, "config.properties"), "-cp", filepath.Join(home, "lib", "*"), "io.trino.server.TrinoServer")
	cmd.Dir = dir
	log, err := os.Create(filepath.Join(dir, "trino.log"))
	if err != nil {
		x.t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		x.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	stdin, err := cmd.StdinPipe()
	if err != nil {
		x.t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	write.Close()
	started, ended := make(chan struct{}), make(chan struct{})
	go func() { // ends with the server, which the test waits for
		defer close(ended)
		lines := bufio.NewReader(io.TeeReader(read, log))
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if started != nil && strings.Contains(line, "======== SERVER STARTED ========") {
				close(started)
				started = nil
			}
		}
	}()
	up := started
	x.t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
		read.Close()
		<-ended
		log.Close()
		if text, err := os.ReadFile(log.Name()); x.t.Failed() && err == nil {
			x.t.Logf("trino: %s", last(warnings(text), 4000))
		}
	})
	select {
	case <-up:
		x.t.Logf("trino started in %v", time.Since(began).Round(time.Millisecond))
	case <-ended:
		text, _ := os.ReadFile(log.Name())
		x.t.Fatalf("trino does not start:\n%s", last(text, 8000))
	case <-x.t.Context().Done():
		x.t.Fatal(x.t.Context().Err())
	}
}

// warnings are the lines of a server's log that tell of more than its daily
// work, of which there are so many that nobody finds what failed between them.
func warnings(log []byte) (left []byte) {
	for line := range bytes.Lines(log) {
		if !bytes.Contains(line, []byte("\tINFO\t")) {
			left = append(left, line...)
		}
	}
	return left
}

// properties writes a file of settings.
func properties(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// freePort is a port that the kernel chose and that nobody has.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

var javaVersion = regexp.MustCompile(`^\S+ (\d+)`)

// java finds one that is new enough: where JAVA_HOME says, on the path, or where
// Debian installs them.
func java(t *testing.T) string {
	t.Helper()
	candidates := []string{filepath.Join(os.Getenv("JAVA_HOME"), "bin", "java"), "java"}
	installed, err := filepath.Glob("/usr/lib/jvm/*/bin/java")
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, c := range append(candidates, installed...) {
		out, err := exec.Command(c, "--version").Output()
		m := javaVersion.FindSubmatch(out)
		if err != nil || m == nil {
			continue
		}
		if n, _ := strconv.Atoi(string(m[1])); n >= leastJava {
			return c
		}
		seen = append(seen, string(m[0])+" at "+c)
	}
	t.Fatalf("trino needs Java %d or later: install one, or name it in JAVA_HOME; found %s", leastJava, seen)
	return ""
}

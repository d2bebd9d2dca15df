// Package internal_test holds the shape of the tree: data moves to the right
// only, and a package knows by type what is on its left, never what is on its
// right.
package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule says what a package may import of ours, and why not more. A name that
// ends in /... stands for everything below it.
type rule struct {
	pkg string
	may []string
	why string // what is lost otherwise
}

var rules = []rule{
	{"internal/logs", nil,
		"a log format is bytes in, rows out: whoever reads one needs nothing else"},
	{"internal/logs/...", []string{"internal/logs", "internal/jsontext", "internal/link"},
		"formats do not know each other, so that a new one is one folder"},
	{"internal/frame", nil,
		"a frame is bytes: what they mean is for others"},
	{"internal/table", []string{"internal/logs", "internal/frame"},
		"a table takes any row: it must not learn what a file, a batch or a bucket is"},
	{"internal/pipeline", []string{"internal/logs", "internal/table"},
		"the pipeline runs the same on a laptop and in Lambda: it meets storage as an interface"},
	{"internal/formats", []string{"internal/logs/...", "internal/pipeline"},
		"the list of formats is a list"},
	{"internal/ledger", []string{"internal/logs", "internal/pipeline", "internal/table"},
		"a local lake commits batches and does not look into them"},
	{"internal/generate", nil,
		"what writes test data must not share mistakes with what reads it"},
	{"internal/clean", nil,
		"text is made harmless the same way wherever it is shown"},
	{"internal/amount", nil,
		"numbers are written the same way wherever they are shown"},
	{"internal/cost", nil,
		"prices times figures: who wants to know a cost needs nothing of what causes it"},
	{"internal/docs", nil,
		"it reads the source, it is no part of the product"},
	{"internal/jsontext", nil,
		"what a JSON string says is no matter of the log it is in"},
	{"internal/link", nil,
		"what is a secret in a link is no matter of the log it is in"},
	{"internal/sigma", []string{"internal/jsontext"},
		"the rule language knows no log format: what a field is, a schema tells it"},
	{"internal/finding", []string{"internal/logs", "internal/clean", "internal/amount"},
		"a finding is a document: it does not know who found it, nor who sends it"},
	{"internal/finding/findingtest", nil,
		"a check that shares code with what it checks agrees with its mistakes"},
	{"internal/detect/record", []string{"internal/logs/...", "internal/sigma", "internal/jsontext"},
		"a record shows a row to rules and judges nothing but single fields"},
	{"internal/detect", []string{"internal/logs/...", "internal/sigma", "internal/finding", "internal/detect/record"},
		"rules judge rows the same on a laptop and in Lambda: they meet their memory as an interface"},
	{"internal/query", []string{"internal/logs/...", "internal/table", "internal/formats", "internal/finding"},
		"questions see tables, not how they were made"},
	{"internal/report", []string{"internal/query", "internal/clean", "internal/amount", "internal/finding"},
		"a page is made of answers that anybody can have: it sees no file and no table"},
	{"internal/enroll", []string{"internal/ledger"},
		"which bucket logs where is planned without AWS; only what it remembers is in a table of records"},
	{"internal/backfill", []string{"internal/logs", "internal/pipeline", "internal/clean"},
		"it announces files and converts none: what becomes of them is decided where all others are"},
	{"internal/pack", []string{"internal/table"},
		"which rows move when is decided without AWS: the engine, the objects and the notes are interfaces"},
	{"internal/maintain", []string{"internal/pack", "internal/table", "internal/logs", "internal/logs/s3access", "internal/logs/cloudtrail"},
		"when is packed and what a deployment is told is tested without AWS: statements and lake are interfaces"},
	{"internal/coverage", []string{"internal/detect", "internal/finding", "internal/logs", "internal/table"},
		"buckets are compared without AWS: settings and memory are interfaces"},
	{"internal/awsio/athena", []string{"internal/pack"},
		"a client that only packing needs stays out of the function that converts"},
	{"internal/awsio", []string{
		"internal/logs", "internal/pipeline", "internal/table", "internal/sigma", "internal/finding", "internal/detect", "internal/ledger",
		"internal/backfill", "internal/coverage", "internal/enroll", "internal/pack",
	},
		"an adapter translates and decides nothing"},
	{"internal/probe", []string{"internal/enroll", "internal/ledger", "internal/logs", "internal/logs/s3access", "internal/pipeline"},
		"a bucket is followed without AWS and without a terminal: both are interfaces"},
	{"internal/digest/digesttest", nil,
		"what forges files shares no mistake with what verifies them"},
	{"internal/digest", nil,
		"who verifies files must not share mistakes with who reads them"},
	{"internal/awsio/trail", []string{"internal/awsio", "internal/digest"},
		"apart, so that no function carries the client of CloudTrail"},
	{"internal/outlet", []string{"internal/awsio", "internal/clean", "internal/finding", "internal/sigma", "internal/table"},
		"findings leave in one way, whoever makes them"},
	{"internal/ingest", []string{
		"internal/logs", "internal/table", "internal/pipeline", "internal/formats", "internal/clean", "internal/awsio",
		"internal/sigma", "internal/finding", "internal/detect", "internal/ledger", "internal/outlet",
		"internal/coverage", "internal/logs/s3access",
	},
		"what decides about batches is tested without AWS and without a terminal"},
	{"internal/testaws", nil,
		"a fake that shares code with what it tests agrees with its mistakes"},
	{"internal/cli", []string{
		"internal/logs/...", "internal/table", "internal/pipeline", "internal/formats", "internal/ledger",
		"internal/generate", "internal/clean", "internal/amount", "internal/query", "internal/report", "internal/coverage", "internal/awsio/...", "internal/digest", "internal/probe", "internal/enroll",
		"internal/sigma", "internal/finding", "internal/detect/...",
		"internal/backfill", "internal/cost", "internal/maintain", "internal/pack",
	},
		"the command line is not a Lambda function"},
	{"cmd/...", []string{"internal/cli"},
		"main turns arguments into an exit code"},
	{"functions/...", []string{"internal/ingest", "internal/backfill", "internal/enroll", "internal/awsio", "internal/awsio/athena", "internal/maintain", "internal/coverage", "internal/outlet", "internal/formats", "internal/detect", "internal/ledger"},
		"main reads settings, builds and starts; in particular no DuckDB and no terminal in the zip"},
}

// outside says who alone may import what is not ours.
var outside = []struct {
	prefix string
	only   []string // the packages that may
	why    string
}{
	{"github.com/aws/", []string{"internal/awsio/...", "functions/...", "internal/testaws"},
		"everything else must run and be tested without AWS"},
	{"github.com/duckdb/", []string{"internal/query"},
		"DuckDB needs cgo: one package has it, and builds without"},
	{"github.com/parquet-go/", []string{"internal/table"},
		"one package knows how a row becomes bytes"},
}

// impure are the packages that a parser has no use for.
var impure = []string{"os", "os/exec", "net", "net/http", "math/rand", "math/rand/v2", "log", "log/slog"}

// imports says what each package imports outside its tests, on any system. It
// reads the files itself: what another program reads for it, the cache of go
// test would not know to have changed.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	root := os.DirFS("..")
	for _, top := range []string{"cmd", "functions", "internal"} {
		err := fs.WalkDir(root, top, func(name string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			src, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
			if err != nil {
				return err
			}
			pkg := path.Dir(name)
			all[pkg] = append(all[pkg], "") // a package that imports nothing is one, too
			for _, spec := range f.Imports {
				imp, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				all[pkg] = append(all[pkg], imp)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestWhoMayImportWhom(t *testing.T) {
	used := map[string]bool{}
	for pkg, imported := range imports(t) {
		i := slices.IndexFunc(rules, func(r rule) bool { return within(pkg, r.pkg) })
		if i < 0 {
			t.Errorf("%s has no rule: say in internal/arch_test.go what it may import", pkg)
			continue
		}
		r := rules[i]
		used[r.pkg] = true
		for _, imp := range imported {
			imp, ours := strings.CutPrefix(imp, "sluice/")
			if ours && !named(r.may, imp) {
				t.Errorf("%s imports %s; of ours it may import only %v: %s", pkg, imp, r.may, r.why)
			}
		}
	}
	for _, r := range rules {
		if !used[r.pkg] {
			t.Errorf("the rule for %s is about no package: remove it", r.pkg)
		}
	}
}

func TestWhoMayImportFromOutside(t *testing.T) {
	for pkg, imported := range imports(t) {
		for _, imp := range imported {
			for _, o := range outside {
				if strings.HasPrefix(imp, o.prefix) && !named(o.only, pkg) {
					t.Errorf("%s imports %s; only %v may: %s", pkg, imp, o.only, o.why)
				}
			}
			if within(pkg, "internal/logs/...") && slices.Contains(impure, imp) {
				t.Errorf("%s imports %s: a parser has no files, no network, no clock and no log", pkg, imp)
			}
		}
	}
}

// within says whether a package is one that a pattern names. internal/logs/...
// names internal/logs too; an exact rule that stands before it goes first.
func within(pkg, pattern string) bool {
	dir, below := strings.CutSuffix(pattern, "/...")
	return pkg == dir || below && strings.HasPrefix(pkg, dir+"/")
}

func named(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return within(pkg, p) })
}

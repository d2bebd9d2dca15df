package ledger

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/pipeline"
)

// TestLostLedger removes all that the ledger knows. Its objects are the same as
// those that are made again, and no row comes twice.
func TestLostLedger(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := convert(dir, delivered, made); err != nil {
			t.Fatal(err)
		}
		checkWhole(t, dir, delivered)
		if err := os.RemoveAll(filepath.Join(dir, "_sluice")); err != nil {
			t.Fatal(err)
		}
	}
	_, objects := visible(t, dir)
	strays := func() []string {
		d, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}()
		return d.Strays()
	}
	if got := strays(); !slices.Equal(got, objects) {
		t.Errorf("no commit accounts for %q, want %q", got, objects)
	}
	if err := convert(dir, delivered, made); err != nil {
		t.Fatal(err)
	}
	if got := strays(); len(got) > 0 {
		t.Errorf("no commit accounts for %q, all are committed", got)
	}
}

// TestOtherVersion is a ledger that was lost, in a lake that an older sluice
// filled: one object is different, or one is there that is not made any more.
func TestOtherVersion(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(object string) (stray string, err error)
	}{
		{"other bytes", "other content", func(o string) (string, error) { return o, os.WriteFile(o, []byte("PAR1"), 0o644) }},
		{"longer", "other content", func(o string) (string, error) {
			b, err := os.ReadFile(o)
			if err != nil {
				return "", err
			}
			return o, os.WriteFile(o, append(b, 0), 0o644)
		}},
		{"one more", "another version", func(o string) (string, error) {
			more := strings.Replace(o, "-0000.", "-0001.", 1)
			return more, os.WriteFile(more, nil, 0o644)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := convert(dir, delivered, made); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(dir, "_sluice")); err != nil {
				t.Fatal(err)
			}
			objects, err := filepath.Glob(filepath.Join(dir, "*", "*", "*-0000.parquet"))
			if err != nil || len(objects) == 0 {
				t.Fatal(objects, err)
			}
			stray, err := c.change(objects[0])
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the lake can still be opened
				if err := convert(dir, delivered, made); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), stray) {
					t.Fatalf("got %v, want one with %q and %s", err, c.want, stray)
				}
			}
			if err := os.Remove(stray); err != nil {
				t.Fatal(err)
			}
			if err := convert(dir, delivered, made); err != nil {
				t.Fatal(err)
			}
			checkWhole(t, dir, delivered)
		})
	}
}

// TestBrokenManifest does what the error says: then all is as it was.
func TestBrokenManifest(t *testing.T) {
	for name, content := range map[string]string{"cut": `{"batch":`, "empty": "", "of another batch": `{"batch":"x"}`} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := convert(dir, delivered, made); err != nil {
				t.Fatal(err)
			}
			paths, err := filepath.Glob(filepath.Join(dir, "_sluice", "commits", "*.json"))
			if err != nil || len(paths) == 0 {
				t.Fatal(paths, err)
			}
			if err := os.WriteFile(paths[0], []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err = Open(dir)
			if err == nil {
				t.Fatal("opened over a broken manifest")
			}
			said := regexp.MustCompile(`move (\S+) and whatever there is of (\S+) out of the lake`).FindStringSubmatch(err.Error())
			if said == nil {
				t.Fatalf("no remedy in %q", err)
			}
			objects, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(said[2])))
			if err != nil || len(objects) == 0 {
				t.Fatal(objects, err)
			}
			for _, p := range append(objects, said[1]) {
				if err := os.Remove(p); err != nil {
					t.Fatal(err)
				}
			}
			if err := convert(dir, delivered, made); err != nil {
				t.Fatal(err)
			}
			checkWhole(t, dir, delivered)
		})
	}
}

// TestGoneObject is a batch that was not finished, one of whose objects is
// neither where it was nor where it belongs.
func TestGoneObject(t *testing.T) {
	dir := t.TempDir()
	n := 0
	err := convert(dir, delivered, func(change string, do func() error) error {
		if strings.HasPrefix(change, "place ") {
			if n++; n == 2 {
				return errCrash
			}
		}
		return do()
	})
	if err == nil {
		t.Fatal("no crash")
	}
	_, objects := visible(t, dir)
	if len(objects) != 1 {
		t.Fatalf("objects %q", objects)
	}
	if err := os.Remove(filepath.Join(dir, filepath.FromSlash(objects[0]))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "was committed and is gone; move ") {
		t.Errorf("got %v", err)
	}
}

func TestChanged(t *testing.T) {
	dir := t.TempDir()
	if err := convert(dir, delivered, made); err != nil {
		t.Fatal(err)
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    pipeline.Object
		want bool
	}{
		{pipeline.Object{Key: "a", Version: "1"}, false},
		{pipeline.Object{Key: "a", Version: "2"}, true},
		{pipeline.Object{Key: "e", Version: "1"}, false},
		{pipeline.Object{Bucket: "b", Key: "a", Version: "1"}, false},
	} {
		if got := d.Changed(c.o); got != c.want {
			t.Errorf("%+v: %v, want %v", c.o, got, c.want)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestPowerCut holds the order of changes and syncs: what a change relies on is
// on the disk before it.
func TestPowerCut(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "new", "lake")
	var did []string
	changed := map[string]int{}
	rel := func(what string) string {
		return filepath.ToSlash(strings.ReplaceAll(strings.ReplaceAll(what, dir, "LAKE"), above, "ABOVE"))
	}
	one := source{"a": "2026-11-22 a\n2026-11-23 b\n"}
	err := convert(dir, one, func(change string, do func() error) error {
		changed[rel(change)] = len(did)
		did = append(did, rel(change))
		return do()
	})
	if err != nil {
		t.Fatal(err)
	}
	at := func(pattern string) int {
		t.Helper()
		re := regexp.MustCompile("^" + pattern + "$")
		for _, what := range slices.Sorted(maps.Keys(changed)) {
			if re.MatchString(what) {
				return changed[what]
			}
		}
		t.Fatalf("%q is not among\n%s", pattern, strings.Join(did, "\n"))
		return 0
	}
	for _, order := range [][]string{
		{"make ABOVE/new", "sync ABOVE", "make LAKE", "sync ABOVE/new", "make LAKE/_sluice", "sync LAKE/_sluice", "write LAKE/_sluice/commits/.*"},
		{"sync LAKE/_sluice/stage/.*parquet", "take .*", "sync LAKE/_sluice/pending/[0-9a-f]{32}", "sync LAKE/_sluice/pending",
			"write LAKE/_sluice/commits/.*", "sync LAKE/_sluice/commits/.*tmp", "commit .*", "sync LAKE/_sluice/commits", "place .*22/.*",
			"place .*23/.*", "sync LAKE/lines/dt=2026-11-22", "sync LAKE/lines", "finish .*"},
		{"place .*23/.*", "sync LAKE/lines/dt=2026-11-23", "sync LAKE/lines", "sync LAKE", "finish .*"},
	} {
		for i := 1; i < len(order); i++ {
			if at(order[i-1]) >= at(order[i]) {
				t.Errorf("%q is not before %q in\n%s", order[i-1], order[i], strings.Join(did, "\n"))
			}
		}
	}
}

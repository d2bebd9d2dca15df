package query

import (
	"slices"
	"strings"
	"testing"
)

func TestAllNamed(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 25 {
		t.Fatalf("%d named queries", len(all))
	}
	for _, q := range all {
		if len(q.Name) > 16 {
			t.Errorf("%s: the list of names has 16 columns", q.Name)
		}
		if last := q.Params[len(q.Params)-1]; last.Name != "limit" || !strings.HasSuffix(q.SQL, "\nLIMIT :limit") {
			t.Errorf("%s: no limit that its reader can change", q.Name)
		}
		if !strings.HasSuffix(q.Title, "?") {
			t.Errorf("%s: %q is no question", q.Name, q.Title)
		}
	}
	if !slices.IsSortedFunc(all, func(a, b Named) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not by name")
	}
	if _, err := Find("errors"); err != nil {
		t.Error(err)
	}
	if _, err := Find("nothing"); err == nil || !strings.Contains(err.Error(), "there are: acl-required, anonymous, ") {
		t.Errorf("unknown name: %v", err)
	}
}

func TestRender(t *testing.T) {
	q, err := parseNamed("x", `-- Title
-- About.
-- :key text = a  key
-- :from day = 2026-01-01  first
-- :to day = 2026-12-31  last
-- :limit number = 7  rows
SELECT ':key', ":key", x::varchar /* :key */ -- :key
FROM t WHERE k = :key AND dt BETWEEN :from AND :to LIMIT :limit
`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := q.Render(map[string]string{"key": `it's :limit -- "x"`, "to": "2026-11-22"})
	if err != nil {
		t.Fatal(err)
	}
	want := `SELECT ':key', ":key", x::varchar /* :key */ -- :key
FROM t WHERE k = 'it''s :limit -- "x"' AND dt BETWEEN '2026-01-01' AND '2026-11-22' LIMIT 7`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, c := range []struct{ name, value, want string }{
		{"limit", "7; DROP TABLE x", "not a whole number"},
		{"limit", "", "not a whole number"},
		{"from", "' OR 1=1 --", "not a day"},
		{"from", "2026-02-30", "not a day"},
		{"key", "a\x00b", "NUL"},
		{"keys", "a", `no parameter "keys"; it has: from, key, limit, to`},
	} {
		if _, err := q.Render(map[string]string{c.name: c.value}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%q: %v, want %q", c.name, c.value, err, c.want)
		}
	}
}

func TestParseNamedRefuses(t *testing.T) {
	const days = "-- :from day = 2026-01-01  first\n-- :to day = 2026-01-01  last\n"
	for _, c := range []struct{ text, want string }{
		{"SELECT 1", "needs a title"},
		{"-- T\n-- A\n-- :x text\nSELECT :x", "parameter line"},
		{"-- T\n-- A\n-- .x only\nSELECT 1", "column line"},
		{"-- T\n-- A\n-- .x  one\n-- .x  another\nSELECT 1", "each name once"},
		{"-- T\n-- A\n-- .x  one\n" + days + "SELECT 1 WHERE dt BETWEEN :from AND :to", "only views"},
		{"-- T\n-- A\n-- :x day = today  x\nSELECT :x", "not a day"},
		{"-- T\n-- A\nSELECT :x", ":x is not declared"},
		{"-- T\n-- A\n-- :x text = a  x\nSELECT 1", ":x is declared and not used"},
		{"-- T\n-- :x text = a  x\n-- Behind the parameters are notes.\nSELECT :x", "what it answers"},
		{"-- T\n-- A\nSELECT 1", "range of days"},
		{"-- T\n-- A\n" + days + "SELECT :from, :to", "range of days"},
	} {
		if _, err := parseNamed("x", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// FuzzRender holds that a value is one literal wherever it is put.
func FuzzRender(f *testing.F) {
	q, err := parseNamed("x", "-- T\n-- A\n-- :v text = a  v\n-- :from day = 2026-01-01  f\n-- :to day = 2026-01-01  t\nSELECT :v WHERE dt BETWEEN :from AND :to")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("plain")
	f.Add("'; SELECT 1; --")
	f.Add(`\'`)
	f.Fuzz(func(t *testing.T, v string) {
		got, err := q.Render(map[string]string{"v": v})
		if err != nil {
			if strings.ContainsRune(v, 0) {
				return
			}
			t.Fatal(err)
		}
		rest := strings.TrimPrefix(got, "SELECT '")
		for i := 0; ; i++ {
			j := strings.IndexByte(rest[i:], '\'')
			if i += j; j < 0 {
				t.Fatalf("%q: literal without end in %s", v, got)
			}
			if !strings.HasPrefix(rest[i:], "''") {
				if rest[i:] != "' WHERE dt BETWEEN '2026-01-01' AND '2026-01-01'" {
					t.Fatalf("%q ends early: %s", v, got)
				}
				return
			}
			i++
		}
	})
}

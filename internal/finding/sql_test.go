package finding

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
)

// TestColumnsExist holds what a statement can name to the tables, type by type.
func TestColumnsExist(t *testing.T) {
	for _, c := range []struct {
		source source
		row    reflect.Type
	}{
		{sourcesOf("s3_server_access")[0], reflect.TypeFor[s3access.Row]()},
		{sourcesOf("cloudtrail")[0], reflect.TypeFor[cloudtrail.Row]()},
	} {
		have := map[string]kind{}
		for f := range c.row.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("col"), ",")
			switch f.Type {
			case reflect.TypeFor[logs.Text]():
				have[name] = text
			case reflect.TypeFor[logs.Int](), reflect.TypeFor[logs.Int64]():
				have[name] = number
			case reflect.TypeFor[logs.Bool]():
				have[name] = boolean
			default:
				have[name] = 99
			}
		}
		for name, k := range c.source.kinds {
			if have[name] != k {
				t.Errorf("%s.%s is of kind %d, not %d", c.source.table, name, have[name], k)
			}
		}
		for _, name := range strings.Fields(strings.ReplaceAll(c.source.columns, ",", " ") + " " + c.source.time) {
			if have[name] == 0 {
				t.Errorf("%s has no column %s", c.source.table, name)
			}
		}
		for name, column := range c.source.names {
			if c.source.kinds[column] == 0 {
				t.Errorf("%s stands for %s, which cannot be asked for", name, column)
			}
		}
	}
}

func TestCondition(t *testing.T) {
	for _, c := range []struct {
		column string
		k      kind
		pair   Pair
		want   string
	}{
		{"requester", text, Pair{Value: "a"}, "requester = 'a'"},
		{"requester", text, Pair{Null: true}, "requester IS NULL"},
		{"requester", text, Pair{}, "requester = ''"},
		{"requester", text, Pair{Value: "it's"}, "requester = 'it''s'"},
		{"requester", text, Pair{Value: "kim@b.example"}, "requester = 'kim' || chr(64) || 'b' || chr(46) || 'example'"},
		{"requester", text, Pair{Value: "a\nb"}, "requester = 'a' || chr(10) || 'b'"},
		{"requester", text, Pair{Value: "\u202e"}, "requester = chr(8238)"},
		{"requester", text, Pair{Value: "日本"}, "requester = '日本'"},
		{"requester", text, Pair{Value: "\xff"}, ""},
		{"requester", text, Pair{Value: "a\x00"}, ""},
		{"key_name", text, Pair{Value: "k?Signature=abc"}, ""},
		{"key_name", text, Pair{Value: strings.Repeat("@", 100)}, ""},
		{"key_name", text, Pair{Value: strings.Repeat("é", 200)}, "substr(key_name, 1, 150) = '" + strings.Repeat("é", 150) + "'"},
		{"http_status", number, Pair{Value: "403"}, "http_status = 403"},
		{"http_status", number, Pair{Value: "403 OR 1=1"}, ""},
		{"http_status", number, Pair{Null: true}, "http_status IS NULL"},
		{"presigned", boolean, Pair{Value: "true"}, "presigned = true"},
		{"presigned", boolean, Pair{Value: "maybe"}, ""},
		{"nothing", 0, Pair{Value: "a"}, ""},
	} {
		if got := condition(c.column, c.k, c.pair); got != c.want {
			t.Errorf("condition(%s, %+v)\n got %s\nwant %s", c.column, c.pair, got, c.want)
		}
	}
}

// FuzzLiteral reads the literal back: it is the value again, and nothing else.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"", "a", "it's", "''", "\\'", "a@b.c", "x' || chr(39) || '", "'; DROP TABLE x; --", "\u202e\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lit, ok := literal(s)
		if !ok {
			return
		}
		got, err := parseLiteral(lit)
		if err != nil || got != s {
			t.Fatalf("literal(%q) = %s, which is %q, %v", s, lit, got, err)
		}
		if dead := strings.ReplaceAll(lit, " || ", ""); defang(dead) != dead || strings.ContainsAny(lit, "\n\r") {
			t.Fatalf("literal(%q) = %s is live", s, lit)
		}
	})
}

// parseLiteral reads 'text' and chr(n), joined by ||.
func parseLiteral(s string) (string, error) {
	var b strings.Builder
	for first := true; s != "" || first; first = false {
		if !first {
			rest, ok := strings.CutPrefix(s, " || ")
			if !ok {
				return "", fmt.Errorf("no || before %q", s)
			}
			s = rest
		}
		if rest, ok := strings.CutPrefix(s, "chr("); ok {
			n, after, ok := strings.Cut(rest, ")")
			code, err := strconv.Atoi(n)
			if !ok || err != nil {
				return "", fmt.Errorf("chr without a number: %q", s)
			}
			b.WriteRune(rune(code))
			s = after
			continue
		}
		rest, ok := strings.CutPrefix(s, "'")
		if !ok {
			return "", fmt.Errorf("no literal: %q", s)
		}
		for {
			i := strings.IndexByte(rest, '\'')
			if i < 0 {
				return "", fmt.Errorf("no end: %q", s)
			}
			b.WriteString(rest[:i])
			rest = rest[i+1:]
			if !strings.HasPrefix(rest, "'") {
				break
			}
			b.WriteByte('\'')
			rest = rest[1:]
		}
		s = rest
	}
	return b.String(), nil
}

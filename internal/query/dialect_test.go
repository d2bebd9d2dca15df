package query

import (
	"regexp"
	"strings"
	"testing"
)

// common are the functions, and the words that may stand before a parenthesis,
// that Athena (Trino) and DuckDB have with one meaning. What is not here was not
// compared: two that share a name may differ, as date_format and split_part do.
var common = words(`
	avg coalesce count cume_dist date_diff date_trunc first_value length lower max min month nullif replace
	regexp_extract row_number starts_with strpos substr sum upper
	cast try_cast decimal
	and as by case else filter from in join not on or over select then when where with`)

// apart are forms that only one of the two takes, or that mean two things.
var apart = []struct{ form, why string }{
	{"::", "a cast of DuckDB's"},
	{"`", "names are quoted by double quotes"},
	{";", "a saved query is one statement without it"},
	{"qualify", "DuckDB's"},
	{"exclude", "DuckDB's"},
	{"ilike", "DuckDB's"},
	{"distinct on", "DuckDB's"},
	{"group by all", "DuckDB's"},
	{"order by all", "DuckDB's"},
	{"using sample", "DuckDB's"},
	{"asof", "DuckDB's"},
	{"offset", "stands before LIMIT in Athena, behind it in DuckDB"},
	{"==", "DuckDB's"},
	{"->", "DuckDB's JSON, Trino's lambda"},
	{"[", "lists begin with ARRAY in Trino"},
	{"{", "DuckDB's structs"},
}

var (
	literal  = regexp.MustCompile(`'(?:[^']|'')*'`)
	called   = regexp.MustCompile(`\b([a-z_][a-z0-9_]*)\s*\(`)
	divided  = regexp.MustCompile(`(\S+\s\S+)\s*/\s`)
	filtered = regexp.MustCompile(`filter\s*\((?:[^()]|\([^()]*\))*\)\s*over`)
	distinct = regexp.MustCompile(`\(distinct [^()]*(?:\([^()]*\)[^()]*)*\)\s*over`)
)

// faults lists what keeps SQL from meaning the same in both.
func faults(sql string) []string {
	bare := strings.ToLower(literal.ReplaceAllString(comment.ReplaceAllString(sql, ""), "''"))
	var all []string
	for _, m := range called.FindAllStringSubmatch(bare, -1) {
		if !common[m[1]] {
			all = append(all, m[1]+"( is not known to be common")
		}
	}
	for _, a := range apart {
		if strings.Contains(bare, a.form) {
			all = append(all, a.form+": "+a.why)
		}
	}
	for _, m := range divided.FindAllStringSubmatch(bare, -1) {
		if !strings.HasSuffix(m[1], "as double)") {
			all = append(all, "whole numbers divide to a whole number in Trino and to a fraction in DuckDB: CAST(... AS double) / n")
		}
	}
	if filtered.MatchString(bare) || distinct.MatchString(bare) {
		all = append(all, "Trino has no FILTER and no DISTINCT in window functions")
	}
	return all
}

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// TestOneDialect holds what keeps named queries and views common to both
// engines, as far as reading can.
func TestOneDialect(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	views, err := Views()
	if err != nil {
		t.Fatal(err)
	}
	sql := map[string]string{}
	for _, q := range all {
		sql[q.Name] = q.SQL
	}
	for _, v := range views {
		sql[v.Name] = v.SQL
	}
	for name, text := range sql {
		for _, f := range faults(text) {
			t.Errorf("%s: %s", name, f)
		}
		// Boundaries crossed in DuckDB, whole units in Trino: the same for the
		// unit in which times are kept, and for days between dates.
		for _, unit := range regexp.MustCompile(`date_diff\('(\w+)', ?(\w+)`).FindAllStringSubmatch(text, -1) {
			if unit[1] != "millisecond" && (unit[1] != "day" || unit[2] != "CAST") {
				t.Errorf("%s: date_diff in %s", name, unit[1])
			}
		}
	}
}

func TestFaults(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT strftime(x, '%Y') FROM t":                              "strftime( is not known",
		"SELECT date_format(x, '%Y') FROM t":                           "date_format( is not known",
		"SELECT x::varchar FROM t":                                     "a cast of DuckDB's",
		"SELECT `x` FROM t":                                            "double quotes",
		"SELECT sum(a) / 1000 FROM t":                                  "divide",
		"SELECT count(*) FILTER (WHERE f(a) > 1) OVER ()":              "no FILTER",
		"SELECT count(DISTINCT coalesce(a, b)) OVER ()":                "no DISTINCT",
		"SELECT a FROM t QUALIFY row_number() OVER () = 1":             "qualify",
		"SELECT DISTINCT ON (a) a FROM t":                              "distinct on",
		"SELECT coalesce(a, '`::;[') AS x FROM t -- ::":                "",
		"SELECT CAST(sum(a) AS double) / 1000 FROM t":                  "",
		"SELECT count(DISTINCT a), row_number() OVER (PARTITION BY b)": "",
	} {
		got := strings.Join(faults(sql), "\n")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

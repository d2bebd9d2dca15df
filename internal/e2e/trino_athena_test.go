//go:build cgo && unix

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"

	"sluice/internal/testaws"
)

// athena is an Athena on loopback: moto says who may ask, and a Trino answers.
// Statements about tables, which are Hive's in Athena, are put into Trino's words.
type athena struct {
	URL       string
	trino     *trino
	proxy     *testaws.Proxy // on the way to moto
	workgroup string         // ARN
	age       string         // of what a VACUUM removes

	mu     sync.Mutex
	tokens map[string]string // token → id
	ended  map[string]*ending
	ran    []string
	meet   func(sql string) // before a statement is run, or nothing
}

// ending is what became of a statement.
type ending struct {
	done chan struct{}
	rows answered
	err  error
}

func (s *stack) athenaOver(x *trino, proxy *testaws.Proxy) *athena {
	s.t.Helper()
	own := *x // under the role's own catalogs
	own.catalog = packing
	a := &athena{
		trino: &own, proxy: proxy, age: "2d", tokens: map[string]string{}, ended: map[string]*ending{},
		workgroup: "arn:aws:athena:" + s.Region + ":" + s.Account + ":workgroup/" + s.Resources["PackWorkGroup"].ID,
	}
	srv := httptest.NewServer(a)
	s.t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, e := range a.ended {
			<-e.done
		}
	})
	a.URL = srv.URL
	return a
}

func (a *athena) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := &strings.Builder{}
	var in struct{ QueryString, ClientRequestToken, QueryExecutionId string }
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(r.Body, body), r.Body}
	allowed := httptest.NewRecorder()
	a.proxy.ServeHTTP(allowed, r)
	if err := json.Unmarshal([]byte(body.String()), &in); err != nil || allowed.Code != http.StatusOK {
		for k, v := range allowed.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(allowed.Code)
		w.Write(allowed.Body.Bytes())
		return
	}
	var out any
	switch _, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); call {
	case "StartQueryExecution":
		var made struct{ QueryExecutionId string }
		json.Unmarshal(allowed.Body.Bytes(), &made)
		out = map[string]any{"QueryExecutionId": a.start(in.ClientRequestToken, made.QueryExecutionId, in.QueryString)}
	case "GetQueryExecution":
		state, why := a.state(in.QueryExecutionId)
		out = map[string]any{"QueryExecution": map[string]any{"Status": map[string]any{"State": state, "StateChangeReason": why}}}
	case "GetQueryResults":
		out = map[string]any{"ResultSet": map[string]any{"Rows": a.rows(in.QueryExecutionId)}}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	json.NewEncoder(w).Encode(out)
}

// start runs a statement, unless one with its token was started before.
func (a *athena) start(token, id, sql string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if was, ok := a.tokens[token]; ok {
		return was
	}
	e := &ending{done: make(chan struct{})}
	a.tokens[token], a.ended[id] = id, e
	a.ran = append(a.ran, sql)
	meet := a.meet
	go func() { // ends before the server does
		defer close(e.done)
		if meet != nil {
			meet(sql)
		}
		for _, s := range a.inTrino(sql) {
			if e.rows, e.err = a.trino.ask(context.Background(), s); e.err != nil { // Athena's go on without who asked
				return
			}
		}
	}()
	return id
}

func (a *athena) state(id string) (state, why string) {
	a.mu.Lock()
	e := a.ended[id]
	a.mu.Unlock()
	select {
	case <-e.done:
	default:
		return "RUNNING", ""
	}
	if e.err != nil {
		return "FAILED", e.err.Error()
	}
	return "SUCCEEDED", ""
}

// rows are an answer as Athena gives it: names first, all as text.
func (a *athena) rows(id string) []any {
	a.mu.Lock()
	e := a.ended[id]
	a.mu.Unlock()
	all, _ := texts(e.rows)
	for i, c := range e.rows.Columns {
		all[0][i] = c.Name
	}
	var rows []any
	for _, cells := range all {
		var data []any
		for _, c := range cells {
			if c == none {
				data = append(data, map[string]any{})
			} else {
				data = append(data, map[string]any{"VarCharValue": c})
			}
		}
		rows = append(rows, map[string]any{"Data": data})
	}
	return rows
}

// statements says how many began so, since the last time it was asked.
func (a *athena) statements() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := map[string]int{}
	for _, s := range a.ran {
		n[strings.Fields(s)[0]]++
	}
	a.ran = nil
	return n
}

var (
	makeTable  = regexp.MustCompile(`^CREATE TABLE IF NOT EXISTS ([a-z0-9_]+) \((.*)\) PARTITIONED BY \(dt, kind\) LOCATION ('[^']+') TBLPROPERTIES \('table_type' = 'ICEBERG', .*\)$`)
	addColumns = regexp.MustCompile(`^ALTER TABLE ([a-z0-9_]+) ADD COLUMNS \((.*)\)$`)
	optimize   = regexp.MustCompile(`^OPTIMIZE ([a-z0-9_]+) REWRITE DATA USING BIN_PACK (WHERE .*)$`)
	vacuum     = regexp.MustCompile(`^VACUUM ([a-z0-9_]+)$`)
)

// inTrino is a statement of Athena in Trino's words: the same, but for those
// about tables.
func (a *athena) inTrino(sql string) (all []string) {
	iceberg := func(table string) string { return packingIceberg + "." + a.trino.schema + "." + table }
	if m := makeTable.FindStringSubmatch(sql); m != nil {
		return []string{fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s) WITH (format = 'PARQUET', partitioning = ARRAY['dt', 'kind'], location = %s)",
			iceberg(m[1]), strings.Join(trinoColumns(m[2]), ", "), m[3])}
	}
	if m := addColumns.FindStringSubmatch(sql); m != nil {
		for _, c := range trinoColumns(m[2]) {
			all = append(all, "ALTER TABLE "+iceberg(m[1])+" ADD COLUMN "+c)
		}
		return all
	}
	if m := optimize.FindStringSubmatch(sql); m != nil {
		return []string{"ALTER TABLE " + iceberg(m[1]) + " EXECUTE optimize " + m[2]}
	}
	if m := vacuum.FindStringSubmatch(sql); m != nil {
		for _, what := range []string{"expire_snapshots", "remove_orphan_files"} {
			all = append(all, fmt.Sprintf("ALTER TABLE %s EXECUTE %s(retention_threshold => '%s')", iceberg(m[1]), what, a.age))
		}
		return all
	}
	return []string{sql}
}

// trinoColumns are columns of Hive's as Trino's Iceberg has them.
func trinoColumns(list string) (all []string) {
	for c := range strings.SplitSeq(list, ", ") {
		name, kind, _ := strings.Cut(strings.ReplaceAll(c, "`", ""), " ")
		all = append(all, name+" "+map[string]string{"string": "varchar", "bigint": "bigint", "boolean": "boolean", "timestamp": "timestamp(6)"}[kind])
	}
	return all
}

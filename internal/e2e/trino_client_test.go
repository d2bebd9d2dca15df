//go:build cgo && unix

package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// answered is what Trino says to a statement.
type answered struct {
	Columns []struct{ Name, Type string }
	Rows    [][]any // numbers as json.Number
	// Read is what was read of the lake's objects, as Athena bills it.
	Read int64
}

// ask runs one statement. Values take the places of its question marks, which
// makes it a prepared one, as Athena's execution parameters do.
//
// It speaks the protocol of "Trino client REST API": a POST, then GETs of
// nextUri until there is none.
func (x *trino) ask(ctx context.Context, sql string, values ...string) (answered, error) {
	header := http.Header{
		"X-Trino-User": {"analyst"}, "X-Trino-Catalog": {cmp.Or(x.catalog, "awsdatacatalog")}, "X-Trino-Schema": {x.schema}, "X-Trino-Time-Zone": {"UTC"},
	}
	if values != nil {
		header.Set("X-Trino-Prepared-Statement", "asked="+url.QueryEscape(sql))
		sql = "EXECUTE asked USING " + strings.Join(values, ", ")
	}
	var all answered
	method, next, body := http.MethodPost, x.url+"/v1/statement", sql
	for next != "" {
		req, err := http.NewRequestWithContext(ctx, method, next, strings.NewReader(body))
		if err != nil {
			return all, err
		}
		req.Header = header
		var page struct {
			NextURI string
			Columns []struct{ Name, Type string }
			Data    [][]any
			Stats   struct{ PhysicalInputBytes int64 }
			Error   *struct{ ErrorName, Message string }
		}
		if err := call(req, &page); err != nil {
			return all, err
		}
		if page.Error != nil {
			return all, fmt.Errorf("%s: %s", page.Error.ErrorName, page.Error.Message)
		}
		if page.Columns != nil {
			all.Columns = page.Columns
		}
		all.Rows = append(all.Rows, page.Data...)
		all.Read = page.Stats.PhysicalInputBytes
		method, next, body = http.MethodGet, page.NextURI, ""
	}
	return all, nil
}

// call reads the JSON that answers a request.
func call(req *http.Request, into any) error {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		return fmt.Errorf("trino: %s: %s", res.Status, text)
	}
	d := json.NewDecoder(res.Body)
	d.UseNumber()
	return d.Decode(into)
}

package docs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Packed is a table whose name stands for a view where closed days are packed.
type Packed struct {
	Table        // with the columns of its rows
	View  string // the SELECT
	Live  string // in it, the table of new objects
}

// day is the column by which tables are partitioned, and views not.
var day = Column{Name: "dt", Type: "string"}

// FillPacked brings what template.yaml says of packed tables up to date with the
// source and returns the text as it should be.
func FillPacked(text string, all []Packed) (string, error) {
	sum := sha256.New()
	for _, p := range all {
		for _, c := range p.Columns {
			io.WriteString(sum, p.Name+"."+c.Name+" "+c.Type+"\n")
		}
		var err error
		if text, err = fill(text, "live columns of "+p.Name, glueColumns(p.Table)); err != nil {
			return "", err
		}
		lines, err := packedView(p)
		if err == nil {
			text, err = fill(text, "view of "+p.Name, lines)
		}
		if err != nil {
			return "", fmt.Errorf("view %s: %w", p.Name, err)
		}
	}
	return fill(text, "sum of packed columns", []string{"Columns: " + hex.EncodeToString(sum.Sum(nil)[:8])})
}

// packedView is the text of a view, with a reference to the table of new objects:
// the view is changed after that table is made.
func packedView(p Packed) ([]string, error) {
	live := "FROM " + p.Live
	if n := strings.Count(p.View, live+" "); n != 1 {
		return nil, fmt.Errorf("it has %q %d times", live, n)
	}
	before, after, _ := strings.Cut(p.View, live)
	sql, err := inJSON(wrapped(append(append(strings.Fields(before), live), strings.Fields(after)...), 110)) // live on one line
	if err != nil {
		return nil, err
	}
	for i := range sql {
		sql[i] = strings.Replace(sql[i], live, "FROM ${"+liveID(p.Name)+"}", 1)
	}
	sql[0] = `{"originalSql": "` + sql[0]
	sql[len(sql)-1] += `",`
	var columns []string
	for i, c := range append(p.Columns[:len(p.Columns):len(p.Columns)], day) {
		between := ","
		if i == len(p.Columns) {
			between = "]}"
		}
		columns = append(columns, fmt.Sprintf(`{"name": %q, "type": %q}%s`, c.Name, trinoTypes[c.Type], between))
	}
	lines := []string{"- !Sub", "  - '/* Presto View: ${View} */'", "  - View:", "      Fn::Base64: !Sub >-"}
	lines = append(lines, indented(8, sql)...)
	lines = append(lines, indented(8, []string{`"catalog": "awsdatacatalog", "schema": "${Database}",`, `"columns": [`})...)
	return append(lines, indented(8, wrapped(columns, 110))...), nil
}

// liveIDs are what the template calls the tables of new objects.
var liveIDs = map[string]string{"s3_access_logs": "AccessLogsLiveTable", "cloudtrail_events": "CloudTrailLiveTable", "rejected": "RejectedLiveTable"}

func liveID(name string) string { return liveIDs[name] }

// Package docs reads the columns of the lake's tables out of the Go source, so
// that template.yaml and docs/tables.md can be held equal to the row structs.
//
// The struct is the one place where a column is written down: its name and type
// make the Parquet schema, the comment above it is what a person reads in Athena
// and in the documentation. Nothing here runs in the product.
package docs

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Table is a table of the lake as a person sees it in a catalogue.
type Table struct {
	Name    string
	Columns []Column // in the order of the row struct
}

// Column is one column of a table: what Glue and docs/tables.md say about it.
type Column struct {
	Name    string
	Type    string // Glue's word: string, bigint, boolean or timestamp
	Null    bool   // may be absent from a row
	Comment string // one line, fit for Glue

	// Only for docs/tables.md, and not in the struct:
	Example string // a value that it has
	AWS     string // what AWS calls it, where that is another name
}

// sources says which struct is the row of which table. A new format is one line.
var sources = []struct{ table, dir, row string }{
	{"s3_access_logs", "internal/logs/s3access", "Row"},
	{"cloudtrail_events", "internal/logs/cloudtrail", "Row"},
	{"findings", "internal/finding", "Row"},
	{"rejected", "internal/logs", "Rejected"},
	{"coverage", "internal/coverage", "Row"},
}

// types gives the Glue type of each field type, and whether it may be NULL.
var types = map[string]Column{
	"Text":  {Type: "string", Null: true},
	"Int":   {Type: "bigint", Null: true},
	"Bool":  {Type: "boolean", Null: true},
	"Time":  {Type: "timestamp"},
	"Int64": {Type: "bigint"},
}

// maxComment is Glue's limit for the comment of a column.
const maxComment = 255

var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// reserved are names that Athena would make every query quote, and dt, which is
// the partition.
var reserved = []string{"dt", "date", "interval", "partition", "range", "row", "table", "time", "timestamp", "user", "values"}

// Tables reads the tables out of the source tree at root. Every fault of every
// column is in the error: a column without a comment is one.
func Tables(root fs.FS) ([]Table, error) {
	var tables []Table
	var faults []error
	for _, s := range sources {
		t, err := readTable(root, s.dir, s.row)
		if err != nil {
			faults = append(faults, fmt.Errorf("table %s: %w", s.table, err))
			continue
		}
		t.Name = s.table
		tables = append(tables, t)
	}
	return tables, errors.Join(faults...)
}

// readTable reads the struct named row out of the package in dir.
func readTable(root fs.FS, dir, row string) (Table, error) {
	files, err := parseDir(root, dir)
	if err != nil {
		return Table{}, err
	}
	for _, f := range files {
		if st := findStruct(f, row); st != nil {
			return columns(st)
		}
	}
	return Table{}, fmt.Errorf("no struct %s in %s", row, dir)
}

// parseDir parses the package in dir, without its tests, in the order of its files.
func parseDir(root fs.FS, dir string) ([]*ast.File, error) {
	names, err := fs.Glob(root, path.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func findStruct(file *ast.File, name string) *ast.StructType {
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.Name == name {
				st, _ := ts.Type.(*ast.StructType)
				return st
			}
		}
	}
	return nil
}

// columns turns the tagged fields of a row struct into columns.
func columns(st *ast.StructType) (Table, error) {
	var t Table
	var faults []error
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, ok := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Lookup("col")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		c := types[typeName(f.Type)]
		c.Name = name
		c.Comment = strings.Join(strings.Fields(f.Doc.Text()), " ")
		if err := check(c, t.Columns); err != nil {
			faults = append(faults, fmt.Errorf("column %q: %w", name, err))
		}
		t.Columns = append(t.Columns, c)
	}
	if len(t.Columns) == 0 {
		faults = append(faults, errors.New("no columns"))
	}
	return t, errors.Join(faults...)
}

// typeName is the name of a field's type without its package.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// check says what is wrong with column c, given the columns before it.
func check(c Column, before []Column) error {
	switch {
	case !columnName.MatchString(c.Name):
		return errors.New("a name is lower case letters, digits and underscores")
	case slices.Contains(reserved, c.Name):
		return errors.New("the name is reserved")
	case slices.ContainsFunc(before, func(b Column) bool { return b.Name == c.Name }):
		return errors.New("the name is taken")
	case c.Type == "":
		return errors.New("the field's type is none of logs.Text, Int, Bool, Time, Int64")
	case c.Comment == "":
		return errors.New("no comment above the field")
	case len(c.Comment) > maxComment:
		return fmt.Errorf("comment of %d bytes, Glue takes %d", len(c.Comment), maxComment)
	}
	return nil
}

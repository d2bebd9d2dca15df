package table

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"sluice/internal/logs"
)

// Kind is the type of a column's values.
type Kind int

// The kinds of columns. A Time and an Int64 are never NULL, the others may be.
const (
	Text Kind = iota
	Int
	Bool
	Time
	Int64
)

// Glue is the type's name in a Glue table, and so in Athena.
func (k Kind) Glue() string {
	switch k {
	case Text:
		return "string"
	case Bool:
		return "boolean"
	case Time:
		return "timestamp"
	}
	return "bigint"
}

// Option says what is known beforehand about a column's values.
type Option int

const (
	// Unsaid columns are written plain or as differences, with bounds.
	Unsaid Option = iota
	// Dict columns repeat their values: they get a dictionary where it pays.
	Dict
	// Plain columns are unique values: no dictionary, no bounds.
	Plain
	// Alike columns are JSON objects of few forms, each with values of its own: no
	// dictionary, no bounds.
	Alike
)

// Column is one column of a table, as its row struct says it.
type Column struct {
	Name   string
	Kind   Kind
	Option Option

	field int // of the row struct
	of    int // the column of whose text this one is a part, or -1
	again int // the field of the row struct that says when its value is that of a row before, or -1
}

// Required says that the column is never NULL.
func (c Column) Required() bool { return c.Kind == Time || c.Kind == Int64 }

// Columns reads the columns of a table off its row struct: the one source for
// Parquet, the Glue tables and the documentation.
//
// A field tagged of:"column" as well is a part of that column's text: it follows from
// the text and from nothing else, so that who has seen the text knows it. Both are
// texts that repeat.
//
// A field tagged again:"Field" has the value that it had in every row with the same
// logs.Again in Field, which is no column. It is a text that repeats, too.
func Columns[R any]() ([]Column, error) {
	row := reflect.TypeFor[R]()
	if row.Kind() != reflect.Struct {
		return nil, fmt.Errorf("row %v: not a struct", row)
	}
	var (
		columns []Column
		seen    = map[string]bool{}
	)
	for i := range row.NumField() {
		f := row.Field(i)
		tag, tagged := f.Tag.Lookup("col")
		if !tagged {
			continue
		}
		c, err := parseColumn(f, tag)
		if err != nil {
			return nil, fmt.Errorf("row %v: field %s: %w", row, f.Name, err)
		}
		if seen[c.Name] {
			return nil, fmt.Errorf("row %v: field %s: a second column %q", row, f.Name, c.Name)
		}
		seen[c.Name] = true
		c.field = i
		if err := c.bindAgain(row); err != nil {
			return nil, fmt.Errorf("row %v: %w", row, err)
		}
		columns = append(columns, c)
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("row %v: no field has a col tag", row)
	}
	for i := range columns {
		if err := columns[i].bindPart(row, columns); err != nil {
			return nil, fmt.Errorf("row %v: %w", row, err)
		}
	}
	return columns, nil
}

// bindPart finds the column that c is a part of, if it is one.
func (c *Column) bindPart(row reflect.Type, columns []Column) error {
	c.of = -1
	whole, is := row.Field(c.field).Tag.Lookup("of")
	if !is {
		return nil
	}
	c.of = slices.IndexFunc(columns, func(w Column) bool { return w.Name == whole })
	if c.of < 0 {
		return fmt.Errorf("column %q: of %q, which is no column", c.Name, whole)
	}
	w := columns[c.of]
	if _, nested := row.Field(w.field).Tag.Lookup("of"); nested {
		return fmt.Errorf("column %q: of %q, which is a part itself", c.Name, whole)
	}
	if w.again >= 0 {
		return fmt.Errorf("column %q: of %q, which is again what it was", c.Name, whole)
	}
	if c.Kind != Text || c.Option != Dict || w.Kind != Text || w.Option != Dict {
		return fmt.Errorf("column %q: of %q: not two texts with dictionaries", c.Name, whole)
	}
	return nil
}

// bindAgain finds the field that says when c repeats, if one does.
func (c *Column) bindAgain(row reflect.Type) error {
	c.again = -1
	name, is := row.Field(c.field).Tag.Lookup("again")
	if !is {
		return nil
	}
	f, found := row.FieldByName(name)
	switch _, part := row.Field(c.field).Tag.Lookup("of"); {
	case !found || len(f.Index) != 1 || f.Type != reflect.TypeFor[*logs.Again]():
		return fmt.Errorf("column %q: again %q, which is no *logs.Again of the row", c.Name, name)
	case c.Kind != Text || c.Option != Dict:
		return fmt.Errorf("column %q: again %q: not a text with a dictionary", c.Name, name)
	case part:
		return fmt.Errorf("column %q: both again and a part of a column", c.Name)
	}
	c.again = f.Index[0]
	return nil
}

func parseColumn(f reflect.StructField, tag string) (Column, error) {
	name, options, _ := strings.Cut(tag, ",")
	c := Column{Name: name}
	if name == "" {
		return c, fmt.Errorf("col tag %q: no name", tag)
	}
	if !f.IsExported() {
		return c, fmt.Errorf("column %q: not exported", name)
	}
	switch options {
	case "":
	case "dict":
		c.Option = Dict
	case "plain":
		c.Option = Plain
	case "alike":
		c.Option = Alike
	default:
		return c, fmt.Errorf("column %q: unknown option %q", name, options)
	}
	switch f.Type {
	case reflect.TypeFor[logs.Text]():
		c.Kind = Text
	case reflect.TypeFor[logs.Int]():
		c.Kind = Int
	case reflect.TypeFor[logs.Bool]():
		c.Kind = Bool
	case reflect.TypeFor[logs.Time]():
		c.Kind = Time
	case reflect.TypeFor[logs.Int64]():
		c.Kind = Int64
	default:
		return c, fmt.Errorf("column %q: unknown type %v", name, f.Type)
	}
	return c, nil
}

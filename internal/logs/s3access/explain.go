package s3access

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"sluice/internal/logs"
)

// Explanation is what the parser has to say about one line, for a person.
type Explanation struct {
	Status         string // clean, ambiguous or rejected
	Reason, Detail string // why rejected
	Splits         int64  // legal splits of the line
	Fields         []NamedValue
	Examples       [][]NamedValue // the fields on which the splits differ, split by split, where there are several
}

// NamedValue is one column with its value as text.
type NamedValue struct {
	Name, Value string
	Null        bool
	Derived     bool // read out of other fields, not logged as such
}

// examples is how many splits of an ambiguous line are shown.
const examples = 16

// Explain parses one line as Read does and names everything found in it.
func Explain(line []byte) Explanation {
	var p parser
	row, bad := p.parse(line)
	if bad != nil {
		return Explanation{Status: "rejected", Reason: string(bad.Reason), Detail: bad.Detail}
	}
	x := Explanation{Status: string(row.ParseStatus), Splits: 1}
	row.LogKey, row.LogLine = nil, 0
	x.Fields = namedValues(row)
	if !row.Ambiguous() {
		return x
	}
	b := []byte(strings.TrimRight(string(line), " "))
	var s split
	var doubt [numFields]bool
	x.Splits, doubt, _ = legal(b, &s, &p.zone)
	var head split
	uri, _ := head.head(b)
	p.zone.splits(b, &head, uri)
	p.zone.each(func(s *split) bool {
		var way []NamedValue
		for f, d := range doubt {
			if d {
				v := NamedValue{Name: fieldNames[f], Null: s.f[f] == span{}}
				v.Value = string(p.redact(s.f[f].of(b)))
				way = append(way, v)
			}
		}
		x.Examples = append(x.Examples, way)
		return len(x.Examples) < examples
	})
	return x
}

// fieldNames are the columns of the logged fields, in their order on a line:
// the first columns of Row.
var fieldNames = func() (names [numFields]string) {
	t := reflect.TypeFor[Row]()
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("col"), ",")
	}
	return names
}()

func namedValues(row *Row) []NamedValue {
	v := reflect.ValueOf(row).Elem()
	var list []NamedValue
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("col"), ",")
		if name == "" || name == "log_key" || name == "log_line" {
			continue // no column, or of a file, which a line by itself has not
		}
		n := NamedValue{Name: name, Derived: i >= numFields}
		switch x := v.Field(i).Interface().(type) {
		case logs.Text:
			n.Null, n.Value = x == nil, string(x)
		case logs.Int:
			n.Null, n.Value = !x.OK, strconv.FormatInt(x.V, 10)
		case logs.Bool:
			n.Null, n.Value = !x.OK, strconv.FormatBool(x.V)
		case logs.Time:
			n.Value = x.Go().Format(time.RFC3339)
		case logs.Int64:
			n.Value = strconv.FormatInt(int64(x), 10)
		}
		if n.Null {
			n.Value = ""
		}
		list = append(list, n)
	}
	return list
}

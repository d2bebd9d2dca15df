package s3access

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"sluice/internal/generate"
	"sluice/internal/logs"
)

// keeper keeps rows as a table does: it looks at the columns that are tagged with an
// Again once, and holds every other row with that Again to what it saw.
type keeper struct {
	testing.TB
	by    *logs.Keeper
	seen  [][]logs.Text
	found int // rows whose values were kept
}

func (k *keeper) check(row *Row) {
	v := reflect.ValueOf(row).Elem()
	for field, columns := range tagged() {
		a := v.FieldByName(field).Interface().(*logs.Again)
		if a == nil {
			continue
		}
		var texts []logs.Text
		for _, i := range columns {
			texts = append(texts, v.Field(i).Interface().(logs.Text))
		}
		at, ok := a.Kept(k.by)
		if !ok {
			for i := range texts {
				if texts[i] != nil {
					texts[i] = append(logs.Text{}, texts[i]...)
				}
			}
			a.Keep(k.by, uint32(len(k.seen)))
			k.seen = append(k.seen, texts)
			continue
		}
		k.found++
		for i, was := range k.seen[at] {
			if (was == nil) != (texts[i] == nil) || !bytes.Equal(was, texts[i]) {
				k.Fatalf("line %d: %s says that %s is again %q, and it is %q", row.LogLine, field, v.Type().Field(columns[i]).Name, was, texts[i])
			}
		}
	}
}

// tagged is the columns of each field that says again.
func tagged() map[string][]int {
	of := map[string][]int{}
	typ := reflect.TypeFor[Row]()
	for i := range typ.NumField() {
		if field, ok := typ.Field(i).Tag.Lookup("again"); ok {
			of[field] = append(of[field], i)
		}
	}
	return of
}

// TestAgain: rows that say that values are those of a row before have those values,
// of ordinary lines and of hard ones, where all that is remembered is forgotten now
// and then for what is new, and where whoever keeps rows begins anew.
func TestAgain(t *testing.T) {
	var text bytes.Buffer
	if err := generate.Lines(&text, 3, 2000); err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text.Bytes(), []byte("\n"))
	var file bytes.Buffer
	hard := hardCases(t)
	for i := range 12_000 { // far more than places
		line := lines[i%len(lines)]
		if i%5 == 0 {
			line = bytes.Replace(line, []byte(" arn:aws:"), fmt.Appendf(nil, " arn:aws-%d:", i), 1)
			line = bytes.Replace(line, []byte(".s3."), fmt.Appendf(nil, ".b%d.s3.", i), 1)
			line = bytes.Replace(line, []byte("Linux"), fmt.Appendf(nil, "Linux/%d", i), 1)
		}
		file.Write(line)
		file.Write(append(hard[i%len(hard)].line, '\n'))
	}
	r := NewReader()
	for name, times := range map[string]int{"first": 1, "second": 2} {
		k := &keeper{TB: t, by: new(logs.Keeper)}
		for range times {
			for row, err := range r.Read(&logs.Input{Key: name}, bytes.NewReader(file.Bytes())) {
				if err != nil {
					continue
				}
				k.check(row)
				if len(k.seen) > 20_000 {
					k.by, k.seen = new(logs.Keeper), nil
				}
			}
		}
		if k.found < 20_000 {
			t.Errorf("%s: values of %d rows were known", name, k.found)
		}
	}
}

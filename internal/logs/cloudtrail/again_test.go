package cloudtrail

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"sluice/internal/generate"
	"sluice/internal/logs"
)

// keeper keeps rows as a table does: what a row has in the columns of an Again that it
// did not see before it remembers, and holds every later row with that Again to it.
type keeper struct {
	by   *logs.Keeper
	seen []string
	held map[string]int // rows that were held to one before, by field
}

func newKeeper() *keeper { return &keeper{by: new(logs.Keeper), held: map[string]int{}} }

func (k *keeper) check(t testing.TB, row *Row) {
	t.Helper()
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		a, is := v.Field(i).Interface().(*logs.Again)
		if !is || a == nil {
			continue
		}
		field := v.Type().Field(i).Name
		says := field
		for j := range v.NumField() {
			if f := v.Type().Field(j); f.Tag.Get("again") == field {
				says += fmt.Sprintf(" %s:%#v", f.Name, v.Field(j).Interface())
			}
		}
		at, kept := a.Kept(k.by)
		if !kept {
			a.Keep(k.by, uint32(len(k.seen)))
			k.seen = append(k.seen, says)
			continue
		}
		if k.held[field]++; k.seen[at] != says {
			t.Fatalf("record %d is said to repeat\n%s\nand has\n%s", row.LogLine, k.seen[at], says)
		}
	}
}

// TestAgain: rows that say that values are those of a row before have those values,
// where there are more callers and endpoints than are remembered, one file after
// the other, and where whoever keeps rows begins anew.
func TestAgain(t *testing.T) {
	var text bytes.Buffer
	if err := generate.Events(&text, 3, 3000); err != nil {
		t.Fatal(err)
	}
	rd, k := new(reader), newKeeper()
	for round := range 8 {
		content := bytes.ReplaceAll(text.Bytes(), []byte(`"accountId":"1111`), fmt.Appendf(nil, `"accountId":"111%d`, round/2))
		content = bytes.ReplaceAll(content, []byte(`.s3.`), fmt.Appendf(nil, `.s%d.`, round%3))
		for row, err := range rd.Read(&logs.Input{Key: fmt.Sprint(round)}, bytes.NewReader(content)) {
			if err != nil {
				t.Fatal(err)
			}
			if k.check(t, row); row.LogLine == 1500 {
				k.by, k.seen = new(logs.Keeper), nil
			}
		}
	}
	for field, least := range map[string]int{"Source": 23_000, "Caller": 15_000, "Connection": 15_000} {
		if k.held[field] < least {
			t.Errorf("%s: %d rows repeat one before, want %d", field, k.held[field], least)
		}
	}
}

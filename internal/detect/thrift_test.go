package detect_test

import (
	"fmt"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/logs/s3access"
)

const manyDeletes = `---
title: Very many deletes
name: very_many
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0d01
status: test
level: high
correlation:
  type: event_count
  rules: [deleted]
  group-by: [bucket_name]
  timespan: 1h
  condition: {gte: 1000}
`

// thrifty says whether n deletes, a file for every few, are an incident to an engine
// that draws lots, and what it asked of the state.
func thrifty(t *testing.T, rules *detect.Rules, run string, n, each int) (told bool, adds int64) {
	t.Helper()
	state, out := newPriced(detect.NewMemory()), &sent{}
	e := detect.NewEngine(rules, state, out, detect.Config{Thrift: true})
	w := rules.Watch()
	for from := 0; from < n; from += each {
		var rows []*s3access.Row
		for i := from; i < min(n, from+each); i++ {
			rows = append(rows, row(at(time.Duration(i)*time.Second)))
		}
		o := watched(w, fmt.Sprint(run, "/", from), rows...)
		applied(t, e, o)
		applied(t, e, o) // the same lot again
	}
	return len(out.all) > 0, total64(state.adds) / 2
}

func TestThriftDrawsLotsForLittle(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+manyDeletes)
	const runs = 12
	var adds int64
	for run := range runs {
		if told, _ := thrifty(t, rules, fmt.Sprint("half", run), 600, 1); told {
			t.Error("600 deletes in as many files: told of 1000")
		}
		told, n := thrifty(t, rules, fmt.Sprint("more", run), 1500, 1)
		if !told {
			t.Error("1500 deletes in as many files: not told")
		}
		adds += n
	}
	if mean := adds / runs; mean < 100 || mean > 200 {
		t.Errorf("1500 deletes in as many files were written %d times on average, want about 150", mean)
	}
}

func TestThriftIsExactForMuch(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+manyDeletes)
	if told, _ := thrifty(t, rules, "a", 999, 111); told {
		t.Error("999 deletes in files of 111: told of 1000")
	}
	if told, _ := thrifty(t, rules, "b", 1000, 100); !told {
		t.Error("1000 deletes in files of 100: not told")
	}
}

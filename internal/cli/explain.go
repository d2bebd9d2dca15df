package cli

import (
	"encoding/json"
	"fmt"

	"sluice/internal/logs/s3access"
)

// explanation is what can be said of one line.
type explanation struct {
	Status   string         `json:"status"` // clean, ambiguous or rejected
	Reason   string         `json:"reason,omitempty"`
	Detail   string         `json:"detail,omitempty"`
	Splits   int64          `json:"splits"` // ways in which the line can be read
	Fields   []namedValue   `json:"fields"`
	Examples [][]namedValue `json:"examples,omitempty"` // some of the ways, where there are several
}

type namedValue struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Null    bool   `json:"null"`
	Derived bool   `json:"derived"` // not in the line as such
}

// explain asks the parser itself, so that what is shown is what is converted.
func explain(line []byte) explanation {
	x := s3access.Explain(line)
	e := explanation{Status: x.Status, Reason: x.Reason, Detail: x.Detail, Splits: x.Splits, Fields: named(x.Fields)}
	for _, w := range x.Examples {
		e.Examples = append(e.Examples, named(w))
	}
	return e
}

func named(values []s3access.NamedValue) []namedValue {
	list := make([]namedValue, 0, len(values))
	for _, v := range values {
		list = append(list, namedValue{v.Name, v.Value, v.Null, v.Derived})
	}
	return list
}

func (e explanation) writeJSON(s screen) error {
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s, escapeJSON(string(b)))
	return err
}

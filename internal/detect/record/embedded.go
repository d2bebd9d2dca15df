package record

import (
	"bytes"

	"sluice/internal/jsontext"
	"sluice/internal/sigma"
)

// embeddedNames are parameters of AWS's services that hold a JSON document as
// text. Whoever sets one writes all of it, so reading it as what it is gives him
// nothing to forge with; the texts of other parameters, a key of an object say,
// stay within their quotes.
var embeddedNames = [...]string{"policyDocument", "assumeRolePolicyDocument", "policy", "resourcePolicy", "policyText"}

// Embedded returns the policies that the parameters of a call hold as text. Rules
// written elsewhere ask requestParameters for what stands in them, in quotes, and
// in the record those quotes are escaped.
func (t *Trail) Embedded(id sigma.FieldID) []byte {
	parameters := t.row.RequestParameters
	if id >= firstDerived || trailFields[id].name != "requestParameters" || bytes.IndexByte(parameters, '\\') < 0 {
		return nil
	}
	const most = 1 << 20 // one giant record must not keep its memory for ever
	if cap(t.inner) > most {
		t.inner = nil
	}
	t.inner = t.inner[:0]
	for l := in(parameters); l.next(); {
		if within(l.value) == nil {
			continue
		}
		for _, name := range embeddedNames {
			if string(l.name) == name {
				t.inner = append(jsontext.Unescape(t.inner, within(l.value)), '\n')
				break
			}
		}
	}
	if len(t.inner) == 0 {
		return nil
	}
	return t.inner
}

// Package record shows rows of the lake to rules: each log's fields by the name
// a rule calls them.
//
// Rules on server access logs use the columns of s3_access_logs. Rules on
// CloudTrail use CloudTrail's own names, so that rules written elsewhere run
// unchanged: a column where there is one, a path into the JSON where not. What
// no rule language can say, because it takes reading a policy, a lifecycle
// configuration or an address, is a derived field.
//
// A record copies nothing and allocates nothing for a column; it is valid as
// long as the row it was set to.
package record

import (
	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// Described is a field as docs and the command line list it.
type Described struct {
	Service string // logsource.service of the rules that can name it
	Name    string
	Kind    sigma.Kind
	Column  string // the column that holds it; "" when there is none
	Meaning string // "" when the column says it
}

// Describe lists every field that has a fixed name, server access logs first.
func Describe() []Described {
	var all []Described
	for i := range accessFields {
		f := &accessFields[i]
		all = append(all, Described{Service: AccessService, Name: f.name, Kind: f.kind, Column: f.name})
	}
	for i := range accessDerived {
		f := &accessDerived[i]
		all = append(all, Described{Service: AccessService, Name: f.name, Kind: sigma.Text, Meaning: f.meaning})
	}
	for i := range trailFields {
		f := &trailFields[i]
		all = append(all, Described{Service: TrailService, Name: f.name, Kind: f.kind, Column: f.column, Meaning: f.meaning})
	}
	for i := range derivedFields {
		f := &derivedFields[i]
		all = append(all, Described{Service: TrailService, Name: f.name, Kind: f.kind, Meaning: f.meaning})
	}
	return all
}

func textValue(v logs.Text) sigma.Value {
	return sigma.Value{Kind: sigma.Text, Present: v != nil, Text: v}
}

func intValue(v logs.Int) sigma.Value {
	return sigma.Value{Kind: sigma.Int, Present: v.OK, Num: v.V}
}

func boolValue(v logs.Bool) sigma.Value {
	if !v.OK {
		return sigma.Value{Kind: sigma.Bool}
	}
	return truth(v.V)
}

func timeValue(v logs.Time) sigma.Value {
	return sigma.Value{Kind: sigma.Time, Present: true, Num: int64(v)}
}

func truth(v bool) sigma.Value {
	n := int64(0)
	if v {
		n = 1
	}
	return sigma.Value{Kind: sigma.Bool, Present: true, Num: n}
}

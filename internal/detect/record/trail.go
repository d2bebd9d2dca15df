package record

import (
	"strings"

	"sluice/internal/logs/cloudtrail"
	"sluice/internal/sigma"
)

// TrailService is the logsource.service of rules on CloudTrail.
const TrailService = "cloudtrail"

// TrailSchema is the schema of CloudTrail records. It takes note of every path
// it is asked for, so it belongs to one set of rules: make a new one each time
// rules are loaded, and records for it afterwards.
type TrailSchema struct {
	own   map[string]bool
	trees [columns]*tree
	paths []trailPath // by FieldID, from firstPath on
	known map[string]sigma.FieldID
	slots int
}

// trailPath is a field that is found in the JSON of a column.
type trailPath struct {
	in   column
	slot int
}

// NewTrailSchema makes the schema for one set of rules. ownAccounts are accounts,
// or canonical ids, of the site: what goes to them is not external.
func NewTrailSchema(ownAccounts []string) *TrailSchema {
	s := &TrailSchema{own: map[string]bool{}, known: map[string]sigma.FieldID{}}
	for _, a := range ownAccounts {
		s.own[a] = true
	}
	for i := range s.trees {
		s.trees[i] = newTree()
	}
	return s
}

// Service is the logsource.service of the rules on these records.
func (s *TrailSchema) Service() string { return TrailService }

// Names lists the fields that have a name of their own; any path into a JSON
// field is one, too.
func (s *TrailSchema) Names() []string {
	var names []string
	for i := range trailFields {
		names = append(names, trailFields[i].name)
	}
	for i := range derivedFields {
		names = append(names, derivedFields[i].name)
	}
	return names
}

// FieldIDs of CloudTrail: columns, derived fields, then paths as they come.
const (
	firstDerived = sigma.FieldID(len(trailFields))
	firstPath    = firstDerived + sigma.FieldID(derivedCount)
)

// Lookup finds a field. A path must begin with a field that CloudTrail records
// have, so that a misspelt one is noticed; below that, records have whatever the
// service called logs. What CloudTrail may add one day is reached as extra.name.
func (s *TrailSchema) Lookup(name string) (sigma.Field, bool) {
	for i := range trailFields {
		f := &trailFields[i]
		if f.name == name {
			if f.fallback {
				s.path(name)
			}
			return sigma.Field{ID: sigma.FieldID(i), Kind: f.kind, Few: f.few, Key: f.key}, true
		}
	}
	for i := range derivedFields {
		if f := &derivedFields[i]; f.name == name {
			return sigma.Field{ID: firstDerived + sigma.FieldID(i), Kind: f.kind, Derived: true}, true
		}
	}
	id, ok := s.path(name)
	return sigma.Field{ID: id, Kind: sigma.JSON}, ok
}

// path takes note of a path into JSON.
func (s *TrailSchema) path(name string) (sigma.FieldID, bool) {
	if id, ok := s.known[name]; ok {
		return id, true
	}
	col, rest, ok := place(name)
	if !ok || len(name) > maxLength || len(s.paths) >= maxPaths {
		return 0, false
	}
	slot := s.trees[col].add(rest, s.slots)
	if slot == s.slots {
		s.slots++
	}
	if rest == "ARN" || rest == "arn" { // resources has had both spellings
		for _, spelling := range [...]string{"ARN", "arn"} {
			slot = s.trees[col].add(spelling, slot)
		}
	}
	id := firstPath + sigma.FieldID(len(s.paths))
	s.paths = append(s.paths, trailPath{col, slot})
	s.known[name] = id
	return id, true
}

// place says in which column a path begins, and what remains of it there.
func place(name string) (column, string, bool) {
	first, rest, deep := strings.Cut(name, ".")
	if strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return 0, "", false
	}
	if first == "userIdentity" {
		for i := range trailFields { // a closed list, but for what is rare: catch wrong case
			if f := &trailFields[i]; strings.EqualFold(f.name, name) && f.name != name {
				return 0, "", false
			}
		}
	}
	for c, n := range columnNames {
		if n == first && deep {
			return column(c), rest, true
		}
	}
	for _, n := range extraNames {
		if n == first {
			return extra, name, true
		}
	}
	return 0, "", false
}

// Trail is a CloudTrail record as rules see it. It keeps buffers: make one a
// worker.
type Trail struct {
	schema  *TrailSchema
	row     *cloudtrail.Row
	paths   paths
	read    [columns]bool
	dirty   bool // a column was read
	derived [derivedCount]sigma.Value
	known   [derivedCount]bool
	net     network
	inner   []byte
}

// NewTrail makes a record of a schema whose rules are loaded.
func NewTrail(s *TrailSchema) *Trail { return &Trail{schema: s} }

// Set makes t the record of row, as long as row is valid.
func (t *Trail) Set(row *cloudtrail.Row) {
	t.row = row
	if t.dirty || len(t.paths.slots) != t.schema.slots {
		if len(t.paths.slots) != t.schema.slots {
			t.paths.slots = make([]found, t.schema.slots)
		}
		clear(t.paths.slots)
		t.paths.reset()
		t.read = [columns]bool{}
		t.known = [derivedCount]bool{}
		t.dirty = false
	}
}

// Field returns what the record holds in the field id. It is valid until the
// next Set.
func (t *Trail) Field(id sigma.FieldID) sigma.Value {
	switch {
	case id < firstDerived:
		f := &trailFields[id]
		v := f.get(t.row)
		switch {
		case f.whole && v.Present: // a JSON column says what it is by its text
			t.dirty = true
			return t.paths.scalar(v.Text)
		case f.fallback && !v.Present:
			if id, ok := t.schema.known[f.name]; ok {
				return t.path(id)
			}
		}
		return v
	case id < firstPath:
		k := id - firstDerived
		if !t.known[k] {
			t.dirty = true
			t.known[k] = true
			t.derived[k] = t.derive(k)
		}
		return t.derived[k]
	}
	return t.path(id)
}

func (t *Trail) path(id sigma.FieldID) sigma.Value {
	if int(id-firstPath) >= len(t.schema.paths) {
		return sigma.Value{}
	}
	at := t.schema.paths[id-firstPath]
	if !t.read[at.in] {
		t.read[at.in], t.dirty = true, true
		t.paths.read(t.schema.trees[at.in], at.in.of(t.row), 0)
	}
	return t.paths.value(at.slot)
}

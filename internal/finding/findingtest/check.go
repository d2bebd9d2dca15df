// Package findingtest holds a finding against the schema of OCSF, for the tests
// of every package that makes one.
package findingtest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

//go:embed ocsf_2004_1.8.0.json
var schemaJSON []byte

type schema struct {
	object
	Objects map[string]object `json:"objects"`
}

// read reads the schema, once: fuzz tests check a document after the other.
var read = sync.OnceValues(func() (s schema, err error) {
	err = json.Unmarshal(schemaJSON, &s)
	return s, err
})

type object struct {
	Attributes  map[string]attribute `json:"attributes"`
	Constraints map[string][]string  `json:"constraints"`
}

type attribute struct {
	Type        string            `json:"type"`
	Object      string            `json:"object"` // of an object_t
	Array       bool              `json:"array"`
	Requirement string            `json:"req"`
	Enum        map[string]string `json:"enum"`
}

// Check fails the test for every way in which doc is no OCSF 1.8.0 Detection
// Finding.
func Check(t testing.TB, doc []byte) {
	t.Helper()
	for _, fault := range Faults(doc) {
		t.Errorf("not OCSF 1.8.0: %s", fault)
	}
}

// Faults lists the ways in which doc is no OCSF 1.8.0 Detection Finding: unknown
// and missing attributes, types, enums, constraints, and what the class asks for
// in words (type_uid, siblings of enums).
func Faults(doc []byte) []string {
	s, err := read()
	if err != nil {
		return []string{"the schema itself: " + err.Error()}
	}
	if !utf8.Valid(doc) {
		return []string{"not UTF-8"}
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return []string{err.Error()}
	}
	if d.More() {
		return []string{"more than one document"}
	}
	c := checker{schema: s}
	c.object("", s.object, v)
	class, _ := c.integer(v["class_uid"])
	activity, _ := c.integer(v["activity_id"])
	if typeUID, ok := c.integer(v["type_uid"]); ok && typeUID != class*100+activity {
		c.fault("type_uid", "%d is not class_uid * 100 + activity_id", typeUID)
	}
	if m, ok := v["metadata"].(map[string]any); ok && m["version"] != "1.8.0" {
		c.fault("metadata.version", "%v is not the version of the schema", m["version"])
	}
	return c.faults
}

type checker struct {
	schema schema
	faults []string
}

func (c *checker) fault(path, format string, args ...any) {
	c.faults = append(c.faults, strings.TrimPrefix(path, ".")+": "+fmt.Sprintf(format, args...))
}

func (c *checker) object(path string, o object, v map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		a, ok := o.Attributes[name]
		if !ok {
			c.fault(path+"."+name, "unknown attribute")
			continue
		}
		c.attribute(path+"."+name, a, v[name])
		c.sibling(path+"."+name, o, v, name)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Attributes)) {
		if _, ok := v[name]; !ok && o.Attributes[name].Requirement == "required" {
			c.fault(path+"."+name, "required, and missing")
		}
	}
	for kind, names := range o.Constraints {
		n := 0
		for _, name := range names {
			if _, ok := v[name]; ok {
				n++
			}
		}
		if n == 0 || kind == "just_one" && n > 1 {
			c.fault(path, "has %d of %v, wants %s", n, names, kind)
		}
	}
}

// sibling holds the text beside an enum (severity beside severity_id) to what
// the enum says.
func (c *checker) sibling(path string, o object, v map[string]any, name string) {
	base, ok := strings.CutSuffix(name, "_id")
	text, isText := v[base].(string)
	if !ok || !isText {
		return
	}
	if n, ok := v[name].(json.Number); ok && n != "99" {
		if want, ok := o.Attributes[name].Enum[n.String()]; ok && text != want {
			c.fault(path, "%s is %q beside %s", base, text, want)
		}
	}
}

func (c *checker) attribute(path string, a attribute, v any) {
	if !a.Array {
		c.value(path, a, v)
		return
	}
	list, ok := v.([]any)
	if !ok {
		c.fault(path, "%T is no array", v)
	}
	for i, v := range list {
		c.value(path+"["+strconv.Itoa(i)+"]", a, v)
	}
}

func (c *checker) value(path string, a attribute, v any) {
	switch a.Type {
	case "object_t":
		m, ok := v.(map[string]any)
		if !ok {
			c.fault(path, "%T is no object", v)
			return
		}
		if a.Object != "object" { // that one holds anything
			c.object(path, c.schema.Objects[a.Object], m)
		}
		return
	case "json_t":
		return
	case "boolean_t":
		if _, ok := v.(bool); !ok {
			c.fault(path, "%T is no boolean", v)
		}
	case "integer_t", "long_t", "timestamp_t", "port_t":
		c.number(path, a, v)
	case "float_t":
		if _, ok := v.(json.Number); !ok {
			c.fault(path, "%T is no number", v)
		}
	default: // the texts
		s, ok := v.(string)
		if !ok {
			c.fault(path, "%T is no text", v)
			return
		}
		if _, err := netip.ParseAddr(s); a.Type == "ip_t" && err != nil {
			c.fault(path, "%q is no address", s)
		}
	}
	if _, ok := a.Enum[fmt.Sprint(v)]; len(a.Enum) > 0 && !ok {
		c.fault(path, "%v is none of the enum", v)
	}
}

func (c *checker) number(path string, a attribute, v any) {
	n, ok := c.integer(v)
	switch {
	case !ok:
		c.fault(path, "%v (%T) is no integer", v, v)
	case a.Type == "integer_t" && (n < math.MinInt32 || n > math.MaxInt32):
		c.fault(path, "%d has more than 32 bits", n)
	case a.Type == "port_t" && (n < 0 || n > 65535):
		c.fault(path, "%d is no port", n)
	}
}

func (c *checker) integer(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}

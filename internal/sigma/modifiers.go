package sigma

import (
	"fmt"
	"slices"
	"strings"
)

// modifiers are those of one item, such as field|base64offset|contains.
type modifiers struct {
	encode  []string // windash, utf16le, utf16be, utf16, base64, base64offset, in order
	match   string   // "", startswith, endswith, contains, re, cidr, exists, fieldref, lt, lte, gt, gte
	flags   string   // of re: i, m, s
	side    string   // of fieldref: "", startswith, endswith, contains
	unit    string   // minute, hour, day, week, month, year
	all     bool
	cased   bool
	neq     bool
	expand  bool
	written []string
}

var modifierNames = []string{
	"all", "startswith", "endswith", "contains", "exists", "cased", "neq", "windash",
	"re", "i", "m", "s", "base64", "base64offset", "utf16le", "utf16be", "utf16", "wide",
	"lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year",
	"cidr", "expand", "fieldref",
}

// parseModifiers reads what stands behind a field's name.
func parseModifiers(words []string) (m modifiers, err error) {
	m.written = words
	for i, w := range words {
		if slices.Contains(words[:i], w) {
			return m, fmt.Errorf("modifier %s occurs twice", w)
		}
		if err := m.add(w, words[:i]); err != nil {
			return m, err
		}
	}
	return m, m.check()
}

func (m *modifiers) add(w string, before []string) error {
	switch w {
	case "all":
		m.all = true
	case "cased":
		m.cased = true
	case "neq":
		m.neq = true
	case "expand":
		m.expand = true
	case "i", "m", "s":
		if m.match != "re" {
			return fmt.Errorf("modifier %s only goes behind re", w)
		}
		m.flags += w
	case "minute", "hour", "day", "week", "month", "year":
		if m.unit != "" {
			return fmt.Errorf("modifiers %s and %s exclude each other", m.unit, w)
		}
		if m.match != "" {
			return fmt.Errorf("modifier %s goes before %s", w, m.match)
		}
		m.unit = w
	case "windash", "wide", "utf16le", "utf16be", "utf16", "base64", "base64offset":
		return m.addEncoding(w)
	case "startswith", "endswith", "contains", "re", "cidr", "exists", "fieldref", "lt", "lte", "gt", "gte":
		return m.addMatch(w)
	default:
		return fmt.Errorf("no modifier is named %q%s", brief(w), meant(w, modifierNames))
	}
	return nil
}

func (m *modifiers) addEncoding(w string) error {
	step := encodingStep(w)
	for _, e := range m.encode {
		switch last := encodingStep(e); {
		case last == step:
			return fmt.Errorf("modifiers %s and %s exclude each other", e, w)
		case last > step:
			return fmt.Errorf("modifier %s goes before %s", w, e)
		}
	}
	if m.match != "" && step > 0 {
		return fmt.Errorf("modifier %s goes before %s", w, m.match)
	}
	if w == "wide" {
		w = "utf16le"
	}
	m.encode = append(m.encode, w)
	return nil
}

// encodingStep orders the modifiers that change a value: its dashes, then its
// characters, then its bytes.
func encodingStep(w string) int {
	switch w {
	case "windash":
		return 0
	case "base64", "base64offset":
		return 2
	}
	return 1
}

func (m *modifiers) addMatch(w string) error {
	side := w == "startswith" || w == "endswith" || w == "contains"
	switch {
	case m.match == "":
		m.match = w
	case m.match == "fieldref" && side && m.side == "":
		m.side = w
	case w == "fieldref" && (m.match == "startswith" || m.match == "endswith" || m.match == "contains"):
		m.match, m.side = w, m.match
	default:
		return fmt.Errorf("modifiers %s and %s exclude each other", m.match, w)
	}
	return nil
}

// check refuses what cannot go together whatever the order.
func (m *modifiers) check() error {
	exclude := func(a, b string) error { return fmt.Errorf("modifiers %s and %s exclude each other", a, b) }
	text := m.match == "" || m.match == "startswith" || m.match == "endswith" || m.match == "contains"
	order := m.match == "lt" || m.match == "lte" || m.match == "gt" || m.match == "gte"
	switch {
	case m.unit != "" && m.match != "" && !order:
		return exclude(m.unit, m.match)
	case m.unit != "" && m.cased:
		return exclude(m.unit, "cased")
	case m.unit != "" && len(m.encode) > 0:
		return exclude(m.unit, m.encode[0])
	case len(m.encode) > 0 && !text:
		return exclude(m.encode[0], m.match)
	case m.cased && !text && m.match != "fieldref":
		return exclude("cased", m.match)
	case m.expand && (m.match == "re" || m.match == "exists" || m.match == "fieldref"):
		return exclude("expand", m.match)
	case m.neq && (m.match == "exists" || order):
		return exclude("neq", m.match)
	case m.all && (m.match == "exists" || order || m.unit != ""):
		return exclude("all", strings.TrimSpace(m.match+" "+m.unit))
	}
	return nil
}

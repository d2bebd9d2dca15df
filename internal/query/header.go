package query

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var paramLine = regexp.MustCompile(`^:([a-z_]+) (text|day|number) = (\S*)  (\S.*)$`)

// columnLine says what a column of a view holds.
var columnLine = regexp.MustCompile(`^\.([a-z_]+)  (\S.*)$`)

// header is what the comments at the top of a file say.
type header struct {
	title, about, notes string
	params              []Param
	columns             map[string]string
	sql                 string // the rest
}

func parseHeader(text string) (header, error) {
	h := header{columns: map[string]string{}}
	var about, notes []string
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(line, "-- ")
		if !ok {
			break
		}
		text = text[len(line):]
		comment = strings.TrimRight(comment, "\n")
		switch m := paramLine.FindStringSubmatch(comment); {
		case m != nil:
			p := Param{Name: m[1], Type: m[2], Default: m[3], About: m[4]}
			if _, err := p.literal(p.Default); err != nil {
				return h, fmt.Errorf("default of %s: %w", p.Name, err)
			}
			h.params = append(h.params, p)
		case strings.HasPrefix(comment, "."):
			m := columnLine.FindStringSubmatch(comment)
			if m == nil || h.columns[m[1]] != "" {
				return h, fmt.Errorf("column line %q: want .name  what it holds, each name once", comment)
			}
			h.columns[m[1]] = m[2]
		case strings.HasPrefix(comment, ":"):
			return h, fmt.Errorf("parameter line %q: want :name type = default  what it is", comment)
		case h.title == "":
			h.title = comment
		case len(h.params) > 0:
			notes = append(notes, comment)
		default:
			about = append(about, comment)
		}
	}
	h.about, h.notes, h.sql = strings.Join(about, " "), strings.Join(notes, " "), strings.TrimSpace(text)
	if h.title == "" || h.about == "" || h.sql == "" {
		return h, fmt.Errorf("it needs a title, what it answers, and SQL")
	}
	return h, nil
}

func parseNamed(name, text string) (Named, error) {
	h, err := parseHeader(text)
	if err != nil {
		return Named{}, err
	}
	if len(h.columns) > 0 {
		return Named{}, fmt.Errorf("only views say what columns hold")
	}
	q := Named{Name: name, Title: h.title, About: h.about, Params: h.params, Notes: h.notes, SQL: h.sql}
	return q, q.check()
}

// check holds what every named query promises.
func (q Named) check() error {
	used := map[string]bool{}
	for _, name := range placeholders(q.SQL) {
		if name == "" {
			continue
		}
		used[name] = true
		if !slices.ContainsFunc(q.Params, func(p Param) bool { return p.Name == name }) {
			return fmt.Errorf(":%s is not declared", name)
		}
	}
	for _, p := range q.Params {
		if !used[p.Name] {
			return fmt.Errorf(":%s is declared and not used", p.Name)
		}
	}
	if !strings.Contains(q.SQL, "dt BETWEEN :from AND :to") {
		return fmt.Errorf("it needs a range of days: dt BETWEEN :from AND :to")
	}
	return nil
}

package sigma

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// spend counts what the values of the set take together.
func (l *loader) spend(b *itemBuilder, n *yaml.Node, bytes int) bool {
	if l.text += bytes; l.text > maxText {
		return b.fail(n, "all values together have more than %d bytes", maxText)
	}
	return true
}

var placeholder = regexp.MustCompile(`\\?%[^%\\\s]*%?`)

// placeholdersOf are the names in a value that the rule has.
func placeholdersOf(text string) []string {
	var names []string
	for _, word := range placeholder.FindAllString(text, -1) {
		if n := len(word); n > 2 && word[0] == '%' && word[n-1] == '%' {
			names = append(names, word[1:n-1])
		}
	}
	return names
}

// expand puts the site's values in place of the placeholders of one value.
func (b *itemBuilder) expand(s scalar) ([]scalar, bool) {
	heads := []string{""}
	found := false
	rest := s.text
	for {
		at := placeholder.FindStringIndex(rest)
		if at == nil {
			break
		}
		word := rest[at[0]:at[1]]
		var values []string
		end := at[1]
		switch {
		case word[0] == '\\': // \% is a plain percent sign
			values, end = []string{"%"}, at[0]+2
		case len(word) > 2 && word[len(word)-1] == '%':
			found = true
			var ok bool
			if values, ok = b.d.placeholder(s.node, b.name, word[1:len(word)-1]); !ok {
				return nil, false
			}
		default: // a lone percent sign
			values, end = []string{"%"}, at[0]+1
		}
		if len(heads)*len(values) > maxValues {
			return nil, b.fail(s.node, "%d values after expansion, more than %d", len(heads)*len(values), maxValues)
		}
		var longer []string
		for _, h := range heads {
			for _, v := range values {
				if len(h)+at[0]+len(v) > maxValue || !b.d.l.spend(b, s.node, len(h)+at[0]+len(v)) {
					return nil, b.fail(s.node, "values after expansion are too long")
				}
				longer = append(longer, h+rest[:at[0]]+v)
			}
		}
		heads, rest = longer, rest[end:]
	}
	if !found {
		return nil, b.fail(s.node, "modifier expand needs a placeholder such as %%own_accounts%%, not %s", strconv.Quote(brief(s.text)))
	}
	var out []scalar
	for _, h := range heads {
		out = append(out, scalar{s.node, h + rest, "!!str", true})
	}
	return out, true
}

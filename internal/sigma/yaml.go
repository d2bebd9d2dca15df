package sigma

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// chunk is one YAML document of a source.
type chunk struct {
	line int // its first line in the source, from 1
	text []byte
}

// body is the document without its marker.
func (c chunk) body() string {
	text := c.text
	if marker(text, "---") {
		text = text[3:]
	}
	return string(bytes.TrimSpace(text)) + "\n"
}

// split cuts a source into its documents by their markers, before anything is
// parsed: so that a broken document does not hide those behind it, and none is
// parsed that is too large.
func split(src []byte) []chunk {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	var out []chunk
	start, first, line := 0, 1, 0
	cut := func(end int) {
		if text := src[start:end]; !blank(text) {
			out = append(out, chunk{first, text})
		}
	}
	for at := 0; at < len(src); {
		end := len(src)
		if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line++
		if marker(src[at:end], "---") && at > start {
			cut(at)
			start, first = at, line
		}
		if marker(src[at:end], "...") {
			cut(at)
			start, first = end, line+1
		}
		at = end
	}
	cut(len(src))
	return out
}

// marker tells whether a line is the document marker mark.
func marker(line []byte, mark string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(mark))
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\n')
}

// blank tells whether text holds nothing but markers, comments and white space.
func blank(text []byte) bool {
	for line := range bytes.Lines(text) {
		if marker(line, "---") {
			line = line[3:]
		}
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// fault is what is wrong with a node.
type fault struct {
	node   *yaml.Node
	field  string
	reason string
}

// parseYAML parses one document of which the top is a mapping, and refuses what
// would make its text mean something else than it says: anchors, merge keys,
// tags, duplicate keys.
func parseYAML(text []byte) (*yaml.Node, *fault) {
	if len(text) > maxDocument {
		return nil, &fault{reason: fmt.Sprintf("document of %d bytes, more than %d", len(text), maxDocument)}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, yamlFault(err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, &fault{node: &doc, reason: "document is no mapping of names to values"}
	}
	if f := plain(doc.Content[0], 0); f != nil {
		return nil, f
	}
	return doc.Content[0], nil
}

// yamlFault takes the line out of an error of the YAML package.
func yamlFault(err error) *fault {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if num, why, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(num); err == nil {
				return &fault{node: &yaml.Node{Line: n}, reason: "not YAML: " + why}
			}
		}
	}
	return &fault{reason: "not YAML: " + text}
}

func plain(n *yaml.Node, depth int) *fault {
	switch {
	case depth > maxDepth:
		return &fault{node: n, reason: fmt.Sprintf("nested deeper than %d", maxDepth)}
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return &fault{node: n, reason: "anchors and aliases are not allowed: write the value out"}
	case n.Style&yaml.TaggedStyle != 0:
		return &fault{node: n, reason: "tags such as " + n.Tag + " are not allowed"}
	}
	if n.Kind == yaml.MappingNode {
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			switch {
			case k.Kind != yaml.ScalarNode:
				return &fault{node: k, reason: "key is not plain text"}
			case k.Tag == "!!merge":
				return &fault{node: k, field: "<<", reason: "merge keys are not allowed: write the values out"}
			case seen[k.Value]:
				return &fault{node: k, field: k.Value, reason: "key occurs twice"}
			}
			seen[k.Value] = true
		}
	}
	for _, c := range n.Content {
		if f := plain(c, depth+1); f != nil {
			return f
		}
	}
	return nil
}

// get returns the value of a key of a mapping, or nil.
func get(m *yaml.Node, key string) *yaml.Node {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// shape names a node's kind in messages.
func shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if isNull(n) {
		return "empty"
	}
	return strconv.Quote(n.Value)
}

// brief cuts a text that is shown in a message.
func brief(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}

package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"sluice/internal/clean"
	"sluice/internal/query"
)

// writeTable writes at most most rows, aligned, and tells whether there are more.
// On a terminal long cells are cut, and rows that are too wide for that are
// written as lists of their columns.
func writeTable(s screen, res *query.Result, most int) (n int64, more bool, err error) {
	g := grid{}
	for _, c := range res.Columns {
		g.columns = append(g.columns, gridColumn{name: clean.Line(c.Name), right: c.Kind == query.Number, whole: c.Kind != query.Text && c.Kind != query.Nested})
	}
	for row, err := range res.Rows {
		if err != nil {
			return n, false, err
		}
		if most > 0 && n == int64(most) {
			more = true
			break
		}
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = tableCell(v, res.Columns[i].Kind)
		}
		g.add(cells...)
		n++
	}
	_, err = fmt.Fprint(s, g.fitted(s))
	return n, more, err
}

// fitted is the grid as it fits the screen: with cut cells, else as lists.
func (g *grid) fitted(s screen) string {
	if s.terminal && !g.fit(s.width) {
		return g.lists(s)
	}
	return g.render()
}

// tableCell writes NULL, the empty text and a text that reads like either so
// that they differ.
func tableCell(v query.Value, k query.Kind) string {
	switch {
	case v.Null:
		return "NULL"
	case k == query.Text && (v.Text == "" || v.Text == "NULL" || v.Text == `""`):
		return `"` + v.Text + `"`
	}
	return clean.Line(v.Text)
}

// lists writes each row as a list of its columns.
func (g *grid) lists(s screen) string {
	var b strings.Builder
	for i, r := range g.rows {
		fmt.Fprintln(&b, s.bold(fmt.Sprintf("row %d", i+1)))
		list := grid{headless: true, columns: make([]gridColumn, 2)}
		for j, c := range g.columns {
			list.add(s.dim(c.name), r[j])
		}
		b.WriteString(list.render())
	}
	return b.String()
}

// writeCSV writes RFC 4180 with NULL as nothing and the empty text as "". What
// is in the table is in the file, bytes that a terminal would obey included;
// only a terminal gets them as escapes.
func writeCSV(s screen, res *query.Result) (n int64, err error) {
	w := bufio.NewWriter(s)
	for i, c := range res.Columns {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString(csvCell(s, query.Value{Text: c.Name}))
	}
	w.WriteByte('\n')
	for row, err := range res.Rows {
		if err != nil {
			return n, err
		}
		for i, v := range row {
			if i > 0 {
				w.WriteByte(',')
			}
			w.WriteString(csvCell(s, v))
		}
		if err := w.WriteByte('\n'); err != nil {
			return n, err
		}
		n++
	}
	return n, w.Flush()
}

func csvCell(s screen, v query.Value) string {
	if v.Null {
		return ""
	}
	text := v.Text
	if s.terminal {
		text = clean.Line(text)
	}
	if text == "" || strings.ContainsAny(text, ",\"\r\n") || strings.TrimSpace(text) != text {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

// writeJSON writes one array of objects, columns in their order; times are RFC
// 3339, NULL is null, columns of the same name get numbers.
func writeJSON(s screen, res *query.Result) (n int64, err error) {
	w := bufio.NewWriter(s)
	names := make([]string, len(res.Columns))
	seen := map[string]int{}
	for i, c := range res.Columns {
		name := c.Name
		for seen[name]++; seen[name] > 1; seen[name]++ {
			name = fmt.Sprintf("%s_%d", c.Name, seen[c.Name])
		}
		if names[i], err = jsonText(name); err != nil {
			return 0, err
		}
	}
	w.WriteByte('[')
	for row, err := range res.Rows {
		if err != nil {
			return n, err
		}
		if n > 0 {
			w.WriteByte(',')
		}
		w.WriteString("\n  {")
		for i, v := range row {
			if i > 0 {
				w.WriteString(", ")
			}
			value, err := jsonValue(v, res.Columns[i].Kind)
			if err != nil {
				return n, err
			}
			w.WriteString(names[i] + ": " + value)
		}
		if err := w.WriteByte('}'); err != nil {
			return n, err
		}
		n++
	}
	w.WriteString("\n]\n")
	return n, w.Flush()
}

func jsonValue(v query.Value, k query.Kind) (string, error) {
	switch {
	case v.Null:
		return "null", nil
	case k == query.Bool, (k == query.Number || k == query.Nested) && json.Valid([]byte(v.Text)):
		return escapeJSON(v.Text), nil
	case k == query.Time:
		return jsonText(strings.Replace(v.Text, " ", "T", 1) + "Z")
	}
	return jsonText(v.Text) // infinity and NaN are no JSON numbers
}

func jsonText(s string) (string, error) {
	b, err := json.Marshal(s)
	return escapeJSON(string(b)), err
}

// escapeJSON writes characters that a terminal might obey or hide as \u
// escapes, which say the same in JSON.
func escapeJSON(s string) string {
	if strings.IndexFunc(s, unsafeInJSON) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !unsafeInJSON(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func unsafeInJSON(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }

// writeMarkdown writes a table whose texts are code: nothing in them becomes a
// link, an image or markup on the page they are pasted into.
func writeMarkdown(s screen, res *query.Result) (n int64, err error) {
	w := bufio.NewWriter(s)
	line := func(cells func(i int) string) error {
		for i := range res.Columns {
			w.WriteString("| " + cells(i) + " ")
		}
		_, err := w.WriteString("|\n")
		return err
	}
	line(func(i int) string { return markdownCode(res.Columns[i].Name) })
	line(func(i int) string {
		if res.Columns[i].Kind == query.Number {
			return "---:"
		}
		return "---"
	})
	for row, err := range res.Rows {
		if err != nil {
			return n, err
		}
		err = line(func(i int) string {
			switch k := res.Columns[i].Kind; {
			case row[i].Null:
				return "NULL"
			case k == query.Text || k == query.Nested:
				return markdownCode(row[i].Text)
			}
			return row[i].Text
		})
		if err != nil {
			return n, err
		}
		n++
	}
	return n, w.Flush()
}

// markdownCode writes a text as code, fenced by more backticks than it holds.
func markdownCode(s string) string {
	s = clean.Line(s)
	if s == "" {
		return `""`
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	pad := ""
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		pad = " "
	}
	return fence + pad + strings.ReplaceAll(s, "|", `\|`) + pad + fence
}

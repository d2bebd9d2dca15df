package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/query"
)

// maxText is how many characters of a value are shown. A key has up to 1,024
// bytes, a client may call itself anything.
const maxText = 160

// shown makes a text of the lake fit to be read: harmless, on one line, and not
// longer than a reader looks.
func shown(text string) string {
	// Of a long text only what could be shown is looked at.
	whole := utf8.RuneCountInString(text)
	if whole > 4*maxText {
		text = string([]rune(text[:min(len(text), 16*maxText)])[:maxText])
	}
	text = clean.Line(text)
	if runes := []rune(text); len(runes) > maxText || whole > 4*maxText {
		return fmt.Sprintf("%s… (%s characters)", string(runes[:min(len(runes), maxText)]), amount.Grouped(int64(whole)))
	}
	return text
}

// cell is a value in a table.
type cell struct {
	Text string
	Null bool
	Bar  int  // thousandths of the largest of the column
	Bars bool // the column has bars
}

func cellOf(v query.Value, k query.Kind) cell {
	switch {
	case v.Null:
		return cell{Null: true}
	case k == query.Number:
		return cell{Text: decimals(v.Text)}
	case k == query.Time:
		text, _, _ := strings.Cut(v.Text, ".")
		return cell{Text: text}
	}
	return cell{Text: shown(v.Text)}
}

// decimals groups the digits of a number before its point.
func decimals(text string) string {
	whole, part, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return shown(text)
	}
	sign := ""
	if n == 0 && strings.HasPrefix(whole, "-") {
		sign = "-"
	}
	if part == "" {
		return sign + amount.Grouped(n)
	}
	return sign + amount.Grouped(n) + "." + part
}

// percent writes a share so that little is not nothing, nor nearly all all. The
// script of the page writes it in the same way.
func percent(n, of int64) string {
	switch share := 100 * float64(n) / float64(of); {
	case n == 0:
		return "0 %"
	case n == of:
		return "100 %"
	case share < 0.1:
		return "under 0.1 %"
	case share > 99.9:
		return "over 99.9 %"
	default:
		return fmt.Sprintf("%.1f %%", share)
	}
}

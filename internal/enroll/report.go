package enroll

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Enrolled is how many buckets of a plan that was applied log here now.
func Enrolled(steps []Step) (n int) {
	for _, s := range steps {
		if s.Err == nil && (s.Verb == Right || s.Verb.Changes() && s.Verb != Restore) {
			n++
		}
	}
	return n
}

// Blocked is why no bucket at all can log here, "" where some can.
func Blocked(steps []Step) string {
	for _, s := range steps {
		if s.Everywhere {
			return s.Reason
		}
	}
	return ""
}

// Missing says in at most limit bytes which buckets do not log here and why,
// "nothing" where all do: what went wrong first, then what concerns few.
func Missing(steps []Step, limit int) string {
	by := map[string][]string{}
	failed := map[string]bool{}
	for _, s := range steps {
		why := s.Reason
		if s.Err != nil {
			why = s.Err.Error()
			failed[why] = true
		}
		if why != "" && s.Verb != Release {
			by[why] = append(by[why], s.Bucket)
		}
	}
	if len(by) == 0 {
		return "nothing"
	}
	reasons := slices.SortedFunc(maps.Keys(by), func(a, b string) int {
		if failed[a] != failed[b] {
			if failed[a] {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(len(by[a]), len(by[b])), cmp.Compare(by[a][0], by[b][0]))
	})
	const named = 3
	var parts []string
	for _, why := range reasons {
		who := strings.Join(by[why][:min(named, len(by[why]))], ", ")
		if more := len(by[why]) - named; more > 0 {
			who += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, who+": "+why)
	}
	return Cut(strings.Join(parts, "; "), limit)
}

// Cut shortens a text to at most limit bytes, and shows that it did.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const end = " …"
	n := max(0, limit-len(end))
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + end
}

package sigma

import "strings"

// nearest returns the name that whoever wrote got may have meant, or "".
func nearest(got string, names []string) string {
	if len(got) > 100 {
		return ""
	}
	best, least := "", max(2, len(got)/3)+1
	low := strings.ToLower(got)
	for _, n := range names {
		if len(n) > 100 {
			continue
		}
		if d := distance(low, strings.ToLower(n), least); d < least {
			best, least = n, d
		}
	}
	if best != "" || len(got) < 3 {
		return best
	}
	for _, n := range names { // part of a name, such as bucket for bucket_name
		if strings.Contains(strings.ToLower(n), low) && (best == "" || len(n) < len(best)) {
			best = n
		}
	}
	return best
}

// meant is nearest as the end of a sentence.
func meant(got string, names []string) string {
	if n := nearest(got, names); n != "" {
		return "; did you mean " + n + "?"
	}
	return ""
}

// distance is how many letters must be added, dropped, changed or swapped with
// their neighbour to make a into b; limit when it is that or more.
func distance(a, b string, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/internal/amount"
	"sluice/internal/clean"
)

// How much of a list is shown: more would push the totals off the screen.
const (
	listedReasons = 12
	listedFiles   = 3
)

// write writes the report for a person.
func (r *report) write(s screen) error {
	var b strings.Builder
	r.list(&b, s.bold("Skipped: no log records in them"), byReason(r.Skips))
	r.list(&b, s.bold("Rejected records (sluice query rejects tells more)"), r.rejects())
	r.list(&b, s.red("Failed: nothing of them is in the lake"), byReason(r.Failures))
	r.totals(s, &b)
	r.tables(s, &b)
	if r.Complete && r.Rows > 0 {
		with := ""
		if r.Lake != defaultLake {
			with = ", each with --lake " + clean.Line(r.Lake)
		}
		fmt.Fprintf(&b, "\nNext: sluice query --list%s\n", with)
	}
	_, err := fmt.Fprint(s, b.String())
	return err
}

// listing is what happened to some files for one reason.
type listing struct {
	what  string // how much it happened to, and why
	files []string
}

// byReason puts together files that were left out for the same reason.
func byReason(files []fileReport) (lists []listing) {
	var order []string
	names := map[string][]string{}
	for _, f := range files {
		w := f.why()
		if names[w] == nil {
			order = append(order, w)
		}
		names[w] = append(names[w], f.File)
	}
	slices.SortStableFunc(order, func(x, y string) int { return len(names[y]) - len(names[x]) })
	for _, w := range order {
		lists = append(lists, listing{amount.Of(int64(len(names[w])), "file") + ": " + w, names[w]})
	}
	return lists
}

// why is the reason without the name of the file, which stands below it.
func (f fileReport) why() string {
	key := f.File
	if at, ok := strings.CutPrefix(key, "s3://"); ok {
		_, key, _ = strings.Cut(at, "/")
	}
	why := f.Reason
	for range 2 { // our own words, and those of the system
		for _, did := range []string{"read ", "open "} {
			why = strings.TrimPrefix(why, did+key+": ")
		}
	}
	return why
}

// rejects lists for each reason the files in which it was met.
func (r *report) rejects() (lists []listing) {
	for _, x := range r.Reasons {
		l := listing{what: fmt.Sprintf("%s: %s (%s)", amount.Of(x.Records, "record"), x.Reason, x.MeantFor)}
		for _, f := range r.Rejects {
			if f.table == x.MeantFor && f.Reasons[x.Reason] > 0 {
				l.files = append(l.files, f.File)
			}
		}
		lists = append(lists, l)
	}
	return lists
}

func (r *report) list(b *strings.Builder, title string, lists []listing) {
	if len(lists) == 0 {
		return
	}
	fmt.Fprintln(b, title)
	for _, l := range lists[:min(listedReasons, len(lists))] {
		fmt.Fprintf(b, "  %s\n", clean.Line(l.what))
		for _, f := range l.files[:min(listedFiles, len(l.files))] {
			fmt.Fprintf(b, "    %s\n", clean.Line(r.short(f)))
		}
		if more := len(l.files) - listedFiles; more > 0 {
			fmt.Fprintf(b, "    and %s (--json lists all)\n", amount.Of(int64(more), "more file"))
		}
	}
	if more := len(lists) - listedReasons; more > 0 {
		fmt.Fprintf(b, "  and for %s (--json lists all)\n", amount.Of(int64(more), "more reason"))
	}
	fmt.Fprintln(b)
}

// short names a file as a person would who named the folder it is in.
func (r *report) short(file string) string {
	if rest, ok := strings.CutPrefix(file, r.below); ok && r.below != "" {
		return rest
	}
	return near(file)
}

// near names a file below the working directory as a person there would.
func near(file string) string {
	wd, err := os.Getwd()
	if err != nil || !filepath.IsAbs(filepath.FromSlash(file)) {
		return file
	}
	rel, err := filepath.Rel(wd, filepath.FromSlash(file))
	if err != nil || !filepath.IsLocal(rel) {
		return file
	}
	return rel
}

// below is the folder that all of the named files are in, where one was named:
// the start of their names, with a slash at its end.
func below(paths []string) string {
	if len(paths) != 1 || paths[0] == "-" {
		return ""
	}
	if at, ok := strings.CutPrefix(paths[0], "s3://"); ok {
		bucket, prefix, _ := strings.Cut(at, "/")
		return "s3://" + bucket + "/" + prefix[:strings.LastIndexByte(prefix, '/')+1]
	}
	real, err := realPath(paths[0])
	if err != nil {
		return ""
	}
	if st, err := os.Stat(real); err != nil || !st.IsDir() {
		return ""
	}
	return strings.TrimSuffix(filepath.ToSlash(real), "/") + "/"
}

func (r *report) totals(s screen, b *strings.Builder) {
	g := grid{headless: true, columns: []gridColumn{{}, {right: true}, {}}}
	add := func(name string, n int64, note string) { g.add(name, amount.Grouped(n), note) }
	rate := ""
	if r.Lines > 0 && r.Seconds > 0 {
		rate = amount.Grouped(int64(float64(r.Lines)/r.Seconds)) + " a second"
	}
	add("files", r.Files, "")
	add("  converted", r.Converted, "")
	add("  already done", r.AlreadyDone, "")
	add("  skipped", r.Skipped, "")
	add("  failed", r.Failed, "")
	if r.NotReached > 0 {
		add("  not reached", r.NotReached, "the same command again continues")
	}
	add("lines", r.Lines, rate)
	add("  rows", r.Rows, "")
	add("  rejected", r.Rejected, "kept in the table rejected")
	if r.Unaccounted != 0 {
		g.add(s.red("  unaccounted"), s.red(amount.Grouped(r.Unaccounted)), "lines lost or doubled")
	}
	add("ambiguous", r.Ambiguous, "rows that can be read in several ways")
	unzipped := ""
	if r.BytesText != r.BytesIn {
		unzipped = amount.Bytes(r.BytesText) + " unzipped"
	}
	g.add("read", amount.Bytes(r.BytesIn), unzipped)
	g.add("written", amount.Bytes(r.BytesOut), "")
	g.add("seconds", fmt.Sprintf("%.1f", r.Seconds), "")
	b.WriteString(g.render())
}

func (r *report) tables(s screen, b *strings.Builder) {
	if len(r.Tables) == 0 {
		return
	}
	g := grid{columns: []gridColumn{{name: "table"}, {name: "rows", right: true}, {name: "days", right: true}, {name: "objects", right: true}, {name: "size", right: true}}}
	for _, t := range r.Tables {
		g.add(t.Name, amount.Grouped(t.Rows), amount.Grouped(int64(t.Days)), amount.Grouped(t.Objects), amount.Bytes(t.Bytes))
	}
	fmt.Fprintf(b, "\n%s\n%s", s.bold("Written to the lake in "+clean.Line(r.Lake)), g.render())
}

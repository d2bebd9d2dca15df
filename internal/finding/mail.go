package finding

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sluice/internal/amount"
)

// Limits of a mail.
const (
	maxSubject = 99 // SNS takes fewer than 100 characters
	maxSamples = 5
	mailKey    = 200
	mailAgent  = 120
)

// Mail is the finding for a person: a subject that SNS takes, and plain text in
// which nothing that an attacker wrote becomes a link, a mention or a format.
//
// The subject is made from level, title and bucket name alone, and only ASCII.
func (f *Finding) Mail() (subject, body string) { return f.subject(), f.body() }

func (f *Finding) subject() string {
	head := "[" + severityOf(f.Rule.Level).mark + "] "
	title := ascii(f.Rule.Title)
	if title == "" {
		title = "Finding of a rule without a title"
	}
	tail := ""
	if isBucketName(f.Bucket) {
		tail = " - " + cut(defang(f.Bucket), 63)
	}
	if f.Step > 1 {
		tail += " (x" + strconv.FormatInt(f.Step, 10) + ")"
	}
	return head + cut(title, maxSubject-len(head)-len(tail)) + tail
}

// isBucketName tells what can be the name of a bucket, old ones included, from
// what a record merely says is one.
func isBucketName(s string) bool {
	return 3 <= len(s) && len(s) <= 255 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == ""
}

// ascii is s with its spaces folded and without what a subject cannot hold.
func ascii(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return -1
		case r > '~':
			return '?'
		}
		return r
	}, s))
}

// cut is ASCII s in at most max characters.
func cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return strings.TrimSpace(s[:max-3]) + "..."
}

func (f *Finding) body() string {
	var m letter
	m.line(severityOf(f.Rule.Level).mark + ": " + defang(shown(f.Rule.Title, maxTitle)))
	switch {
	case f.Unheard:
		m.line(fmt.Sprintf("The first message about this incident, which is now %s times its threshold:", amount.Grouped(f.Step)))
		m.line("the one before was held back, for too many were sent at that time.")
	case f.Step > 1:
		m.line(fmt.Sprintf("An update: this incident is now %s times its threshold.", amount.Grouped(f.Step)))
	}

	m.head("What happened")
	m.prose(prose(f.Rule.Description, maxDesc))

	if who := f.who(defang, mailKey); len(who) > 0 {
		m.head("Who")
		m.pairs(who)
	}
	if where := f.where(defang, mailKey); len(where) > 0 {
		m.head("Where")
		m.pairs(where)
	}

	m.head("How much")
	m.prose(f.howMuch())

	m.head("When")
	m.prose(f.when())

	f.samples(&m)

	if todo := prose(f.Rule.Response, maxTodo); todo != "" {
		m.head("What to do")
		m.prose(todo)
	}
	if known := f.Rule.FalsePositives; len(known) > 0 {
		m.head("What it may be instead")
		for _, s := range known[:min(len(known), maxSamples)] {
			m.item(prose(s, maxTitle))
		}
	}

	if !f.Rule.own() {
		m.head("Look closer")
		m.prose("All that was done in that time by who is named above, not only what the rule counted. Paste this into a shell where a lake is; into Athena, all but its first and last line.")
		for _, sql := range f.queries() {
			m.line("")
			m.line("sluice query - <<'SQL'\n" + sql + "\nSQL")
		}
	}

	m.head("About this message")
	m.pairs(f.about())
	if f.Rule.own() {
		return m.String()
	}
	m.line("")
	m.prose("To silence it, list what is harmless under the rule's placeholder in the site file, or write a Sigma filter for the rule; to keep it in the table findings only, lower its level.")
	return m.String()
}

// who are the values of the group but for the bucket, made dead for a medium.
func (f *Finding) who(dead func(string) string, max int) []Pair {
	var all []Pair
	for _, p := range f.Group[:min(len(f.Group), maxGroup)] {
		value := dead(shown(p.Value, max))
		switch {
		case p.Null && (p.Name == "requester" || p.Name == "requester_name" || p.Name == "derived.principal" && f.Rule.Service == "s3_server_access"):
			value = "(none: anonymous)"
		case p.Null:
			value = "(none)"
		case p.Value == f.Bucket && f.Bucket != "":
			continue
		case value == "":
			value = `""`
		}
		all = append(all, Pair{Name: shown(p.Name, maxName), Value: value})
	}
	return all
}

// where is what it happened to.
func (f *Finding) where(dead func(string) string, max int) []Pair {
	var all []Pair
	for _, p := range []Pair{{Name: "bucket", Value: f.Bucket}, {Name: "account", Value: f.Account}, {Name: "region", Value: f.Region}} {
		if p.Value != "" {
			all = append(all, Pair{Name: p.Name, Value: dead(shown(p.Value, max))})
		}
	}
	return all
}

func (f *Finding) howMuch() string {
	events := amount.Grouped(f.Count) + " events"
	if f.Count == 1 {
		events = "1 event"
	}
	switch {
	case f.Measure == "rules":
		return fmt.Sprintf("%s rules matched; %s have to.", amount.Grouped(f.Value), amount.Grouped(f.Threshold))
	case strings.HasPrefix(f.Measure, "new "): // a first time has no threshold
		return defang(shown(Amount(f.Measure, f.Value, f.AtLeast), maxName)) + "."
	case f.Measure != "events" && f.Measure != "":
		least := ""
		if f.AtLeast {
			least = "at least "
		}
		s := fmt.Sprintf("%s: %s%s; the threshold is %s.", defang(shown(f.Measure, maxName)), least, f.amount(f.Value), f.amount(f.Threshold))
		if f.Count > 0 {
			s += " In " + events + "."
		}
		return s
	case f.Threshold > 1:
		return fmt.Sprintf("%s so far; the threshold is %s.", events, amount.Grouped(f.Threshold))
	}
	return events + " so far."
}

// amount writes n of what the rule measures; bytes also in a unit one can judge.
func (f *Finding) amount(n int64) string {
	if n < 1_000_000 || !strings.Contains(f.Measure, "bytes") {
		return amount.Grouped(n)
	}
	return fmt.Sprintf("%s (%s)", amount.Grouped(n), inBytes(n))
}

func (f *Finding) when() string {
	const layout = "2006-01-02 15:04:05"
	first, last := f.First.Go().Format(layout), f.Last.Go().Format(layout)
	switch {
	case first == last:
		return first + " UTC"
	case first[:10] == last[:10]:
		return first + " to " + last[11:] + " UTC"
	}
	return first + " to " + last + " UTC"
}

// samples shows a few records. What is as in the sample before is not repeated.
func (f *Finding) samples(m *letter) {
	n := min(len(f.Evidence), maxSamples)
	if n == 0 {
		return
	}
	m.head(f.samplesHead(n))
	before := map[string]string{}
	for _, e := range f.Evidence[:n] {
		title := e.Time.Go().Format("2006-01-02 15:04:05")
		if e.Operation != "" {
			title += "  " + operation(e.Operation)
		}
		if e.Status.OK {
			title += "  " + strconv.FormatInt(e.Status.V, 10)
		}
		if e.ErrorCode != "" {
			title += "  " + defang(shown(e.ErrorCode, mailAgent))
		}
		m.line("  " + title)
		if e.Ambiguous {
			m.line("    This line can be read in several ways: it may be forged.")
		}
		for _, p := range []Pair{
			{Name: "key", Value: shown(e.Key, mailKey)},
			{Name: "by", Value: shown(e.Requester, mailKey)},
			{Name: "from", Value: shown(e.RemoteIP, mailKey)},
			{Name: "agent", Value: shown(e.UserAgent, mailAgent)},
		} {
			if p.Value != "" && before[p.Name] != p.Value {
				m.line(fmt.Sprintf("    %-5s  %s", p.Name, defang(p.Value)))
			}
			before[p.Name] = p.Value
		}
		if at := place(e); at != "" && before["file"] != at {
			m.line("    file   " + at)
			before["file"] = at
		}
	}
}

// samplesHead says how many samples are shown, and of how many records. A worker
// that counts with others has only the records of its own file.
func (f *Finding) samplesHead(n int) string {
	s := fmt.Sprintf("Samples, %d", n)
	if f.Count > 0 {
		s += " of " + amount.Grouped(max(f.Count, int64(n)))
	}
	for _, e := range f.Evidence {
		if e.LogKey != f.Evidence[0].LogKey {
			return s
		}
	}
	if int64(len(f.Evidence)) < f.Count {
		s += ", from the last file"
	}
	return s
}

// place is where a record stands, as sluice inspect takes it. Names that S3 and
// CloudTrail give are left as they are, to be copied; a prefix is part of them
// only where it cannot be the name of a host.
func place(e Evidence) string {
	line := ":" + strconv.FormatInt(e.LogLine, 10)
	switch {
	case e.LogKey == "":
		return ""
	case delivered.MatchString(e.LogKey) && len(e.LogKey) <= maxText:
		return e.LogKey + line
	}
	return defang(shown(e.LogKey, mailKey) + line)
}

var delivered = regexp.MustCompile(`^([A-Za-z0-9_=-]+/)*(` +
	`[A-Za-z0-9_=-]*\d{4}-\d{2}-\d{2}-\d{2}-\d{2}-\d{2}-[0-9A-F]{16}|` +
	`\d{12}_CloudTrail_[a-z0-9-]+_\d{8}T\d{4}Z_[A-Za-z0-9]{16}\.json\.gz)$`)

// operation is left as S3 writes it, unless somebody else may have written it.
func operation(s string) string {
	for _, prefix := range []string{"REST.", "WEBSITE.", "BATCH.", "S3.", "SOAP."} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && len(s) < 60 && strings.Trim(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") == "" {
			return s
		}
	}
	return defang(shown(s, mailAgent))
}

func (f *Finding) about() []Pair {
	all := []Pair{{Name: "rule", Value: defang(shown(f.Rule.ID, maxName))}}
	if f.Rule.Type != "" {
		all = append(all, Pair{Name: "type", Value: defang(shown(f.Rule.Type, maxName))})
	}
	for _, a := range attacks(f.Rule.Tags) {
		all = append(all, Pair{Name: "ATT&CK", Value: a.String()})
	}
	return append(all, Pair{Name: "finding", Value: f.UID})
}

// String is the attack for people: T1485.001 Data Destruction: Lifecycle-Triggered Deletion (Impact).
func (a attack) String() string {
	if a.id() == "" {
		return a.tactic.id + " " + a.tactic.name
	}
	s := a.id()
	if a.technique.name != "" {
		s += " " + a.technique.name
	}
	if a.sub.name != "" {
		s += ": " + a.sub.name
	}
	if a.tactic.name != "" {
		s += " (" + a.tactic.name + ")"
	}
	return s
}

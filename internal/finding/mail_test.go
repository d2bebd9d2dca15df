package finding_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"sluice/internal/finding"
)

func TestMailGolden(t *testing.T) {
	for name, f := range samples() {
		subject, body := f.Mail()
		golden(t, name+".txt", "Subject: "+subject+"\n\n"+body)
		checkSubject(t, subject)
	}
}

func TestChatGolden(t *testing.T) {
	for name, f := range samples() {
		golden(t, name+".chat.json", indent(t, f.Chat()))
	}
}

func TestSubject(t *testing.T) {
	long := strings.Repeat("very ", 40) + "long"
	for _, c := range []struct {
		level, title, bucket string
		step                 int64
		want                 string
	}{
		{"high", "Mass deletion of S3 objects", "finance-reports", 1, "[HIGH] Mass deletion of S3 objects - finance-reports"},
		{"high", "Mass deletion of S3 objects", "finance-reports", 10, "[HIGH] Mass deletion of S3 objects - finance-reports (x10)"},
		{"critical", "Two buckets", "", 1, "[CRITICAL] Two buckets"},
		{"medium", "Löschung\r\nBcc: x", "a.example.com", 1, "[MEDIUM] L?schung Bcc: x - a[.]example[.]com"},
		{"low", "A \x1b[31mred\u202e title", "no bucket\r\nBcc: y", 1, "[LOW] A [31mred? title"},
		{"", "", "", 1, "[FINDING] Finding of a rule without a title"},
		{"high", long, strings.Repeat("b", 63), 1000, "[HIGH] very very very... - " + strings.Repeat("b", 63) + " (x1000)"},
	} {
		f := massDelete()
		f.Rule.Level, f.Rule.Title, f.Bucket, f.Step = c.level, c.title, c.bucket, c.step
		got, _ := f.Mail()
		if got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
		checkSubject(t, got)
	}
}

func TestHowMuch(t *testing.T) {
	for _, c := range []struct {
		measure                 string
		count, value, threshold int64
		want                    string
	}{
		{"rules", 0, 2, 2, "2 rules matched; 2 have to."},
		{"events", 1, 1, 1, "1 event so far."},
		{"events", 1204, 1204, 1, "1,204 events so far."},
		{"events", 1204, 1204, 500, "1,204 events so far; the threshold is 500."},
		{"distinct key_name", 9, 8, 5, "distinct key_name: 8; the threshold is 5. In 9 events."},
		{"new user_agent_name", 3, 1, 1, "1 new client."},
		{"new authenticated", 0, 2, 1, "2 new values of authenticated."},
		{"sum of bytes_sent_size", 12, 64_424_509_440, 50_000_000, "sum of bytes_sent_size: 64,424,509,440 (64.4 GB); the threshold is"},
	} {
		f := massDelete()
		f.Measure, f.Count, f.Value, f.Threshold = c.measure, c.count, c.value, c.threshold
		_, body := f.Mail()
		_, after, _ := strings.Cut(body, "\nHOW MUCH\n  ")
		if got, _, _ := strings.Cut(after, "\n"); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

// TestHowMuchIsNoMoreThanIsKnown: of distinct values no more are told apart than
// it takes to cross, and the records they came in are not counted.
func TestHowMuchIsNoMoreThanIsKnown(t *testing.T) {
	f := massDelete()
	f.Measure, f.Count, f.Value, f.Threshold, f.AtLeast = "distinct key_name", 0, 600, 500, true
	const want = "distinct key_name: at least 600; the threshold is 500.\n"
	_, body := f.Mail()
	if !strings.Contains(body, want) || strings.Contains(body, "events.") || !strings.Contains(body, "SAMPLES, 5\n") {
		t.Errorf("mail:\n%s", body)
	}
	if chat := string(f.Chat()); !strings.Contains(chat, "at least 600") || strings.Contains(chat, "0 events") {
		t.Errorf("chat:\n%s", chat)
	}
	doc := string(ocsf(t, f))
	if !strings.Contains(doc, `"at_least":true`) || strings.Contains(doc, `"count"`) || strings.Contains(doc, `"events"`) || strings.Contains(doc, "related_events_count") {
		t.Errorf("document:\n%s", doc)
	}
	if row, err := f.Row(); err != nil || row.EventCount.OK {
		t.Errorf("row: event_count %v, %v, want NULL", row.EventCount, err)
	}
}

// TestSamplesSayWhereTheyAreFrom: one worker of several has the records of its
// own file.
func TestSamplesSayWhereTheyAreFrom(t *testing.T) {
	f := massDelete()
	head := func() string {
		_, body := f.Mail()
		_, after, _ := strings.Cut(body, "\nSAMPLES")
		line, _, _ := strings.Cut(after, "\n")
		return line
	}
	for _, c := range []struct {
		count int64
		other bool
		want  string
	}{
		{1204, false, ", 5 OF 1,204, FROM THE LAST FILE"},
		{20, false, ", 5 OF 20"},
		{1204, true, ", 5 OF 1,204"},
	} {
		f = massDelete()
		f.Count = c.count
		if c.other {
			f.Evidence[19].LogKey = f.Sources[1]
		}
		if got := head(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestAHeldBackIncidentIsNoUpdate: a person that never got the first message must
// not look for it.
func TestAHeldBackIncidentIsNoUpdate(t *testing.T) {
	f := massDelete()
	f.Step = 10
	if _, body := f.Mail(); !strings.Contains(body, "An update") || strings.Contains(body, "held back") || !strings.Contains(string(ocsf(t, f)), `"Update"`) {
		t.Errorf("an update:\n%s", body)
	}
	f.Unheard = true
	if _, body := f.Mail(); strings.Contains(body, "An update") || !strings.Contains(body, "held back") || !strings.Contains(string(ocsf(t, f)), `"Create"`) {
		t.Errorf("the first that is sent:\n%s", body)
	}
}

// TestNamesOfDeliveredFilesCanBeCopied: what S3 and CloudTrail name is left as it
// is, what somebody else may have named is made dead.
func TestNamesOfDeliveredFilesCanBeCopied(t *testing.T) {
	for _, c := range []struct{ key, want string }{
		{"logs/2026-11-22-10-15-02-0A1B2C3D4E5F6071", "logs/2026-11-22-10-15-02-0A1B2C3D4E5F6071"},
		{"111122223333/us-west-2/amber/2026/11/22/2026-11-22-10-15-02-0A1B2C3D4E5F6071", "111122223333/us-west-2/amber/2026/11/22/2026-11-22-10-15-02-0A1B2C3D4E5F6071"},
		{policyPublic().Sources[0], policyPublic().Sources[0]},
		{"amber.example.com/2026-11-22-10-15-02-0A1B2C3D4E5F6071", "amber[.]example[.]com/2026-11-22-10-15-02-0A1B2C3D4E5F6071"},
		{"x@evil/2026-11-22-10-15-02-0A1B2C3D4E5F6071", "x[@]evil/2026-11-22-10-15-02-0A1B2C3D4E5F6071"},
		{"evil.example/111122223333_CloudTrail_us-east-1_20261121T1410Z_a1b2c3d4e5f60718.json.gz", "evil[.]example/111122223333_CloudTrail_us-east-1_20261121T1410Z_a1b2c3d4e5f60718[.]json[.]gz"},
		{"evil.json.gz", "evil[.]json[.]gz"},
		{"logs/2026-11-22-10-15-02-0A1B2C3D4E5F6071\nhttp://evil.example", `logs/2026-11-22-10-15-02-0A1B2C3D4E5F6071\u{a}http[:]//evil[.]example`},
	} {
		f := massDelete()
		f.Evidence[0].LogKey = c.key
		_, body := f.Mail()
		if !strings.Contains(body, "    file   "+c.want+":1\n") {
			t.Errorf("got\n%s\nwant %s", body, c.want)
		}
	}
}

// TestMailQuotesTheQueryWhole: what a person pastes into a shell ends where it
// should, whatever the group holds.
func TestMailQuotesTheQueryWhole(t *testing.T) {
	f := massDelete()
	f.Group = append(f.Group, finding.Pair{Name: "requester", Value: "x'\nSQL\nrm -rf $HOME `id` $(id)"})
	_, body := f.Mail()
	_, rest, _ := strings.Cut(body, "<<'SQL'\n")
	sql, _, ok := strings.Cut(rest, "\nSQL\n")
	if !ok || !strings.Contains(sql, "LIMIT 100") {
		t.Errorf("the query ends early:\n%s", body)
	}
}

func FuzzMail(f *testing.F) {
	f.Add("Title", "finance-reports", "a@b.example", "https://evil.example/", "agent\x1b[0m")
	f.Add("\xff", "\u202e", "<!channel>", "www.evil。example", "\\\\evil\\share")
	f.Add(`\!`, `\<`, `\\`, `\*`, `\_`)
	f.Add("a", "mailto:a", "*bold* _it_ `code`", "javascript:alert(1)", "[x](evil)")
	f.Fuzz(func(t *testing.T, title, bucket, value, key, agent string) {
		g := massDelete()
		g.Rule.Title, g.Bucket, g.Account, g.Rule.ID, g.Rule.Type = title, bucket, agent, key, value
		g.Group = []finding.Pair{{Name: "requester", Value: value}, {Name: "remote_ip", Value: agent}, {Name: "user_agent", Value: key}}
		g.Evidence = g.Evidence[:2]
		for i := range g.Evidence {
			e := &g.Evidence[i]
			e.Key, e.UserAgent, e.Requester, e.Operation, e.LogKey, e.ErrorCode, e.RemoteIP = key, agent, value, bucket, value, agent, title
		}
		subject, body := g.Mail()
		checkSubject(t, subject)
		checkDead(t, body, liveMail)
		checkChat(t, g.Chat())
	})
}

// checkChat holds that no text of a chat message which a record has a part in is live.
func checkChat(t *testing.T, message []byte) {
	t.Helper()
	var n struct {
		Content struct {
			Title    string
			Keywords []string
		}
		Metadata struct {
			Summary, EventType string
			RelatedResources   []string
			AdditionalContext  map[string]string
		}
	}
	if err := json.Unmarshal(message, &n); err != nil {
		t.Fatal(err)
	}
	for _, s := range append(append(n.Content.Keywords, n.Content.Title, n.Metadata.Summary, n.Metadata.EventType,
		n.Metadata.AdditionalContext["rule"]), n.Metadata.RelatedResources...) {
		checkDead(t, s, liveChat)
	}
}

// TestCutsKeepNothingLive moves what is live across every place where a text is cut.
func TestCutsKeepNothingLive(t *testing.T) {
	for n := range 600 {
		g := massDelete()
		g.Rule.Title = strings.Repeat("é", n) + "@evil.example \x00 http://evil.example"
		g.Rule.ID, g.Rule.Type, g.Bucket = g.Rule.Title, g.Rule.Title, g.Rule.Title
		g.Group = []finding.Pair{{Name: "requester", Value: g.Rule.Title}}
		_, body := g.Mail()
		checkDead(t, body, liveMail)
		checkChat(t, g.Chat())
	}
}

// ours are the parts of a mail that are not made from a record.
var ours = regexp.MustCompile(`<<'SQL'|(REST|BATCH|WEBSITE|S3|SOAP)\.[A-Z0-9_.]+| \|\| |\.json\.gz:-?\d+`)

var (
	liveMail = regexp.MustCompile("://|:/|[^[]@|@[^]]|\\.\\pL|[<>*|`]|\\\\\\\\|(?i:mailto:|tel:|javascript:)|[\u3002\uff0e\uff61\uff20]")
	liveChat = regexp.MustCompile(liveMail.String() + `|[_~#!&()]|\]\(`)
)

func checkDead(t *testing.T, s string, live *regexp.Regexp) {
	t.Helper()
	for _, r := range s {
		if !unicode.IsPrint(r) && r != '\n' {
			t.Fatalf("keeps %U:\n%s", r, s)
		}
	}
	rest := ours.ReplaceAllString(s, " ")
	if live == liveChat {
		rest = strings.NewReplacer("(none: anonymous)", "", "(none)", "", "remote_ip", "", "user_agent", "").Replace(rest)
	}
	if m := live.FindString(rest); m != "" {
		t.Fatalf("%q is live in:\n%s", m, s)
	}
}

func checkSubject(t *testing.T, s string) {
	t.Helper()
	if len(s) > 99 || !strings.HasPrefix(s, "[") || strings.TrimSpace(s) != s {
		t.Fatalf("subject %q: %d bytes", s, len(s))
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			t.Fatalf("subject %q keeps %#x", s, s[i])
		}
	}
}

func BenchmarkMail(b *testing.B) {
	f := massDelete()
	b.ReportAllocs()
	for b.Loop() {
		if subject, body := f.Mail(); subject == "" || body == "" {
			b.Fatal("nothing")
		}
	}
}

// A finding about Sluice has no records behind it: nothing to query, nothing to
// exclude.
func TestMailAboutSluice(t *testing.T) {
	f := massDelete()
	if _, body := f.Mail(); !strings.Contains(body, "LOOK CLOSER") || !strings.Contains(body, "To silence it") {
		t.Fatalf("a finding of a rule offers neither query nor filter:\n%s", body)
	}
	f.Rule.Type = finding.OwnType + "Rules/Broken"
	if _, body := f.Mail(); strings.Contains(body, "SELECT") || strings.Contains(body, "silence") || !strings.Contains(body, "WHAT TO DO") {
		t.Errorf("a finding about Sluice itself:\n%s", body)
	}
}

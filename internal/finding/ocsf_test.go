package finding_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"sluice/internal/finding"
	"sluice/internal/finding/findingtest"
	"sluice/internal/logs"
)

func TestOCSF(t *testing.T) {
	for name, f := range samples() {
		t.Run(name, func(t *testing.T) {
			doc := ocsf(t, f)
			findingtest.Check(t, doc)
			if again := ocsf(t, f); !bytes.Equal(doc, again) {
				t.Errorf("the same finding gives other bytes:\n%s\n%s", doc, again)
			}
			golden(t, name+".json", indent(t, doc))
		})
	}
}

func TestOCSFSaysUpdate(t *testing.T) {
	f := massDelete()
	f.Step = 10
	var d struct {
		Activity int64 `json:"activity_id"`
		Metadata struct {
			UID         string `json:"uid"`
			Correlation string `json:"correlation_uid"`
		}
	}
	if err := json.Unmarshal(ocsf(t, f), &d); err != nil {
		t.Fatal(err)
	}
	if d.Activity != 2 || d.Metadata.UID != f.UID+"-10" || d.Metadata.Correlation != f.UID {
		t.Errorf("got %+v", d)
	}
}

// TestOCSFFits: whatever the fields hold, the document stays below the limit and
// says when something was left out for it.
func TestOCSFFits(t *testing.T) {
	for _, unit := range []string{"a", "<", "\u202e", "\xff", "日", "\"", "👁", "a\u0301", "%", "="} {
		f := inflate(strings.Repeat(unit, 20_000/len(unit)))
		doc := ocsf(t, f)
		findingtest.Check(t, doc)
		if len(doc) > 200_000 {
			t.Errorf("%q: %d bytes", unit, len(doc))
		}
		var d struct {
			Metadata  struct{ Is_truncated bool }
			Evidences []any
		}
		if err := json.Unmarshal(doc, &d); err != nil {
			t.Fatal(err)
		}
		if d.Metadata.Is_truncated != (len(d.Evidences) < finding.MaxEvidence) {
			t.Errorf("%q: %d evidences, is_truncated %v", unit, len(d.Evidences), d.Metadata.Is_truncated)
		}
		if _, body := f.Mail(); len(body) > 64<<10 {
			t.Errorf("%q: mail of %d bytes", unit, len(body))
		}
		if chat := f.Chat(); len(chat) > 64<<10 {
			t.Errorf("%q: chat message of %d bytes", unit, len(chat))
		}
	}
}

func TestOCSFKeepsTwentyEvidences(t *testing.T) {
	f := massDelete()
	f.Evidence = append(f.Evidence, f.Evidence...)
	doc := ocsf(t, f)
	if n := strings.Count(string(doc), `"api":`); n != finding.MaxEvidence {
		t.Errorf("%d evidences", n)
	}
	if bytes.Contains(doc, []byte("is_truncated")) {
		t.Error("truncated, though it fits")
	}
}

func TestUID(t *testing.T) {
	base := func() string {
		return finding.UID("r", "o", []finding.Pair{{Name: "a", Value: "b"}, {Name: "c", Value: "d"}}, 0)
	}
	if got := base(); got != base() || len(got) != 32 {
		t.Errorf("got %q, then %q", got, base())
	}
	for what, other := range map[string]string{
		"rule":   finding.UID("s", "o", []finding.Pair{{Name: "a", Value: "b"}, {Name: "c", Value: "d"}}, 0),
		"owner":  finding.UID("r", "p", []finding.Pair{{Name: "a", Value: "b"}, {Name: "c", Value: "d"}}, 0),
		"value":  finding.UID("r", "o", []finding.Pair{{Name: "a", Value: "b"}, {Name: "c", Value: "e"}}, 0),
		"name":   finding.UID("r", "o", []finding.Pair{{Name: "a", Value: "b"}, {Name: "e", Value: "d"}}, 0),
		"border": finding.UID("r", "o", []finding.Pair{{Name: "a", Value: "bc"}, {Name: "", Value: "d"}}, 0),
		"order":  finding.UID("r", "o", []finding.Pair{{Name: "c", Value: "d"}, {Name: "a", Value: "b"}}, 0),
		"fewer":  finding.UID("r", "o", []finding.Pair{{Name: "a", Value: "b"}}, 0),
		"null":   finding.UID("r", "o", []finding.Pair{{Name: "a", Value: "b"}, {Name: "c", Null: true}}, 0),
		"empty":  finding.UID("r", "o", []finding.Pair{{Name: "a", Value: "b"}, {Name: "c"}}, 0),
		"period": finding.UID("r", "o", []finding.Pair{{Name: "a", Value: "b"}, {Name: "c", Value: "d"}}, 86_400_000),
	} {
		if other == base() {
			t.Errorf("another %s has the same uid", what)
		}
	}
	if finding.UID("r", "o", []finding.Pair{{Name: "c", Null: true}}, 0) == finding.UID("r", "o", []finding.Pair{{Name: "c"}}, 0) {
		t.Error("NULL and empty have the same uid")
	}
	// Pinned: a uid that changes between versions tells every open incident again.
	if got, want := base(), "4b8dc69adc545fb388ec6859c28882a9"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// As tables have it, and claims of stacks that run.
	if got, want := finding.UID("r", "o", []finding.Pair{{Name: "a", Value: "b"}, {Name: "c", Null: true}}, 0), "40ae1a0a444288f2ab789220b1d0580e"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzOCSF(f *testing.F) {
	f.Add("title", "value", "key?X-Amz-Signature=abc", "agent", int64(5), "attack.t1485.001", true)
	f.Add("\x1b[31m", "\xff", "a\u202eb", "\u2028", int64(-1), "attack.impact", false)
	f.Fuzz(func(t *testing.T, title, value, key, agent string, n int64, tag string, flag bool) {
		g := massDelete()
		g.Rule.Title, g.Rule.ID, g.Rule.Description, g.Rule.Response, g.Rule.Type = title, value, key, agent, tag
		g.Rule.Level, g.Rule.Service, g.Rule.Version, g.Rule.Correlation = agent, value, title, tag
		g.Rule.Tags = append(g.Rule.Tags, tag)
		g.Account, g.Region, g.Bucket, g.Owner, g.Measure = value, key, agent, title, key
		g.Group = []finding.Pair{{Name: title, Value: value, Null: flag}, {Name: key, Value: agent}}
		g.Count, g.Value, g.Threshold, g.Alert, g.First = n, n, n, flag, logs.Time(n)
		g.Step = max(n, 1)
		g.Sources = append(g.Sources, key)
		g.Evidence = append(g.Evidence[:1], finding.Evidence{
			Time: logs.Time(n), LogKey: key, LogLine: n, RequestID: value, Operation: title, Bucket: value, Key: key,
			RemoteIP: agent, Requester: value, Account: tag, UserAgent: agent, RequestURI: key, ErrorCode: title, TLSVersion: value,
			Status: logs.Int{V: n, OK: flag}, BytesSent: logs.Int{V: n, OK: flag}, Ambiguous: flag,
		})
		doc := ocsf(t, g)
		findingtest.Check(t, doc)
		var v any
		if err := json.Unmarshal(doc, &v); err != nil {
			t.Fatal(err)
		}
		for _, s := range texts(v, nil) {
			for _, r := range s {
				if !unicode.IsPrint(r) && r != '\n' {
					t.Fatalf("%q keeps %U", s, r)
				}
			}
		}
		if len(doc) > 200_000 {
			t.Fatalf("%d bytes", len(doc))
		}
	})
}

func BenchmarkOCSF(b *testing.B) {
	f := massDelete()
	b.ReportAllocs()
	for b.Loop() {
		if doc, err := f.OCSF(); err != nil || len(doc) == 0 {
			b.Fatal(err)
		}
	}
}

// inflate puts s wherever a finding has room for text.
func inflate(s string) *finding.Finding {
	f := massDelete()
	f.Rule.ID, f.Rule.Title, f.Rule.Description, f.Rule.Response, f.Rule.Type = s, s, s, s, s
	f.Rule.Version, f.Rule.Service, f.Rule.Correlation, f.Rule.Level, f.Measure = s, s, s, s, s
	f.Account, f.Region, f.Bucket, f.Owner = s, s, s, s
	f.Group, f.Sources = nil, nil
	for i := range 100 {
		f.Rule.Tags = append(f.Rule.Tags, fmt.Sprintf("attack.t%04d.%03d", i, i), s)
		f.Rule.FalsePositives = append(f.Rule.FalsePositives, s)
		f.Group = append(f.Group, finding.Pair{Name: s, Value: s})
		f.Sources = append(f.Sources, s)
	}
	for i := range f.Evidence {
		e := &f.Evidence[i]
		e.LogKey, e.RequestID, e.Operation, e.Bucket, e.Key, e.RemoteIP = s, s, s, s, s, s
		e.Requester, e.Account, e.UserAgent, e.RequestURI, e.ErrorCode, e.TLSVersion = s, s, s, s, s, s
	}
	return f
}

func ocsf(t testing.TB, f *finding.Finding) []byte {
	t.Helper()
	doc, err := f.OCSF()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func indent(t *testing.T, doc []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, doc, "", " "); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

// texts are all texts in a JSON value, names included.
func texts(v any, all []string) []string {
	switch v := v.(type) {
	case string:
		return append(all, v)
	case []any:
		for _, x := range v {
			all = texts(x, all)
		}
	case map[string]any:
		for name, x := range v {
			all = texts(x, append(all, name))
		}
	}
	return all
}

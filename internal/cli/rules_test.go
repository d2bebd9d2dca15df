package cli

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const ownRule = `title: Backups Read
name: backups_read
id: 11111111-2222-4333-8444-555555555555
description: Somebody reads backups.
logsource: {product: aws, service: s3_server_access}
detection:
  read:
    operation: REST.GET.OBJECT
    bucket_name: harbor-backups
  condition: read
level: high
falsepositives: [restores]
tags: [attack.t1530]
sluice:
  group-by: [bucket_name]
  response: Ask who restores what.
  hits:
    - ` + hit + `
  misses:
    - ` + miss + `
`

const (
	hit  = `7a1be93d48f7a6b1c5d2e0f493183f9ac1d27b6e4850a1c2f30b9d8e77465120 harbor-backups [02/Mar/2026:02:05:35 +0000] 198.51.100.7 - B93D02A47CE1F650 REST.GET.OBJECT a.txt "GET /a.txt HTTP/1.1" 200 - 5 5 31 12 "-" "curl/8.5.0" - Kq3vXo1bT9cYh2LwRz7mPd4eSfA6gJuN0iBkC8tVxQyZ5rEaWlHnUoMjGpDsFvI+/b2XcT1yRk8= - TLS_AES_128_GCM_SHA256 - harbor-backups.s3.us-west-2.amazonaws.com TLSv1.3 - - -`
	miss = `7a1be93d48f7a6b1c5d2e0f493183f9ac1d27b6e4850a1c2f30b9d8e77465120 harbor-media [02/Mar/2026:02:05:35 +0000] 198.51.100.7 - B93D02A47CE1F650 REST.GET.OBJECT a.txt "GET /a.txt HTTP/1.1" 200 - 5 5 31 12 "-" "curl/8.5.0" - Kq3vXo1bT9cYh2LwRz7mPd4eSfA6gJuN0iBkC8tVxQyZ5rEaWlHnUoMjGpDsFvI+/b2XcT1yRk8= - TLS_AES_128_GCM_SHA256 - harbor-media.s3.us-west-2.amazonaws.com TLSv1.3 - - -`
)

var brokenRule = strings.NewReplacer("operation:", "operatoin:", "backups_read", `"broken\e[2J"`, "5555\n", "5556\n").Replace(ownRule)

func ownRules(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	wrote(t, map[string]string{
		"rules/own.yml": ownRule, "rules/.git/x.yml": "not: [a rule", "rules/README.md": "no rule",
		"bad/bad.yaml": brokenRule, "bad/own.yml": ownRule,
		"wrong/own.yml": strings.Replace(ownRule, hit, miss, 1),
		"none/x.txt":    "no rule",
		"site.yml":      "own_accounts: ['111122223333']\n",
		"siteless.yml":  "own_accounts: {a: b}\n",
		"line.txt":      miss + "\n" + hit + "\n",
	})
}

// TestRules runs the commands on rules, a failure beside each success.
func TestRules(t *testing.T) {
	ownRules(t)
	for _, c := range []struct {
		name, stdin, args string // args joined by |
		code              int
		stdout, stderr    string
	}{
		{"list", "", "list", 0, "ambiguous_line", ""},
		{"list says what is idle", "", "list", 0, "the site file has no own_accounts", ""},
		{"list with a site", "", "list|--site=site.yml", 0, "foreign_account ", ""},
		{"list own", "", "list|--rules=rules", 0, "Backups Read", ""},
		{"list with a broken one", "", "list|--rules=bad", 0, "Backups Read", "did you mean operation?"},
		{"list of none", "", "list|--rules=none", 1, "", "there is no rule in none"},
		{"list of nothing", "", "list|--rules=nowhere", 1, "", "there is no file or folder nowhere"},
		{"no site", "", "list|--site=nowhere.yml", 1, "", "site file: open nowhere.yml"},
		{"broken site", "", "list|--site=siteless.yml", 1, "", "site file: siteless.yml"},

		{"show", "", "show|ambiguous_line", 0, "What to do", ""},
		{"show by title", "", "show|forged log line", 0, "ambiguous_line", ""},
		{"show own", "", "show|backups_read|--rules=rules/own.yml", 0, "  read:", ""},
		{"show as written", "", "show|backups_read|--rules=rules|--yaml", 0, "  condition: read\nlevel: high", ""},
		{"show what is near", "", "show|ambiguous", 2, "", "near it: ambiguous_line"},
		{"show nothing", "", "show|zzz", 2, "", "sluice rules list shows them"},

		{"lint", "", "lint|rules", 0, "1 rule in order, 0 problems", ""},
		{"lint a bad one", "", "lint|bad", 1, `bad/bad.yaml:8: `, ""},
		{"lint says what is right", "", "lint|bad", 1, "did you mean operation?\n", ""},
		{"lint does without the bad one", "", "lint|bad", 1, "1 rule in order, 1 problem\n", ""},
		{"lint cleans", "", "lint|bad", 1, `broken\x1b[2J`, ""},
		{"lint as json", "", "lint|bad|--json", 1, `"file":"bad/bad.yaml","line":8,"rule":"broken\u001b[2J","field":"operatoin"`, ""},
		{"lint nothing", "", "lint", 2, "", "expected"},
		{"lint a folder without", "", "lint|none", 1, "", "there is no rule in none"},

		{"test shipped", "", "test", 0, "all as they should be", ""},
		{"test a name", "", "test|ambiguous_line", 0, " of 1 rule, all as they should be", ""},
		{"test own", "", "test|rules", 0, "2 examples of 1 rule, all as they should be\n", ""},
		{"test wrong", "", "test|wrong", 1, "wrong/own.yml:18: backups_read: hit 1: does not match\n2 examples of 1 rule, 1 not as they should be", ""},
		{"test wrong as json", "", "test|wrong|--json", 1, `"rule":"backups_read","example":"hit 1","ok":false,"reason":"does not match"}`, ""},
		{"test with a broken one", "", "test|bad", 1, "2 examples of 1 rule, all as they should be", "did you mean operation?"},
		{"test no rule", "", "test|zzz", 2, "", `there is no rule "zzz"`},

		{"explain a match", "", "explain|backups_read|--rules=rules|" + hit, 0, "Backups Read  matches\n", ""},
		{"explain why not", "", "explain|backups_read|--rules=rules|" + miss, 0, `the record has "harbor-media"; wants "harbor-backups"`, ""},
		{"explain a line of a file", "", "explain|backups_read|--rules=rules|line.txt:2", 0, "Backups Read  matches\n", ""},
		{"explain standard input", hit + "\n", "explain|backups_read|--rules=rules|-", 0, "Backups Read  matches\n", ""},
		{"explain as json", "", "explain|backups_read|--rules=rules|--json|" + miss, 0, `"matched": false`, ""},
		{"explain another log", "", "explain|trail_root_user|" + hit, 0, "the rule is for another log: cloudtrail", ""},
		{"explain a correlation", "", "explain|mass_delete_by_user|" + hit, 0, "(event_count) counts what these rules match", ""},
		{"explain a record", "", `explain|trail_bucket_deleted|{"eventVersion":"1.09","eventTime":"2026-03-02T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","requestParameters":{"bucketName":"b"}}`, 0, "matches", ""},
		{"explain an idle rule", "", "explain|foreign_account|" + hit, 1, "", "is idle"},
		{"explain a rejected line", "", "explain|ambiguous_line|a b [02/Mar/2026:00:00:00 +0000] 192.0.2.1", 1, "", ""},
		{"explain no line", "", "explain|ambiguous_line|line.txt:9", 1, "", "it has no record 9"},
		{"explain no file", "", "explain|ambiguous_line|nowhere", 2, "", "neither a record nor a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := sluice(t, c.stdin, append([]string{"rules"}, strings.Split(c.args, "|")...)...)
			if code != c.code || !strings.Contains(out, c.stdout) || !strings.Contains(errs, c.stderr) {
				t.Errorf("exit code %d, want %d with %q and %q\nstdout %s\nstderr %s", code, c.code, c.stdout, c.stderr, out, errs)
			}
			if strings.ContainsRune(out+errs, 0x1b) {
				t.Errorf("an escape sequence reached the terminal: %q", out+errs)
			}
		})
	}
}

// The name of a rule is to be typed, so that no terminal cuts it.
func TestRulesListOnTerminal(t *testing.T) {
	for _, width := range []int{150, 100, 80, 50} {
		var out, errs bytes.Buffer
		a := &app{stdout: screen{Writer: &out, terminal: true, width: width}, stderr: screenOf(&errs)}
		if code := a.run(t.Context(), []string{"rules", "list"}); code != 0 {
			t.Fatalf("exit code %d\n%s", code, errs.String())
		}
		wants(t, "names", out.String(), "trail_public_access_block_off", "anonymous_sensitive_read", "Bucket Listed Without Credentials")
		table, _, _ := strings.Cut(out.String(), "\n\n")
		for line := range strings.Lines(table) {
			if w := widthOf(line); w > width && width > 60 {
				t.Errorf("%d columns on %d: %s", w, width, line)
			}
		}
	}
}

// Problems of a file come in the order of its lines, the tenth behind the sixth.
func TestLintInOrder(t *testing.T) {
	t.Chdir(t.TempDir())
	wrote(t, map[string]string{"bad/b.yml": "title: X\nid: x\nlogsource: {product: aws, service: s3_server_access}\ndetection:\n  a:\n" +
		"    operatoin: REST.GET.OBJECT\n    http_status|gt: abc\n    key_name|foo: x\n  condition: a and b\nlevel: hgh\n", "bad/a.yml": "title: [\n"})
	_, out, _ := sluice(t, "", "rules", "lint", "bad")
	var at []string
	for l := range strings.Lines(out) {
		if file, rest, ok := strings.Cut(l, ":"); ok {
			line, _, _ := strings.Cut(rest, ":")
			at = append(at, file+":"+line)
		}
	}
	if want := []string{"bad/a.yml:1", "bad/b.yml:6", "bad/b.yml:7", "bad/b.yml:8", "bad/b.yml:9", "bad/b.yml:10"}; !slices.Equal(at, want) {
		t.Errorf("got  %q\nwant %q", at, want)
	}
}

func TestRulesListJSON(t *testing.T) {
	ownRules(t)
	_, out, _ := sluice(t, "", "rules", "list", "--json", "--rules=rules")
	var list []listed
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	tiers := map[string]int{}
	for _, l := range list {
		tiers[l.Tier]++
		if l.ID == "" || l.Title == "" || l.Level == "" || l.Type == "" || l.File == "" || l.Techniques == nil {
			t.Errorf("%+v", l)
		}
		if own := l.Name == "backups_read"; own == l.Shipped {
			t.Errorf("%s: shipped %v", l.Name, l.Shipped)
		}
	}
	if tiers[tierAlert] < 20 || tiers[tierTable] < 20 || tiers[tierBase] < 10 {
		t.Errorf("tiers %v", tiers)
	}
}

// TestScanRules scans with rules of one's own, and compares sets of rules.
func TestScanRules(t *testing.T) {
	ownRules(t)
	wrote(t, map[string]string{"logs/2026-03-02-03-00-00-A": hit + "\n" + miss + "\n"})
	if got := scanned(t, 0, "logs"); len(got) != 0 {
		t.Errorf("without the rule: %v", got)
	}
	if got := scanned(t, 14, "--rules=rules", "logs"); len(got) != 1 {
		t.Errorf("with the rule: %v", got)
	}
	for _, c := range []struct {
		name, args     string
		code           int
		stdout, stderr string
	}{
		{"appears", "--rules=rules --compare=bad/bad.yaml", 14, " + │ 2026-03-02 02:05:35 │ high  │ Backups Read", "did you mean operation?"},
		{"vanishes", "--rules=bad/bad.yaml --compare=rules", 14, " - │ 2026-03-02 02:05:35 │ high  │ Backups Read", "did you mean operation?"},
		{"stays", "--rules=rules --compare=wrong", 0, "Both sets of rules find the same.\n\n1 finding in both\n", ""},
		{"as json", "--json --rules=rules --compare=bad/bad.yaml", 14, `{"change":"+","finding":{"activity_id":1,`, "did you mean operation?"},
		{"broken, and nothing found", "--rules=bad/bad.yaml", exitPartial, "rule problems", "did you mean operation?"},
		{"no rules there", "--rules=nowhere", exitError, "", "there is no file or folder nowhere"},
	} {
		code, out, errs := sluice(t, "", append(append([]string{"scan"}, strings.Fields(c.args)...), "logs")...)
		if code != c.code || !strings.Contains(out, c.stdout) || !strings.Contains(errs, c.stderr) || c.stderr == "" && errs != "" {
			t.Errorf("%s: exit code %d, want %d with %q and %q\nstdout %s\nstderr %s", c.name, code, c.code, c.stdout, c.stderr, out, errs)
		}
	}
}

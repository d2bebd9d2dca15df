package finding

import (
	"cmp"
	"slices"
	"strings"
)

// attackVersion is the version of ATT&CK that the ids below are of
// (https://attack.mitre.org).
const attackVersion = "19"

// named is an id of ATT&CK with its name; "" where the id is not known here.
type named struct{ id, name string }

// attack is one technique of a rule, in the tactic it serves. Any of the three
// may be missing, but not all.
type attack struct{ tactic, technique, sub named }

// attacks reads the ATT&CK tags of a Sigma rule: attack.t1485.001 names a
// technique, attack.impact a tactic. A technique is put into the tactic that the
// rule names and that it serves; a tactic that no technique of the rule serves
// stands alone. Unknown ids are kept, without a name.
func attacks(tags []string) []attack {
	var found, goals []named
	for _, tag := range tags[:min(len(tags), maxTags)] {
		name, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(tag)), "attack.")
		if !ok {
			continue
		}
		n := named{id: strings.ToUpper(name)}
		switch {
		case isTechnique(n.id):
			if !slices.Contains(found, n) {
				found = append(found, n)
			}
		default:
			if t, ok := tacticOf(name); ok && !slices.Contains(goals, t) {
				goals = append(goals, t)
			}
		}
	}
	var all []attack
	used := map[named]bool{}
	for _, n := range found {
		var a attack
		parent, _, isSub := strings.Cut(n.id, ".")
		a.technique = named{parent, techniques[parent].name}
		if isSub {
			a.sub = named{n.id, techniques[n.id].name}
		}
		known, ok := techniques[n.id]
		if !ok {
			known = techniques[parent]
		}
		for _, goal := range goals {
			if slices.Contains(strings.Fields(known.serves), goal.id) || known.name == "" && len(goals) == 1 {
				a.tactic, used[goal] = goal, true
				break
			}
		}
		all = append(all, a)
	}
	for _, goal := range goals {
		if !used[goal] {
			all = append(all, attack{tactic: goal})
		}
	}
	return all
}

// id is the most exact technique of a, "" for a tactic alone.
func (a attack) id() string { return cmp.Or(a.sub.id, a.technique.id) }

// techniqueIDs lists the techniques that tags name.
func techniqueIDs(tags []string) []string {
	var ids []string
	for _, a := range attacks(tags) {
		if id := a.id(); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// isTechnique tells T1485 and T1485.001 from anything else.
func isTechnique(s string) bool {
	digits := func(s string, n int) bool {
		return len(s) == n && strings.Trim(s, "0123456789") == ""
	}
	rest, ok := strings.CutPrefix(s, "T")
	id, sub, isSub := strings.Cut(rest, ".")
	return ok && digits(id, 4) && (!isSub || digits(sub, 3))
}

// tacticOf finds a tactic by the name that Sigma has for it, or by its id.
func tacticOf(tag string) (named, bool) {
	tag = strings.ReplaceAll(tag, "_", "-")
	for _, t := range tactics {
		if tag == t.tag || strings.EqualFold(tag, t.id) {
			return t.named, true
		}
	}
	return named{}, false
}

// tactics of the enterprise matrix. Version 19 renamed TA0005 from defense
// evasion to stealth and took defense impairment out of it; rules written before
// still say defense-evasion.
var tactics = []struct {
	tag string
	named
}{
	{"reconnaissance", named{"TA0043", "Reconnaissance"}},
	{"resource-development", named{"TA0042", "Resource Development"}},
	{"initial-access", named{"TA0001", "Initial Access"}},
	{"execution", named{"TA0002", "Execution"}},
	{"persistence", named{"TA0003", "Persistence"}},
	{"privilege-escalation", named{"TA0004", "Privilege Escalation"}},
	{"stealth", named{"TA0005", "Stealth"}},
	{"defense-evasion", named{"TA0005", "Stealth"}},
	{"defense-impairment", named{"TA0112", "Defense Impairment"}},
	{"credential-access", named{"TA0006", "Credential Access"}},
	{"discovery", named{"TA0007", "Discovery"}},
	{"lateral-movement", named{"TA0008", "Lateral Movement"}},
	{"collection", named{"TA0009", "Collection"}},
	{"command-and-control", named{"TA0011", "Command and Control"}},
	{"exfiltration", named{"TA0010", "Exfiltration"}},
	{"impact", named{"TA0040", "Impact"}},
}

// techniques are those that rules on S3 and CloudTrail name, with the tactics
// they serve.
var techniques = map[string]struct{ name, serves string }{
	"T1020":     {"Automated Exfiltration", "TA0010"},
	"T1021":     {"Remote Services", "TA0008"},
	"T1021.007": {"Cloud Services", "TA0008"},
	"T1029":     {"Scheduled Transfer", "TA0010"},
	"T1030":     {"Data Transfer Size Limits", "TA0010"},
	"T1036":     {"Masquerading", "TA0005"},
	"T1040":     {"Network Sniffing", "TA0006 TA0007"},
	"T1041":     {"Exfiltration Over C2 Channel", "TA0010"},
	"T1048":     {"Exfiltration Over Alternative Protocol", "TA0010"},
	"T1059":     {"Command and Scripting Interpreter", "TA0002"},
	"T1059.009": {"Cloud API", "TA0002"},
	"T1069":     {"Permission Groups Discovery", "TA0007"},
	"T1069.003": {"Cloud Groups", "TA0007"},
	"T1074":     {"Data Staged", "TA0009"},
	"T1074.002": {"Remote Data Staging", "TA0009"},
	"T1078":     {"Valid Accounts", "TA0001 TA0003 TA0004 TA0005"},
	"T1078.001": {"Default Accounts", "TA0001 TA0003 TA0004 TA0005"},
	"T1078.004": {"Cloud Accounts", "TA0001 TA0003 TA0004 TA0005"},
	"T1087":     {"Account Discovery", "TA0007"},
	"T1087.004": {"Cloud Account", "TA0007"},
	"T1090":     {"Proxy", "TA0011"},
	"T1090.003": {"Multi-hop Proxy", "TA0011"},
	"T1098":     {"Account Manipulation", "TA0003 TA0004"},
	"T1098.001": {"Additional Cloud Credentials", "TA0003 TA0004"},
	"T1098.003": {"Additional Cloud Roles", "TA0003 TA0004"},
	"T1105":     {"Ingress Tool Transfer", "TA0011"},
	"T1110":     {"Brute Force", "TA0006"},
	"T1119":     {"Automated Collection", "TA0009"},
	"T1133":     {"External Remote Services", "TA0001 TA0003"},
	"T1136":     {"Create Account", "TA0003"},
	"T1136.003": {"Cloud Account", "TA0003"},
	"T1190":     {"Exploit Public-Facing Application", "TA0001"},
	"T1199":     {"Trusted Relationship", "TA0001"},
	"T1485":     {"Data Destruction", "TA0040"},
	"T1485.001": {"Lifecycle-Triggered Deletion", "TA0040"},
	"T1486":     {"Data Encrypted for Impact", "TA0040"},
	"T1489":     {"Service Stop", "TA0040"},
	"T1490":     {"Inhibit System Recovery", "TA0040"},
	"T1491":     {"Defacement", "TA0040"},
	"T1491.002": {"External Defacement", "TA0040"},
	"T1496":     {"Resource Hijacking", "TA0040"},
	"T1526":     {"Cloud Service Discovery", "TA0007"},
	"T1528":     {"Steal Application Access Token", "TA0006"},
	"T1530":     {"Data from Cloud Storage", "TA0009"},
	"T1531":     {"Account Access Removal", "TA0040"},
	"T1537":     {"Transfer Data to Cloud Account", "TA0010"},
	"T1538":     {"Cloud Service Dashboard", "TA0007"},
	"T1550":     {"Use Alternate Authentication Material", "TA0008"},
	"T1550.001": {"Application Access Token", "TA0008"},
	"T1552":     {"Unsecured Credentials", "TA0006"},
	"T1552.001": {"Credentials In Files", "TA0006"},
	"T1552.005": {"Cloud Instance Metadata API", "TA0006"},
	"T1565":     {"Data Manipulation", "TA0040"},
	"T1565.001": {"Stored Data Manipulation", "TA0040"},
	"T1567":     {"Exfiltration Over Web Service", "TA0010"},
	"T1567.002": {"Exfiltration to Cloud Storage", "TA0010"},
	"T1578":     {"Modify Cloud Compute Infrastructure", "TA0005"},
	"T1580":     {"Cloud Infrastructure Discovery", "TA0007"},
	"T1595":     {"Active Scanning", "TA0043"},
	"T1595.001": {"Scanning IP Blocks", "TA0043"},
	"T1595.002": {"Vulnerability Scanning", "TA0043"},
	"T1595.003": {"Wordlist Scanning", "TA0043"},
	"T1619":     {"Cloud Storage Object Discovery", "TA0007"},
	"T1657":     {"Financial Theft", "TA0040"},
	"T1685":     {"Disable or Modify Tools", "TA0112"},
	"T1685.002": {"Disable or Modify Cloud Log", "TA0112"},
}

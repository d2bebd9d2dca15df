package detect_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"sluice/internal/detect"
	"sluice/internal/sigma"
)

// attack is what the tags of the catalogue may name: ATT&CK 19, technique to
// the tactics that it serves.
var attack = map[string]string{
	"t1036":     "stealth",
	"t1040":     "credential-access discovery",
	"t1078.004": "stealth initial-access persistence privilege-escalation",
	"t1090.003": "command-and-control",
	"t1098":     "persistence privilege-escalation",
	"t1110":     "credential-access",
	"t1119":     "collection",
	"t1190":     "initial-access",
	"t1199":     "initial-access",
	"t1485":     "impact",
	"t1485.001": "impact",
	"t1486":     "impact",
	"t1490":     "impact",
	"t1530":     "collection",
	"t1537":     "exfiltration",
	"t1552.001": "credential-access",
	"t1552.005": "credential-access",
	"t1565.001": "impact",
	"t1567":     "exfiltration",
	"t1567.002": "exfiltration",
	"t1580":     "discovery",
	"t1595.003": "reconnaissance",
	"t1619":     "discovery",
	"t1685":     "defense-impairment",
	"t1685.002": "defense-impairment",
}

var (
	uuid4       = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	findingType = regexp.MustCompile(`^[A-Z][A-Za-z]+:(S3|CloudTrail)/[A-Z][A-Za-z0-9]+$`)
)

func TestTheCatalogueIsInOrder(t *testing.T) {
	rules, _ := detect.Load(detect.Options{Site: detect.ExampleSite()})
	titles, ids := map[string]string{}, map[string]string{}
	for _, d := range shippedDocuments(rules) {
		fault := func(format string, args ...any) { t.Helper(); t.Errorf(d.File+": "+format, args...) }
		if want := "rules/" + d.Name + ".yml"; d.File != want {
			fault("name is %s", d.Name)
		}
		if other := titles[d.Title]; other != "" {
			fault("title is that of %s", other)
		}
		if other := ids[d.ID]; other != "" || !uuid4.MatchString(d.ID) {
			fault("id %s is no UUID of version 4, or that of %q", d.ID, other)
		}
		titles[d.Title], ids[d.ID] = d.File, d.File
		if d.Level == sigma.Unrated || d.Author == "" || d.Date == "" || d.Status != "test" && d.Status != "experimental" && d.Status != "stable" {
			fault("level, author, date or status is missing")
		}
		if d.Description == "" || d.Sluice.Response == "" || len(d.FalsePositives) == 0 {
			fault("says too little: description, sluice.response and falsepositives are for the person who is woken")
		}
		if !findingType.MatchString(d.Sluice.Type) {
			fault("type %q is not of the shape Purpose:S3/Name", d.Sluice.Type)
		}
		if i := strings.IndexFunc(d.Text, func(r rune) bool { return r > '~' || r < ' ' && r != '\n' }); i >= 0 {
			fault("byte %d is not printable ASCII", i)
		}
		lintTags(d, fault)
	}
}

func lintTags(d *sigma.About, fault func(string, ...any)) {
	var tactics, techniques []string
	for _, tag := range d.Tags {
		name, ok := strings.CutPrefix(tag, "attack.")
		switch {
		case !ok:
			fault("tag %s is not of ATT&CK", tag)
		case attack[name] != "":
			techniques = append(techniques, name)
		default:
			tactics = append(tactics, name)
		}
	}
	if len(techniques) == 0 {
		fault("names no known technique: %v", d.Tags)
	}
	for _, technique := range techniques {
		if !slices.ContainsFunc(strings.Fields(attack[technique]), func(s string) bool { return slices.Contains(tactics, s) }) {
			fault("%s serves %s, and the tags name none of these", technique, attack[technique])
		}
	}
	for _, tactic := range tactics {
		if !slices.ContainsFunc(techniques, func(s string) bool { return slices.Contains(strings.Fields(attack[s]), tactic) }) {
			fault("tactic %s has no technique among the tags", tactic)
		}
	}
}

// TestNothingAnAttackerWritesExcludes: what a requester writes into his request
// is never a reason to look away. The parts of a condition that follow "not" use
// what S3 and CloudTrail write themselves, or what a site lists.
func TestNothingAnAttackerWritesExcludes(t *testing.T) {
	excluded := regexp.MustCompile(`not (\w+)`)
	writes := []string{"user_agent", "userAgent", "referer", "request_uri", "host_header"}
	for _, source := range detect.Catalogue() {
		var doc struct {
			Detection map[string]yaml.Node `yaml:"detection"`
		}
		if err := yaml.Unmarshal(source.Text, &doc); err != nil {
			t.Fatal(err)
		}
		condition := doc.Detection["condition"]
		for _, m := range excluded.FindAllStringSubmatch(condition.Value, -1) {
			selection := doc.Detection[m[1]]
			text, err := yaml.Marshal(&selection)
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range writes {
				if bytes.Contains(text, []byte(field)) {
					t.Errorf("%s: not %s excludes by %s, which the requester writes", source.Name, m[1], field)
				}
			}
		}
	}
}

// TestTheCatalogueIsSigma holds every file to the official schemas. first_seen is
// our own type of correlation, and the one exemption.
func TestTheCatalogueIsSigma(t *testing.T) {
	schemas := map[string]*jsonschema.Schema{}
	for _, kind := range []string{"detection-rule", "correlation-rules"} {
		text, err := os.ReadFile(filepath.Join("..", "sigma", "testdata", "schema", "sigma-"+kind+"-schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(kind, value); err != nil {
			t.Fatal(err)
		}
		if schemas[kind], err = c.Compile(kind); err != nil {
			t.Fatal(err)
		}
	}
	for _, source := range detect.Catalogue() {
		var doc map[string]any
		if err := yaml.Unmarshal(source.Text, &doc); err != nil {
			t.Fatal(err)
		}
		kind := "detection-rule"
		if c, ok := doc["correlation"].(map[string]any); ok {
			kind = "correlation-rules"
			if c["type"] == "first_seen" {
				c["type"] = "event_count"
			}
		}
		if date, ok := doc["date"].(time.Time); ok { // YAML's own type for what the schema calls text
			doc["date"] = date.Format(time.DateOnly)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemas[kind].Validate(value); err != nil {
			t.Errorf("%s: %v", source.Name, err)
		}
	}
}

package docs

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// stack is the part of template.yaml that tests look at. Intrinsic functions
// come out as their arguments: !Sub x is x, !If [a, b, c] is a list.
type stack struct {
	Parameters map[string]struct {
		Description string
	}
	Resources map[string]struct {
		Type       string
		Properties json.RawMessage
	}
}

type glueTable struct {
	Name              string
	TableType         string
	Parameters        map[string]string
	PartitionKeys     []glueColumn
	StorageDescriptor struct {
		Location string
		Columns  []glueColumn
	}
}

type glueColumn struct{ Name, Type, Comment string }

func template(t *testing.T) stack {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal([]byte(read(t, "template.yaml")), &tree); err != nil {
		t.Fatalf("template.yaml: %v", err)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatalf("template.yaml: %v", err)
	}
	var s stack
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatalf("template.yaml: %v", err)
	}
	return s
}

// properties decodes the properties of one resource into v.
func (s stack) properties(t *testing.T, name string, v any) {
	t.Helper()
	r, ok := s.Resources[name]
	if !ok {
		t.Fatalf("template.yaml has no resource %s", name)
	}
	if err := json.Unmarshal(r.Properties, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// glueTable finds the Glue table of that name.
func (s stack) glueTable(t *testing.T, name string) glueTable {
	t.Helper()
	for id, r := range s.Resources {
		if r.Type != "AWS::Glue::Table" {
			continue
		}
		var p struct {
			TableInput glueTable
		}
		s.properties(t, id, &p)
		if p.TableInput.Name == name {
			return p.TableInput
		}
	}
	t.Fatalf("template.yaml has no Glue table %s", name)
	return glueTable{}
}

// TestProjection: a wrong value here is no error in Athena, only no rows.
func TestProjection(t *testing.T) {
	tpl := template(t)
	prefix := tpl.environment(t)["SLUICE_LAKE_PREFIX"]
	for _, s := range sources {
		got := tpl.glueTable(t, s.table)
		folder := "s3://${LakeBucket}/" + prefix + s.table + "/"
		want := map[string]string{
			"classification":              "parquet",
			"projection.enabled":          "true",
			"projection.dt.type":          "date",
			"projection.dt.format":        "yyyy-MM-dd",
			"projection.dt.range":         "${ProjectionStart},NOW+1DAYS",
			"projection.dt.interval":      "1",
			"projection.dt.interval.unit": "DAYS",
			"storage.location.template":   folder + "dt=${!dt}/",
		}
		if d := cmp.Diff(want, got.Parameters); d != "" {
			t.Errorf("%s, -want +template.yaml:\n%s", s.table, d)
		}
		if got.StorageDescriptor.Location != folder {
			t.Errorf("%s: location %q, want %q", s.table, got.StorageDescriptor.Location, folder)
		}
		if got.TableType != "EXTERNAL_TABLE" || len(got.PartitionKeys) != 1 || got.PartitionKeys[0].Name != "dt" || got.PartitionKeys[0].Type != "string" {
			t.Errorf("%s: %s with partition keys %v, want EXTERNAL_TABLE with dt string", s.table, got.TableType, got.PartitionKeys)
		}
	}
}

// environment is what the template puts into the function's environment.
func (s stack) environment(t *testing.T) map[string]string {
	t.Helper()
	var p struct {
		Environment struct {
			Variables map[string]string
		}
	}
	s.properties(t, "IngestFunction", &p)
	return p.Environment.Variables
}

// TestEnvironment: the names in the template are those the function reads.
func TestEnvironment(t *testing.T) {
	files, err := parseDir(os.DirFS(root), "internal/ingest")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^SLUICE_[A-Z_]+$`)
	settings := map[string]bool{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && name.MatchString(s) {
					settings[s] = true
				}
			}
			return true
		})
	}
	got := slices.Sorted(maps.Keys(template(t).environment(t)))
	want := slices.Sorted(maps.Keys(settings))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("environment of IngestFunction, -read by internal/ingest +template.yaml:\n%s", d)
	}
}

// TestQueueOutlastsFunction: a message must stay hidden for six timeouts and the
// longest window, or a slow batch is handed to a second worker.
func TestQueueOutlastsFunction(t *testing.T) {
	tpl := template(t)
	var fn struct {
		Timeout int
	}
	var queue, dead struct {
		VisibilityTimeout      int
		MessageRetentionPeriod int
	}
	tpl.properties(t, "IngestFunction", &fn)
	tpl.properties(t, "Queue", &queue)
	tpl.properties(t, "DeadLetterQueue", &dead)
	const longestWindow = 300
	if got, want := queue.VisibilityTimeout, 6*fn.Timeout+longestWindow; fn.Timeout == 0 || got < want {
		t.Errorf("VisibilityTimeout is %d, want at least %d for a timeout of %d", got, want, fn.Timeout)
	}
	if dead.MessageRetentionPeriod <= queue.MessageRetentionPeriod {
		t.Errorf("dead letters are kept %d s, messages %d s: they keep their age when they move", dead.MessageRetentionPeriod, queue.MessageRetentionPeriod)
	}
}

// TestRoleNamesEveryAction: no wildcard among the actions, no managed policy, and
// no resource wider than a bucket's objects.
func TestRoleNamesEveryAction(t *testing.T) {
	var role struct {
		ManagedPolicyArns []string
		Policies          []struct {
			PolicyDocument struct {
				Statement []struct {
					Sid      string
					Effect   string
					Action   any
					Resource string
				}
			}
		}
	}
	template(t).properties(t, "IngestRole", &role)
	if len(role.ManagedPolicyArns) > 0 {
		t.Error("the role has managed policies: name the actions instead")
	}
	statements := 0
	for _, p := range role.Policies {
		for _, s := range p.PolicyDocument.Statement {
			statements++
			if s.Action == nil || strings.Contains(fmt.Sprint(s.Action), "*") {
				t.Errorf("%s: action %v: name each", s.Sid, s.Action)
			}
			if s.Resource == "" || strings.HasPrefix(s.Resource, "*") {
				t.Errorf("%s: resource %q: name it", s.Sid, s.Resource)
			}
		}
	}
	if statements == 0 {
		t.Error("no statements found")
	}
}

// TestParametersAreDescribed: in the template, for who deploys it, and in the
// README, for who wonders whether to.
func TestParametersAreDescribed(t *testing.T) {
	params, readme := template(t).Parameters, read(t, "README.md")
	if len(params) == 0 {
		t.Fatal("no parameters found")
	}
	for name, p := range params {
		if p.Description == "" {
			t.Errorf("parameter %s has no description", name)
		}
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("README.md does not name parameter %s", name)
		}
	}
}

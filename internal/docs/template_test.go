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
)

type glueTable struct {
	Name              string
	TableType         string
	Parameters        map[string]string
	PartitionKeys     []glueColumn
	ViewOriginalText  string
	ViewExpandedText  string
	StorageDescriptor struct {
		Location string
		Columns  []glueColumn
	}
}

type glueColumn struct{ Name, Type, Comment string }

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
			"projection.dt.range":         "2024-01-01,NOW+1DAYS",
			"projection.dt.interval":      "1",
			"projection.dt.interval.unit": "DAYS",
			"storage.location.template":   folder + "dt=${dt}/",
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

// environment is what the template puts into the environment of the function that
// converts.
func (s stack) environment(t *testing.T) map[string]string {
	return s.environmentOf(t, "IngestFunction")
}

func (s stack) environmentOf(t *testing.T, function string) map[string]string {
	t.Helper()
	var p struct {
		Environment struct {
			Variables map[string]any
		}
	}
	s.properties(t, function, &p)
	text := map[string]string{}
	for name, v := range p.Environment.Variables {
		text[name] = fmt.Sprint(v)
	}
	return text
}

// TestEnvironment: the names in the template are those the functions read.
func TestEnvironment(t *testing.T) {
	name := regexp.MustCompile(`^SLUICE_[A-Z_]+$`)
	for function, dir := range map[string]string{"IngestFunction": "internal/ingest", "BackfillFunction": "internal/backfill", "MaintainFunction": "internal/maintain"} {
		files, err := parseDir(os.DirFS(root), dir)
		if err != nil {
			t.Fatal(err)
		}
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
		got := slices.Sorted(maps.Keys(stackWith(t, parameterSets["everything"]).environmentOf(t, function)))
		want := slices.Sorted(maps.Keys(settings))
		if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
			t.Errorf("environment of %s, -read by %s +template.yaml:\n%s", function, dir, d)
		}
	}
}

// TestCoverageEnvironment: the function of the daily look reads settings of its
// own, and of those of the other what findings need.
func TestCoverageEnvironment(t *testing.T) {
	s := template(t)
	want := s.environment(t)
	delete(want, "SLUICE_LARGE_FILE_BYTES")
	delete(want, "SLUICE_LEASE_SECONDS")
	delete(want, "SLUICE_ALERT_MAX_AGE_DAYS")
	delete(want, "SLUICE_RULES_LOCATION")
	maps.Copy(want, map[string]string{"SLUICE_LOG_BUCKET": "${LogBucket}", "SLUICE_TRAIL_BUCKET": "", "SLUICE_SILENCE_HOURS": "24"})
	if d := cmp.Diff(want, s.environmentOf(t, "CoverageFunction")); d != "" {
		t.Errorf("environment of CoverageFunction, -wanted +template.yaml:\n%s", d)
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
		RedrivePolicy          struct {
			DeadLetterTargetArn string `json:"deadLetterTargetArn"`
			MaxReceiveCount     int    `json:"maxReceiveCount"`
		}
	}
	tpl.properties(t, "IngestFunction", &fn)
	tpl.properties(t, "Queue", &queue)
	tpl.properties(t, "DeadLetterQueue", &dead)
	const longestWindow = 300
	if got, want := queue.VisibilityTimeout, 6*fn.Timeout+longestWindow; fn.Timeout == 0 || got < want {
		t.Errorf("VisibilityTimeout is %d, want at least %d for a timeout of %d", got, want, fn.Timeout)
	}
	if queue.RedrivePolicy.MaxReceiveCount < 5 || queue.RedrivePolicy.DeadLetterTargetArn != "${DeadLetterQueue.Arn}" {
		t.Errorf("redrive %+v: at least five tries, then the dead-letter queue", queue.RedrivePolicy)
	}
	for name, want := range map[string]string{
		"FunctionResponseTypes": `["ReportBatchItemFailures"]`, "MaximumBatchingWindowInSeconds": "300", "ScalingConfig.MaximumConcurrency": "10",
	} {
		if got := at(t, tpl.Resources["IngestFunction"].Properties, "Events.Delivered.Properties."+name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if p := tpl.Parameters["BatchWindowSeconds"]; p.MaxValue != float64(longestWindow) {
		t.Errorf("a batch window of %v seconds can be chosen", p.MaxValue)
	}
	// The queue of old files is like it, and longer.
	full := stackWith(t, parameterSets["everything"])
	old := queue
	full.properties(t, "BackfillQueue", &old)
	if old.VisibilityTimeout != queue.VisibilityTimeout || old.RedrivePolicy != queue.RedrivePolicy ||
		old.MessageRetentionPeriod <= queue.MessageRetentionPeriod || old.MessageRetentionPeriod >= dead.MessageRetentionPeriod {
		t.Errorf("queue of old files %+v, of delivered files %+v", old, queue)
	}
	for name, want := range map[string]string{
		"FunctionResponseTypes": `["ReportBatchItemFailures"]`, "BatchSize": "100", "MaximumBatchingWindowInSeconds": "60",
		"ScalingConfig.MaximumConcurrency": "2", "FunctionName": `"${IngestFunction}"`, "EventSourceArn": `"${BackfillQueue.Arn}"`,
	} {
		if got := at(t, full.Resources["BackfillDelivered"].Properties, name); got != want {
			t.Errorf("%s of old files is %s, want %s", name, got, want)
		}
	}
	if dead.MessageRetentionPeriod <= queue.MessageRetentionPeriod {
		t.Errorf("dead letters are kept %d s, messages %d s: they keep their age when they move", dead.MessageRetentionPeriod, queue.MessageRetentionPeriod)
	}
}

// TestSweepIsUnderstood: the schedule sends what the function takes for a sweep.
func TestSweepIsUnderstood(t *testing.T) {
	var input map[string]string
	text, err := strconv.Unquote(at(t, template(t).Resources["IngestFunction"].Properties, "Events.Sweep.Properties.Input"))
	if err == nil {
		err = json.Unmarshal([]byte(text), &input)
	}
	if err != nil || input["sluice"] != "sweep" || len(input) != 1 {
		t.Errorf("the schedule sends %s, %v", text, err)
	}
}

// TestRoleNamesEveryAction: no wildcard among the actions, no managed policy, and
// no resource wider than a bucket's objects, whatever is switched on.
func TestRoleNamesEveryAction(t *testing.T) {
	for name, parameters := range parameterSets {
		s := stackWith(t, parameters)
		for _, id := range []string{"IngestRole", "BackfillRole", "BackfillJobRole"} {
			if _, ok := s.Resources[id]; ok || id == "IngestRole" {
				checkRole(t, s, name+", "+id, id)
			}
		}
	}
}

func checkRole(t *testing.T, s stack, name, id string) {
	t.Helper()
	var role struct {
		ManagedPolicyArns []string
		Policies          []struct {
			PolicyDocument struct {
				Statement []struct {
					Sid, Effect      string
					Action, Resource any
				}
			}
		}
	}
	s.properties(t, id, &role)
	if len(role.ManagedPolicyArns) > 0 {
		t.Errorf("%s: the role has managed policies: name the actions instead", name)
	}
	statements := 0
	for _, p := range role.Policies {
		for _, s := range p.PolicyDocument.Statement {
			statements++
			if s.Action == nil || strings.Contains(fmt.Sprint(s.Action), "*") {
				t.Errorf("%s: %s: action %v: name each", name, s.Sid, s.Action)
			}
			if len(list(s.Resource)) == 0 {
				t.Errorf("%s: %s: no resource", name, s.Sid)
			}
			for _, r := range list(s.Resource) {
				if r := r.(string); !narrow.MatchString(r) {
					t.Errorf("%s: %s: resource %q: name it", name, s.Sid, r)
				}
			}
		}
	}
	if statements == 0 {
		t.Errorf("%s: no statements found", name)
	}
}

// narrow is a resource of the stack or an ARN, with a wildcard behind a slash at most.
var narrow = regexp.MustCompile(`^(\$\{[A-Za-z]+(\.Arn)?\}|arn:aws:[^*]+)(/([a-z0-9_/-]+/)?\*)?$`)

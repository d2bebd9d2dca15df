package docs

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/sigma"
)

// writers are the packages that write metrics, and their functions.
var writers = map[string]string{"internal/ingest": "${IngestFunction}", "internal/coverage": "${CoverageFunction}", "internal/maintain": "${MaintainFunction}"}

// emitted are the metrics that functions write, with the function: the first
// arguments of metric, and one a level.
func emitted(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for dir, function := range writers {
		for _, name := range emittedIn(t, dir) {
			all[name] = function
		}
	}
	return all
}

func emittedIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := parseDir(os.DirFS(root), dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok || len(c.Args) != 3 {
				return true
			}
			if f, ok := c.Fun.(*ast.Ident); !ok || f.Name != "metric" {
				return true
			}
			text := func(e ast.Expr) string {
				lit, ok := e.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					t.Fatalf("a metric whose name this test cannot read: %T", e)
				}
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			name := c.Args[0]
			if _, ok := name.(*ast.BinaryExpr); !ok {
				names = append(names, text(name))
				return true
			}
			for b, ok := name.(*ast.BinaryExpr); ok; b, ok = name.(*ast.BinaryExpr) {
				name = b.X
			}
			for l := sigma.Informational; l <= sigma.Critical; l++ { // "Findings" and the level
				level := l.String()
				names = append(names, text(name)+strings.ToUpper(level[:1])+level[1:])
			}
			return true
		})
	}
	if len(names) < 5 {
		t.Fatalf("found only %v in %s: looking in the wrong place", names, dir)
	}
	return names
}

type alarm struct {
	AlarmDescription, Namespace, MetricName string
	Dimensions                              []dimension
	Metrics                                 []struct {
		Id, Expression string
		MetricStat     struct {
			Metric struct {
				Namespace, MetricName string
				Dimensions            []dimension
			}
		}
	}
	TreatMissingData                                 string
	AlarmActions, OKActions, InsufficientDataActions []string
}

type dimension struct{ Name, Value string }

// owners are the dimensions of AWS's own metrics that the template names, and
// what the value must be: a name where a metric wants a name is easily an ARN.
var owners = map[string][]dimension{
	"AWS/Lambda":   {{"FunctionName", "${IngestFunction}"}, {"FunctionName", "${EnrollFunction}"}},
	"AWS/SQS":      {{"QueueName", "${BackfillQueue.QueueName}"}, {"QueueName", "${Queue.QueueName}"}, {"QueueName", "${DeadLetterQueue.QueueName}"}},
	"AWS/DynamoDB": {{"TableName", "${StateTable}"}},
	"AWS/Athena":   {{"WorkGroup", "${WorkGroup}"}, {"WorkGroup", "${PackWorkGroup}"}},
}

// checkMetric wants a metric that the function writes, with its one dimension,
// or one of AWS about a resource of the stack. A wrong name is no error in
// CloudWatch, only a line that is never drawn and an alarm that never rings.
func checkMetric(t *testing.T, where string, ours map[string]string, namespace, name string, d dimension) {
	t.Helper()
	if namespace == "Sluice" {
		if want := (dimension{"Function", ours[name]}); d != want {
			t.Errorf("%s: %s of %v, want of %v", where, name, d, want)
		}
		return
	}
	if !slices.Contains(owners[namespace], d) {
		t.Errorf("%s: %s %s of %v", where, namespace, name, d)
	}
}

// TestReasonsOfDeadLetters: the reasons that a person looks for in the log are those
// that stand there, as the code says them or its tests hold them.
func TestReasonsOfDeadLetters(t *testing.T) {
	_, steps, _ := strings.Cut(read(t, "docs/operations.md"), "### DeadLettersAlarm\n")
	_, steps, _ = strings.Cut(steps, "\n2. ")
	step, _, _ := strings.Cut(steps, "\n")
	var said strings.Builder
	for _, name := range []string{"internal/awsio/s3.go", "internal/pipeline/file_test.go", "internal/logs/cloudtrail/reader.go"} {
		said.WriteString(read(t, name))
	}
	reasons := 0
	for i, quoted := range strings.Split(step, "`") {
		quoted = strings.TrimSuffix(quoted, " N")
		if i%2 == 0 || strings.HasPrefix(quoted, "sluice ") {
			continue
		}
		if reasons++; !strings.Contains(said.String(), quoted) {
			t.Errorf("no file fails for %q", quoted)
		}
	}
	if reasons < 6 {
		t.Errorf("%d reasons in %q", reasons, step)
	}
}

// TestAlarms: each watches something there is, says what to do with no data, and
// tells the operations topic when it begins, not when it ends.
func TestAlarms(t *testing.T) {
	s, ours := stackWith(t, parameterSets["everything"]), emitted(t)
	names := s.of("AWS::CloudWatch::Alarm")
	if len(names) == 0 {
		t.Fatal("no alarms found")
	}
	for _, name := range names {
		var a alarm
		s.properties(t, name, &a)
		if a.MetricName != "" {
			checkMetric(t, name, ours, a.Namespace, a.MetricName, append(a.Dimensions, dimension{})[0])
		} else if len(a.Metrics) == 0 {
			t.Errorf("%s watches nothing", name)
		}
		for _, m := range a.Metrics {
			if m.Expression == "" {
				checkMetric(t, name, ours, m.MetricStat.Metric.Namespace, m.MetricStat.Metric.MetricName, append(m.MetricStat.Metric.Dimensions, dimension{})[0])
			}
		}
		if a.AlarmDescription == "" || a.TreatMissingData == "" {
			t.Errorf("%s: description %q, missing data are %q: say both", name, a.AlarmDescription, a.TreatMissingData)
		}
		if len(a.AlarmActions) != 1 || a.AlarmActions[0] != "${OperationsTopic}" || len(a.OKActions) > 0 {
			t.Errorf("%s: tells %v, at its end %v", name, a.AlarmActions, a.OKActions)
		}
		// Only silence is the absence of data; elsewhere no data is no fault.
		if silent := len(a.InsufficientDataActions) > 0; silent != (a.TreatMissingData == "missing") {
			t.Errorf("%s: missing data are %s, and tells %v of them", name, a.TreatMissingData, a.InsufficientDataActions)
		}
	}
	if got, want := at(t, s.Resources["SilenceAlarm"].Properties, "EvaluationPeriods"), "24"; got != want {
		t.Errorf("SilenceAlarm looks at %s hours, want SilenceHours", got)
	}
}

// TestDashboard: the body is JSON, and every metric in it there is, whatever is
// switched on.
func TestDashboard(t *testing.T) {
	for _, name := range []string{"defaults", "everything"} {
		t.Run(name, func(t *testing.T) { checkDashboard(t, stackWith(t, parameterSets[name])) })
	}
}

func checkDashboard(t *testing.T, s stack) {
	ours := emitted(t)
	var p struct{ DashboardBody string }
	s.properties(t, "Dashboard", &p)
	var body struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          struct {
				Title, Region string
				Metrics       [][]any
				Alarms        []string
			}
		}
	}
	if err := json.Unmarshal([]byte(p.DashboardBody), &body); err != nil {
		t.Fatalf("dashboard: %v", err)
	}
	shown := map[string]bool{}
	for _, w := range body.Widgets {
		title := w.Properties.Title
		if w.X+w.Width > 24 || w.Width == 0 || w.Height == 0 || title == "" {
			t.Errorf("widget %q does not fit: %+v", title, w)
		}
		for _, m := range w.Properties.Metrics {
			checkMetric(t, title, ours, m[0].(string), m[1].(string), dimension{m[2].(string), m[3].(string)})
			shown[m[1].(string)] = true
		}
		if w.Type == "alarm" {
			var want []string
			for _, name := range s.of("AWS::CloudWatch::Alarm") {
				want = append(want, "${"+name+".Arn}")
			}
			slices.Sort(w.Properties.Alarms)
			if d := cmp.Diff(want, w.Properties.Alarms); d != "" {
				t.Errorf("alarms, -in the template +on the dashboard:\n%s", d)
			}
		}
	}
	for name := range ours {
		if !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// TestAlarmsAreExplained: docs/operations.md has a section for each alarm, and
// for no other.
func TestAlarmsAreExplained(t *testing.T) {
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^### ([A-Za-z]+Alarm)$`).FindAllStringSubmatch(prose(read(t, "docs/operations.md")), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	if d := cmp.Diff(stackWith(t, parameterSets["everything"]).of("AWS::CloudWatch::Alarm"), got); d != "" {
		t.Errorf("alarms, -in the template +in docs/operations.md:\n%s", d)
	}
}

// TestOutputs: each has a value whatever is switched on, and says what it is for.
// What the pages call by name there is.
func TestOutputs(t *testing.T) {
	for name, parameters := range parameterSets {
		for id, o := range stackWith(t, parameters).Outputs {
			if o.Value == "" || o.Description == "" {
				t.Errorf("%s: output %s: %q, %q", name, id, o.Value, o.Description)
			}
		}
	}
	everything := stackWith(t, parameterSets["everything"])
	named := regexp.MustCompile("`([A-Z][a-z]+[A-Z]?[A-Za-z]*(?:Command|Topic|Queue|Bucket|Table|Log|Arn|Email|Hours|Percent|Days|Limit|Concurrency|Size|Id|BucketEvents))[`=]")
	found := 0
	for _, page := range []string{"README.md", "docs/operations.md", "docs/security.md"} {
		for _, m := range named.FindAllStringSubmatch(prose(read(t, page)), -1) {
			found++
			_, isOutput := everything.Outputs[m[1]]
			_, isParameter := everything.Parameters[m[1]]
			_, isResource := everything.Resources[m[1]]
			if !isOutput && !isParameter && !isResource && !strings.HasPrefix(m[1], "Put") {
				t.Errorf("%s names %s, which is no output, parameter or resource", page, m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d names: looking in the wrong way", found)
	}
}

// TestConnectLogBucketCommand: notifications of a bucket are one document, and
// what the stack does not own it must not overwrite.
func TestConnectLogBucketCommand(t *testing.T) {
	for name, want := range map[string]string{
		"existing bucket":  `QueueArn: "${Queue.Arn}"`,
		"over eventbridge": "EventBridgeConfiguration",
	} {
		s := stackWith(t, parameterSets[name])
		command := s.Outputs["ConnectLogBucketCommand"].Value
		get, put := strings.Index(command, "get-bucket-notification-configuration"), strings.Index(command, "put-bucket-notification-configuration")
		if get < 0 || put < get || !strings.Contains(command, "([inputs] | add // {})") || !strings.Contains(command, want) {
			t.Errorf("%s: %s", name, command)
		}
		for _, id := range []string{"LogBucket", "LogBucketPolicy"} {
			if _, ok := s.Resources[id]; ok {
				t.Errorf("%s: the stack has %s", name, id)
			}
		}
	}
}

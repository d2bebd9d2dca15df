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

// literals are the texts in the source of a directory that fit a pattern, or,
// where call is not "", the first arguments of calls of that name.
func literals(t *testing.T, dir, call string, pattern *regexp.Regexp) []string {
	t.Helper()
	files, err := parseDir(os.DirFS(root), dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	text := func(n ast.Node) {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && pattern.MatchString(s) {
				found[s] = true
			}
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if call == "" {
				text(n)
			} else if c, ok := n.(*ast.CallExpr); ok && len(c.Args) == 1 {
				if f, ok := c.Fun.(*ast.Ident); ok && f.Name == call {
					text(c.Args[0])
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// TestEnrolment: the template and the function that enrolls buckets speak of the
// same settings, properties and attributes, and there is none unless asked for.
func TestEnrolment(t *testing.T) {
	for _, r := range []string{"Enrolment", "EnrollFunction", "EnrollRole", "EnrollLogGroup"} {
		if _, ok := template(t).Resources[r]; ok {
			t.Errorf("%s is there without SourceBuckets", r)
		}
	}
	s := stackWith(t, parameterSets["everything"])
	var function struct {
		Environment struct{ Variables map[string]string }
	}
	s.properties(t, "EnrollFunction", &function)
	if d := cmp.Diff(literals(t, "functions/enroll", "", regexp.MustCompile(`^SLUICE_[A-Z_]+$`)), slices.Sorted(maps.Keys(function.Environment.Variables))); d != "" {
		t.Errorf("environment of EnrollFunction, -read +template.yaml:\n%s", d)
	}
	var properties map[string]any
	s.properties(t, "Enrolment", &properties)
	for _, ours := range []string{"ServiceToken", "ServiceTimeout", "After"} { // CloudFormation's alone
		delete(properties, ours)
	}
	// The loop over buckets of the stack reads two by name of a map.
	read := append(literals(t, "functions/enroll", "text", regexp.MustCompile(`^[A-Z]`)), "LakeBucket", "TrailBucket")
	slices.Sort(read)
	if d := cmp.Diff(read, slices.Sorted(maps.Keys(properties))); d != "" {
		t.Errorf("properties of Enrolment, -read +template.yaml:\n%s", d)
	}
	// The day's rule says the same as the resource.
	var rule struct{ Targets []struct{ Arn, Input string } }
	s.properties(t, "NewBucketsRule", &rule)
	var daily struct {
		Sluice             string
		ResourceProperties map[string]any
	}
	if err := json.Unmarshal([]byte(rule.Targets[0].Input), &daily); err != nil || len(rule.Targets) != 1 {
		t.Fatalf("%+v: %v", rule, err)
	}
	if d := cmp.Diff(daily.ResourceProperties, properties); d != "" || rule.Targets[0].Arn != "${EnrollFunction.Arn}" {
		t.Errorf("the day's rule to %s, -rule +Enrolment:\n%s", rule.Targets[0].Arn, d)
	}
	if !slices.Contains(literals(t, "functions/enroll", "", regexp.MustCompile("^enroll-")), daily.Sluice) {
		t.Errorf("the function does not know %q", daily.Sluice)
	}
	if _, ok := stackWith(t, parameterSets["over eventbridge"]).Resources["NewBucketsRule"]; ok {
		t.Error("a rule for new buckets, and SourceBuckets names them")
	}
	for output, want := range map[string]string{"EnrolledBuckets": "${Enrolment.Enrolled}", "NotEnrolled": "${Enrolment.NotEnrolled}"} {
		if got := s.Outputs[output].Value; got != want {
			t.Errorf("output %s is %s, want %s", output, got, want)
		}
		attribute := strings.Trim(strings.TrimPrefix(want, "${Enrolment."), "}")
		if !slices.Contains(literals(t, "functions/enroll", "", regexp.MustCompile(`^[A-Z]`)), attribute) {
			t.Errorf("the function gives no attribute %s", attribute)
		}
	}
	if !slices.Contains(s.needs["Enrolment"], "LogBucketPolicy") {
		t.Errorf("Enrolment waits for %v: S3 wants the policy of the log bucket first", s.needs["Enrolment"])
	}
}

// TestEnrollRole: what is wide in it is what must be, under a condition, and the
// buckets that hold logs are out of its reach.
func TestEnrollRole(t *testing.T) {
	wide := map[string]string{
		"ListBuckets":   "map[] on *", // S3 knows no narrower resource for it
		"SwitchLogging": "map[StringEquals:map[aws:ResourceAccount:111122223333]] on arn:aws:s3:::*",
	}
	for _, parameters := range []string{"everything", "over eventbridge"} {
		var role struct {
			ManagedPolicyArns []string
			Policies          []struct {
				PolicyDocument struct {
					Statement []struct {
						Sid, Effect      string
						Action, Resource any
						Condition        map[string]map[string]any
					}
				}
			}
		}
		s := stackWith(t, parameterSets[parameters])
		s.properties(t, "EnrollRole", &role)
		if len(role.ManagedPolicyArns) > 0 || len(role.Policies) != 1 {
			t.Fatalf("%s: %+v", parameters, role)
		}
		denied := ""
		for _, st := range role.Policies[0].PolicyDocument.Statement {
			if st.Action == nil || strings.Contains(fmt.Sprint(st.Action), "*") {
				t.Errorf("%s: %s: action %v: name each", parameters, st.Sid, st.Action)
			}
			if st.Effect == "Deny" {
				denied = fmt.Sprint(st.Action, st.Resource)
				continue
			}
			for _, r := range list(st.Resource) {
				if r := r.(string); !narrow.MatchString(r) && wide[st.Sid] != fmt.Sprint(st.Condition, " on ", r) {
					t.Errorf("%s: %s: resource %q under %v: name it", parameters, st.Sid, r, st.Condition)
				}
			}
		}
		want := map[string]string{
			"everything":       "s3:PutBucketLogging[${LogBucket.Arn} ${LakeBucket.Arn} ${TrailBucket.Arn}]",
			"over eventbridge": "s3:PutBucketLogging[arn:aws:s3:::old-logs-example ${LakeBucket.Arn} ${TrailBucket.Arn}]",
		}[parameters]
		if denied != want {
			t.Errorf("%s: denies %s, want %s", parameters, denied, want)
		}
	}
}

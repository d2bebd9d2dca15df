package docs

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"
)

// TestPartitions: in China and in GovCloud every ARN of the stack begins as ARNs do
// there. IAM refuses a policy that names another partition.
func TestPartitions(t *testing.T) {
	arn := regexp.MustCompile(`arn:([a-z-]+):[^"\s]*`)
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		parameters := maps.Clone(parameterSets["everything"])
		for name, v := range parameters {
			if text, ok := v.(string); ok {
				parameters[name] = strings.ReplaceAll(text, "arn:aws:", "arn:"+partition+":")
			}
		}
		parameters["AWS::Partition"] = partition
		s := stackWith(t, parameters)
		text, err := json.Marshal([]any{s.Resources, s.Outputs})
		if err != nil {
			t.Fatal(err)
		}
		found := arn.FindAllStringSubmatch(string(text), -1)
		for _, m := range found {
			if m[1] != partition {
				t.Errorf("in %s: %s", partition, m[0])
			}
		}
		if len(found) < 20 {
			t.Errorf("in %s: only %d ARNs", partition, len(found))
		}
		for _, want := range []string{`["arn:P:s3:::old-logs-example/*","arn:P:s3:::older-logs-example/*"]`, `["arn:P:s3:::old-logs-example","arn:P:s3:::older-logs-example"]`} {
			if want = strings.ReplaceAll(want, ":P:", ":"+partition+":"); !strings.Contains(string(text), want) {
				t.Errorf("in %s: no policy is about %s", partition, want)
			}
		}
	}
}

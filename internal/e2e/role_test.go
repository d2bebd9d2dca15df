//go:build cgo && unix

package e2e

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"sluice/internal/testaws"
)

// unseen are the grants that no call can show here, by statement and action,
// and why they are there.
var unseen = map[string]string{
	"TellMissingFromDenied s3:ListBucket": "is no call: with it S3 answers 404 instead of 403 for a file that is gone",
	"WriteLog logs:CreateLogStream":       "Lambda's own log agent calls it; there is none here",
	"WriteLog logs:PutLogEvents":          "Lambda's own log agent calls it; there is none here",
}

// grant is one action on one resource that the role's policy allows.
type grant struct {
	name     string // statement and action
	action   string
	resource *regexp.Regexp
	arn      string
	prefix   *regexp.Regexp // of what may be listed; nil for anything
}

// wild is a text of a policy in which a star stands for any characters.
func wild(text string) *regexp.Regexp {
	return regexp.MustCompile("^(?s:" + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*") + ")$")
}

func (g grant) covers(action, resource, prefix string) bool {
	return g.action == action && g.resource.MatchString(resource) && (g.prefix == nil || g.prefix.MatchString(prefix))
}

// understood are the conditions that narrow a grant further than this test looks;
// moto holds them.
var understood = []string{"StringEquals aws:ResourceAccount", "ForAllValues:StringEquals dynamodb:LeadingKeys", "ForAllValues:StringLike dynamodb:LeadingKeys"}

// nameless are the actions that know no narrower resource than all.
var nameless = []string{"s3:ListAllMyBuckets"}

// grants reads the policy of a role as it was deployed, less what it denies.
func (s *stack) grants(name string) (all []grant) {
	s.t.Helper()
	type statement struct {
		Sid, Effect      string
		Action, Resource many
		Condition        map[string]map[string]many
	}
	var role struct {
		Policies []struct {
			PolicyDocument struct{ Statement []statement }
		}
	}
	s.properties(name, &role)
	for _, p := range role.Policies {
		for _, st := range p.PolicyDocument.Statement {
			if st.Effect == "Deny" {
				continue // what it takes away is tried by itself
			}
			var prefix *regexp.Regexp
			if text := st.Condition["StringEquals"]["s3:prefix"]; text != nil {
				prefix = regexp.MustCompile("^" + regexp.QuoteMeta(text[0]) + "$")
			} else if text := st.Condition["StringLike"]["s3:prefix"]; text != nil {
				var any []string
				for _, one := range text {
					any = append(any, wild(one).String())
				}
				prefix = regexp.MustCompile(strings.Join(any, "|"))
			}
			for operator, keys := range st.Condition {
				for key := range keys {
					if !slices.Contains(understood, operator+" "+key) && (prefix == nil || key != "s3:prefix" || len(keys[key]) == 0) {
						s.t.Fatalf("statement %s under %v is more than this test can read", st.Sid, st.Condition)
					}
				}
			}
			for _, action := range st.Action {
				for _, arn := range st.Resource {
					if strings.Contains(action, "*") || arn == "*" && !slices.Contains(nameless, action) {
						s.t.Errorf("statement %s allows %s on %s: name it", st.Sid, action, arn)
					}
					all = append(all, grant{
						name: st.Sid + " " + action, action: action, arn: arn, prefix: prefix,
						resource: wild(arn),
					})
				}
			}
		}
	}
	return all
}

// many is what a policy writes as one text or as a list of them.
type many []string

func (m *many) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		return json.Unmarshal(b, (*[]string)(m))
	}
	*m = []string{""}
	return json.Unmarshal(b, &(*m)[0])
}

// testRole: what is granted is used, and what is used is granted.
func testRole(t *testing.T, s *stack, dir, key string) {
	// A log bucket that was there before the stack may keep versions.
	_, err := s.s3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: aws.String(s.Resources["LogBucket"].ID), VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.deliver(dir, key)
	s.drain()
	// What a batch that converts nothing has claimed is given back, and once a day
	// the function looks for what is left of batches.
	s.invoke([]byte(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-11-22T10:02:11.500Z","s3":{"bucket":{"name":"` +
		s.Resources["LogBucket"].ID + `"},"object":{"key":"access/2026-11-22-09-20-00-0000000000000000","size":9,"sequencer":"006741D2"}}}]}`))
	s.sweep()

	s.granted(t, "IngestRole", s.proxy.Calls(), unseen)
}

// granted: the calls made with a role are granted by it, and all that it grants,
// but for what cannot be seen, was called.
func (s *stack) granted(t *testing.T, role string, calls []testaws.Call, unseen map[string]string) {
	t.Helper()
	grants := s.grants(role)
	used, refused := map[string]bool{}, map[string]bool{}
	check := func(c testaws.Call, action, resource string) {
		granted := false
		for _, g := range grants {
			if g.covers(action, resource, c.Prefix) {
				granted = true
				used[g.name+" on "+g.arn] = true
				if why := unseen[g.name]; why != "" {
					s.t.Errorf("%s was called, but is listed as one that %s", g.name, why)
				}
			}
		}
		if !granted {
			refused[action+" on "+resource] = true
		}
	}
	for _, c := range calls {
		check(c, c.Action, c.Resource)
		if c.From != "" {
			check(c, "s3:GetObject", c.From)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(refused)) {
		s.t.Errorf("%s: called and not granted: %s", role, c)
	}
	seen := map[string]bool{}
	for _, g := range grants {
		seen[g.name] = true
		if unseen[g.name] == "" && !used[g.name+" on "+g.arn] {
			s.t.Errorf("%s: granted and never used: %s on %s", role, g.name, g.arn)
		}
	}
	for name := range unseen {
		if !seen[name] {
			s.t.Errorf("%s: %s is not granted any more: take it off the list", role, name)
		}
	}
}

// testDenied tries with the function's credentials what a thief of them would.
func testDenied(t *testing.T, s *stack, key string) {
	const foreign = "example-of-others"
	if _, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(foreign), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
		LocationConstraint: s3types.BucketLocationConstraint(s.Region),
	}}); err != nil {
		t.Fatal(err)
	}
	s.put(foreign, "secret", []byte("x"))
	admin := dynamodb.NewFromConfig(s.config(s.URL, s.Admin))
	if _, err := admin.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("others"), BillingMode: dynamotypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []dynamotypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
	}); err != nil {
		t.Fatal(err)
	}

	cfg := s.config(s.URL, s.Roles["IngestRole"])
	cfg.RetryMaxAttempts = 1
	o, q, d, n := s3.NewFromConfig(cfg), sqs.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	logs, lake := s.Resources["LogBucket"].ID, s.Resources["LakeBucket"].ID
	var object string
	for k := range s.objects(t.Context()) {
		object = k
	}
	ctx := t.Context()
	get := func(bucket, key string) error {
		_, err := o.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		return err
	}
	put := func(bucket, key string) error {
		_, err := o.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
		return err
	}
	remove := func(bucket, key string) error {
		_, err := o.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
		return err
	}
	list := func(bucket, prefix string) error {
		_, err := o.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
		return err
	}
	item := map[string]dynamotypes.AttributeValue{"pk": &dynamotypes.AttributeValueMemberS{Value: "x"}}
	// Without one that is allowed, a broken probe would look like a denied one.
	for name, err := range map[string]error{"a log file": get(logs, key), "the rules": list(lake, "rules/"), "unfinished batches": list(lake, "lake/_sluice/pending/x/")} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	probes := map[string]func() error{
		"delete a log file":             func() error { return remove(logs, key) },
		"write into the log bucket":     func() error { return put(logs, "access/forged") },
		"delete in the lake":            func() error { return remove(lake, object) },
		"list the lake":                 func() error { return list(lake, "") },
		"write a rule":                  func() error { return put(lake, "rules/poisoned.yml") },
		"write beside the lake":         func() error { return put(lake, "athena-results/x") },
		"read from a bucket of others":  func() error { return get(foreign, "secret") },
		"write into a bucket of others": func() error { return put(foreign, "x") },
		"list a bucket of others":       func() error { return list(foreign, "rules/") },
		"read dead letters":             func() error { return receive(s, q, "DeadLetterQueue") },
		"send into the queue":           func() error { return send(s, q, "Queue") },
		"hide that files failed":        func() error { return purge(s, q, "DeadLetterQueue") },
		"read a table of others": func() error {
			_, err := d.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("others"), Key: item})
			return err
		},
		"write a table of others": func() error {
			_, err := d.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("others"), Item: item})
			return err
		},
		"read all that was counted": func() error {
			_, err := d.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(s.Resources["StateTable"].ID)})
			return err
		},
		"drop what was counted": func() error {
			_, err := d.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String(s.Resources["StateTable"].ID)})
			return err
		},
		"publish to a topic of others": func() error {
			_, err := n.Publish(ctx, &sns.PublishInput{TopicArn: aws.String(s.Resources["AlertsTopic"].ID + "-of-others"), Message: aws.String("x")})
			return err
		},
		"subscribe to findings": func() error {
			_, err := n.Subscribe(ctx, &sns.SubscribeInput{TopicArn: aws.String(s.Resources["FindingsTopic"].ID), Protocol: aws.String("http"), Endpoint: aws.String("http://127.0.0.1:9/")})
			return err
		},
		"switch versioning of the lake off": func() error { return unversion(s, o, lake) },
		"open the log bucket to everybody": func() error {
			_, err := o.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &logs})
			return err
		},
		"remove what guards the log bucket": func() error {
			_, err := o.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &logs})
			return err
		},
	}
	for _, name := range slices.Sorted(maps.Keys(probes)) {
		var e smithy.APIError
		var err error
		ok := false
		for range 3 { // an answer that could not be read is none: the server hangs up on what it refuses
			err = probes[name]()
			if e, ok = errors.AsType[smithy.APIError](err); ok || err == nil {
				break
			}
		}
		if !ok || !slices.Contains([]string{"AccessDenied", "AccessDeniedException", "AuthorizationError"}, e.ErrorCode()) {
			t.Errorf("the role may %s: %v", name, err)
		}
	}
}

func receive(s *stack, q *sqs.Client, queue string) error {
	_, err := q.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(s.Resources[queue].ID)})
	return err
}

func send(s *stack, q *sqs.Client, queue string) error {
	_, err := q.SendMessage(s.t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(s.Resources[queue].ID), MessageBody: aws.String("{}")})
	return err
}

func purge(s *stack, q *sqs.Client, queue string) error {
	_, err := q.PurgeQueue(s.t.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(s.Resources[queue].ID)})
	return err
}

func unversion(s *stack, o *s3.Client, bucket string) error {
	_, err := o.PutBucketVersioning(s.t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusSuspended},
	})
	return err
}

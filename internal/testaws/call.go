package testaws

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
)

// Call is one request to AWS, in the words of IAM.
type Call struct {
	Service  string // s3
	Name     string // of the operation, as the client calls it: PublishBatch
	Action   string // what a policy must allow: sns:Publish
	Resource string // and on what, an ARN
	Prefix   string // of a list in S3, the condition key s3:prefix
	From     string // of a copy in S3, the ARN of what is read
	Status   int    // of the answer, 0 where there was none
}

// plainNames are the operations that IAM calls otherwise.
var plainNames = map[string]string{
	"sns:PublishBatch":                 "sns:Publish",
	"sqs:DeleteMessageBatch":           "sqs:DeleteMessage",
	"sqs:SendMessageBatch":             "sqs:SendMessage",
	"sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

// settingNames are what IAM calls the settings of a bucket.
var settingNames = map[string]string{
	"acl": "BucketAcl", "encryption": "EncryptionConfiguration", "logging": "BucketLogging", "object-lock": "BucketObjectLockConfiguration",
	"ownershipControls": "BucketOwnershipControls", "policy": "BucketPolicy", "requestPayment": "BucketRequestPayment",
}

// read says what a request asks for. The account is that of all resources; the
// service and the Region are those it is signed for.
func read(r *http.Request, body []byte, account string) Call {
	c := Call{}
	var region string
	if _, scope, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		if part := strings.Split(scope, "/"); len(part) > 3 {
			region, c.Service = part[2], part[3]
		}
	}
	arn := func(rest string) string { return "arn:aws:" + c.Service + ":" + region + ":" + account + ":" + rest }
	if c.Service == "s3" {
		readS3(&c, r)
		if c.Name == "DeleteObjects" {
			c.Resource = strings.TrimSuffix(c.Resource, "*") + common(body) + "*"
		}
		return c
	}
	_, c.Name, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if c.Name == "" {
		form, _ := url.ParseQuery(string(body)) // what is not a form has no Action
		c.Name, c.Resource = form.Get("Action"), form.Get("TopicArn")
	} else {
		var in struct {
			TableName, QueueUrl, DatabaseName, Name string
			TableInput                              struct{ Name string }
		}
		json.Unmarshal(body, &in) // what is not there stays empty, and is granted by nothing
		switch {
		case c.Service == "glue" && in.DatabaseName != "":
			c.Resource = arn("database/" + in.DatabaseName)
			if table := in.TableInput.Name + in.TableName + in.Name; table != "" {
				c.Resource = arn("table/" + in.DatabaseName + "/" + table)
			}
		case c.Service == "glue":
			c.Resource = arn("database/" + in.Name)
		case in.TableName != "":
			c.Resource = arn("table/" + in.TableName)
		case in.QueueUrl != "":
			c.Resource = arn(in.QueueUrl[strings.LastIndex(in.QueueUrl, "/")+1:])
		}
	}
	c.Action = c.Service + ":" + c.Name
	if plain, ok := plainNames[c.Action]; ok {
		c.Action = plain
	}
	return c
}

// common is what the keys begin with that a request lists: who may not delete all
// that does may not delete these.
func common(body []byte) string {
	var in struct{ Object []struct{ Key string } }
	if xml.Unmarshal(body, &in) != nil || len(in.Object) == 0 {
		return ""
	}
	prefix := in.Object[0].Key
	for _, o := range in.Object {
		for !strings.HasPrefix(o.Key, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}

// readS3 reads a request whose bucket is in the path.
func readS3(c *Call, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c.Resource = "arn:aws:s3:::" + bucket
	q := r.URL.Query()
	if key == "" {
		switch {
		case r.Method == http.MethodGet && bucket == "":
			c.Name, c.Action, c.Resource = "ListBuckets", "s3:ListAllMyBuckets", "*"
		case r.Method == http.MethodGet && q.Has("logging"):
			c.Name, c.Action = "GetBucketLogging", "s3:GetBucketLogging"
		case r.Method == http.MethodGet && q.Get("list-type") == "2":
			c.Name, c.Action, c.Prefix = "ListObjectsV2", "s3:ListBucket", q.Get("prefix")
		case r.Method == http.MethodHead:
			c.Name, c.Action = "HeadBucket", "s3:ListBucket"
		case r.Method == http.MethodPost && q.Has("delete"):
			// Each key needs its own permission; as a whole it is granted by
			// nobody who may not delete them all.
			c.Name, c.Action, c.Resource = "DeleteObjects", "s3:DeleteObject", c.Resource+"/*"
		case bucket == "" && r.Method == http.MethodGet:
			c.Name, c.Action = "ListBuckets", "s3:ListAllMyBuckets"
		default:
			c.Name = r.Method + " ?" + r.URL.RawQuery
			for setting, name := range settingNames {
				if q.Has(setting) {
					c.Name = map[string]string{http.MethodGet: "Get", http.MethodPut: "Put"}[r.Method] + name
				}
			}
			c.Action = "s3:" + c.Name
		}
		return
	}
	c.Resource += "/" + key
	version := ""
	if q.Has("versionId") {
		version = "Version"
	}
	switch r.Method {
	case http.MethodGet:
		c.Name, c.Action = "GetObject", "s3:GetObject"+version
	case http.MethodHead:
		c.Name, c.Action = "HeadObject", "s3:GetObject"+version
	case http.MethodPut:
		c.Name, c.Action = "PutObject", "s3:PutObject"
		if from := r.Header.Get("X-Amz-Copy-Source"); from != "" {
			from, _, _ = strings.Cut(from, "?")
			if plain, err := url.PathUnescape(from); err == nil {
				from = plain
			}
			c.Name, c.From = "CopyObject", "arn:aws:s3:::"+strings.TrimPrefix(from, "/")
		}
	case http.MethodDelete:
		c.Name, c.Action = "DeleteObject", "s3:DeleteObject"+version
		if q.Has("uploadId") {
			c.Name, c.Action = "AbortMultipartUpload", "s3:AbortMultipartUpload"
		}
	default: // parts of an upload
		c.Name, c.Action = r.Method+" of an upload", "s3:PutObject"
	}
}

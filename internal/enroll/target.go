package enroll

import (
	"fmt"
	"strings"
)

// Target is what of a bucket decides whether S3 can deliver access logs into it.
type Target struct {
	Name, Region, Account string
	Encryption            string // algorithm of the default encryption: "", AES256, aws:kms or aws:kms:dsse
	ObjectLock            bool   // switched on for the bucket, with or without a default retention
	RequesterPays         bool
	Policy                string // JSON; "" for none
	// ACL tells that ACLs are on and the log delivery group may write and read the
	// ACL: how permission was given before bucket policies could.
	ACL bool
}

// Faults are the reasons for which S3 delivers no logs into a target whatever
// bucket they are of, each with what to do about it (S3 User Guide, "Enabling
// Amazon S3 server access logging" and "Troubleshoot server access logging").
func (t Target) Faults() []string {
	var faults []string
	if e := t.Encryption; e != "" && e != "AES256" {
		faults = append(faults, fmt.Sprintf("%s is encrypted with %s by default, and S3 delivers logs into buckets with SSE-S3 only: set its default encryption to AES256", t.Name, e))
	}
	if t.ObjectLock {
		faults = append(faults, fmt.Sprintf("%s has Object Lock, and S3 delivers no logs into such a bucket: choose another one and replicate it into this", t.Name))
	}
	if t.RequesterPays {
		faults = append(faults, fmt.Sprintf("in %s the requester pays, and S3 delivers no logs into such a bucket: switch that off", t.Name))
	}
	return faults
}

// admits tells whether S3 may deliver the logs of one bucket, "" for yes, and
// otherwise why not, and whether that is so for every bucket.
func (t Target) admits(source, prefix string) (why string, everywhere bool) {
	partition := partitionOf(t.Region)
	v, err := judge(t.Policy, delivery{
		resource: "arn:" + partition + ":s3:::" + t.Name + "/" + prefix + "x",
		context: map[string]string{
			"aws:sourceaccount":         t.Account,
			"aws:sourcearn":             "arn:" + partition + ":s3:::" + source,
			"aws:securetransport":       "true",
			"aws:principalisawsservice": "true",
			"aws:principalservicename":  logging,
		},
	})
	switch {
	case err != nil:
		return fmt.Sprintf("the policy of %s cannot be read: %v", t.Name, err), true
	case v.denied != "":
		return fmt.Sprintf("the policy of %s denies %s s3:PutObject (%s): except it there", t.Name, logging, v.denied), false
	case v.allowed || v.unsure || t.ACL:
		// Of conditions that are not known here S3 is the judge: it checks the policy
		// itself when logging is set.
		return "", false
	case !v.named:
		return fmt.Sprintf("%s has no policy by which %s may put objects: add a statement with s3:PutObject on arn:%s:s3:::%s/%s*, aws:SourceAccount %s", t.Name, logging, partition, t.Name, prefix, t.Account), true
	}
	return fmt.Sprintf("the policy of %s does not let %s put objects with logs of %s: it needs s3:PutObject on arn:%s:s3:::%s/%s* for aws:SourceArn arn:%s:s3:::%s", t.Name, logging, source, partition, t.Name, prefix, partition, source), false
}

// logging is the service that delivers access logs.
const logging = "logging.s3.amazonaws.com"

// partitionOf is the first part of ARNs in a Region.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	}
	return "aws"
}

// Admits tells why S3 may not deliver the logs of a bucket into the target under a
// prefix, "" where it may, as far as its policy can be judged from here.
func (t Target) Admits(source, prefix string) string {
	why, _ := t.admits(source, prefix)
	return why
}

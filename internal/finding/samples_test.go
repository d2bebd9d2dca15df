package finding_test

import (
	"time"

	"sluice/internal/finding"
	"sluice/internal/logs"
)

func at(s string) logs.Time {
	t, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		panic(err)
	}
	return logs.TimeOf(t)
}

const owner = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"

// massDelete is a correlation over an access log.
func massDelete() *finding.Finding {
	f := &finding.Finding{
		Step: 1,
		Rule: finding.Rule{
			ID: "0c1f52c2-6a1e-4f0f-8a3c-5a2f1f2b7d10", Title: "Mass deletion of S3 objects",
			Description: "One requester deleted hundreds of objects of one bucket within an hour. Ransom crews delete what they have copied; so does a clean-up job that went to the wrong bucket.",
			Level:       "high", Type: "Impact:S3/MassDelete",
			Response: "Find out whether the requester was meant to delete these objects. If not, disable its credentials first, then restore from versions or from a backup.\n\nBuckets with versioning keep deleted objects behind delete markers: remove the markers before a lifecycle rule expires the versions.",
			Version:  "1", Service: "s3_server_access", Correlation: "event_count",
			Tags: []string{"attack.impact", "attack.t1485"}, FalsePositives: []string{"Clean-up jobs; list their requester as ignored"},
		},
		Owner: owner, Account: "111122223333", Region: "us-west-2", Bucket: "finance-reports",
		Group:  []finding.Pair{{Name: "bucket_name", Value: "finance-reports"}, {Name: "requester_name", Value: "deploy"}},
		Period: at("2026-11-22 00:00:00"), PeriodEnd: at("2026-11-23 00:00:00"),
		First: at("2026-11-22 09:14:05"), Last: at("2026-11-22 09:58:41"),
		Created: time.Date(2026, 11, 22, 11, 2, 3, 0, time.UTC),
		Count:   1204, Measure: "events", Value: 1204, Threshold: 500, Alert: true,
		Sources: []string{"logs/2026-11-22-10-15-02-0A1B2C3D4E5F6071", "logs/2026-11-22-10-20-44-1A1B2C3D4E5F6072"},
	}
	for i := range 20 {
		f.Evidence = append(f.Evidence, finding.Evidence{
			Time: at("2026-11-22 09:14:05") + logs.Time(i*61000), LogKey: f.Sources[0], LogLine: int64(i + 1),
			RequestID: "3E57427F33A59F07", Operation: "BATCH.DELETE.OBJECT", Bucket: "finance-reports",
			Key: "2026/q" + string(rune('1'+i%4)) + "/ledger.csv", RemoteIP: "203.0.113.7",
			Requester: "arn:aws:sts::111122223333:assumed-role/deploy/session-1", Account: "111122223333",
			UserAgent:  "Boto3/1.34.0 md/Botocore#1.34.0 ua/2.0 os/linux#6.1 lang/python#3.12.1",
			TLSVersion: "TLSv1.3", Status: logs.SomeInt(204),
		})
	}
	f.UID = finding.UID(f.Rule.ID, f.Owner, f.Group, f.Period)
	return f
}

// anonymous is a detection rule whose requester is NULL, with a website's agents.
func anonymous() *finding.Finding {
	f := &finding.Finding{
		Step: 1,
		Rule: finding.Rule{
			ID: "a2f4f0a8-0a6b-4b7e-9a65-1d7c3f4c2a01", Title: "Anonymous read of an S3 object",
			Description: "Somebody without credentials read an object. The bucket or the object is public.",
			Level:       "medium", Type: "Exfiltration:S3/AnonymousRead", Version: "1", Service: "s3_server_access",
			Response: "Decide whether the object is meant to be public. If so, list the bucket in public_buckets; if not, turn on Block Public Access.",
			Tags:     []string{"attack.collection", "attack.t1530", "attack.initial-access", "attack.t1190"},
		},
		Owner: owner, Account: "111122223333", Region: "eu-central-1", Bucket: "brochures.example.com",
		Group:  []finding.Pair{{Name: "bucket_name", Value: "brochures.example.com"}, {Name: "requester", Null: true}, {Name: "remote_ip", Value: "2001:db8::7"}},
		Period: at("2026-11-22 00:00:00"), PeriodEnd: at("2026-11-23 00:00:00"),
		First: at("2026-11-22 23:59:58"), Last: at("2026-11-22 23:59:58"),
		Created: time.Date(2026, 11, 23, 0, 40, 0, 0, time.UTC),
		Count:   1, Measure: "events", Value: 1, Threshold: 1, Alert: true,
		Sources: []string{"brochures/2026-11-23-00-31-10-5A1B2C3D4E5F6071"},
		Evidence: []finding.Evidence{{
			Time: at("2026-11-22 23:59:58"), LogKey: "brochures/2026-11-23-00-31-10-5A1B2C3D4E5F6071", LogLine: 17,
			RequestID: "7B4A0FABBEXAMPLE", Operation: "REST.GET.OBJECT", Bucket: "brochures.example.com", Key: "price list.pdf",
			RemoteIP: "2001:db8::7", UserAgent: "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://bot.example.com/about.html)",
			RequestURI: "GET /price%20list.pdf?X-Amz-Signature=feedface&X-Amz-Expires=60 HTTP/1.1", TLSVersion: "TLSv1.2",
			Status: logs.SomeInt(200), BytesSent: logs.SomeInt(1048576),
		}},
	}
	f.UID = finding.UID(f.Rule.ID, f.Owner, f.Group, f.Period)
	return f
}

// policyPublic is a CloudTrail rule: no key, no line of an access log.
func policyPublic() *finding.Finding {
	f := &finding.Finding{
		Step: 1,
		Rule: finding.Rule{
			ID: "c5c6d9f1-64a3-4a62-9e7c-7e5a3c0f9b11", Title: "S3 bucket policy made public",
			Description: "A bucket policy was put that lets everybody in.", Level: "high", Type: "Policy:S3/BucketPolicyPublic",
			Response: "Read the policy in request_parameters of the record. Put the previous one back unless the bucket is meant to be public.",
			Version:  "1", Service: "cloudtrail", Tags: []string{"attack.exfiltration", "attack.t1537", "attack.t1190"},
			FalsePositives: []string{"Buckets behind a website", "Content delivery by other means than origin access control"},
		},
		Owner: "111122223333", Account: "111122223333", Region: "us-east-1", Bucket: "payroll-archive",
		Group: []finding.Pair{
			{Name: "requestParameters.bucketName", Value: "payroll-archive"},
			{Name: "userIdentity.arn", Value: "arn:aws:sts::111122223333:assumed-role/Admin/kim@example.com"},
			{Name: "sourceIPAddress", Value: "198.51.100.23"},
		},
		Period: at("2026-11-21 00:00:00"), PeriodEnd: at("2026-11-22 00:00:00"),
		First: at("2026-11-21 14:02:11"), Last: at("2026-11-21 14:05:30"),
		Created: time.Date(2026, 11, 21, 14, 20, 0, 0, time.UTC),
		Count:   2, Measure: "events", Value: 2, Threshold: 1, Alert: true,
		Sources: []string{"AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/21/111122223333_CloudTrail_us-east-1_20261121T1410Z_a1b2c3d4e5f60718.json.gz"},
		Evidence: []finding.Evidence{{
			Time: at("2026-11-21 14:02:11"), LogKey: "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/21/111122223333_CloudTrail_us-east-1_20261121T1410Z_a1b2c3d4e5f60718.json.gz", LogLine: 4,
			RequestID: "REQ0000000000001", Operation: "PutBucketPolicy", Bucket: "payroll-archive", RemoteIP: "198.51.100.23",
			Requester: "arn:aws:sts::111122223333:assumed-role/Admin/kim@example.com", Account: "111122223333",
			UserAgent: "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488]", TLSVersion: "TLSv1.3",
		}, {
			Time: at("2026-11-21 14:05:30"), LogKey: "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/21/111122223333_CloudTrail_us-east-1_20261121T1410Z_a1b2c3d4e5f60718.json.gz", LogLine: 9,
			RequestID: "REQ0000000000002", Operation: "PutBucketPolicy", Bucket: "payroll-archive", RemoteIP: "198.51.100.23",
			Requester: "arn:aws:sts::111122223333:assumed-role/Admin/kim@example.com", Account: "111122223333",
			UserAgent: "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488]", TLSVersion: "TLSv1.3", ErrorCode: "MalformedPolicy",
		}},
	}
	f.UID = finding.UID(f.Rule.ID, f.Owner, f.Group, f.Period)
	return f
}

// exposedThenRead is an ordered correlation over both logs, as an update.
func exposedThenRead() *finding.Finding {
	f := &finding.Finding{
		Step: 100,
		Rule: finding.Rule{
			ID: "e1a3b1b6-9a34-4f5f-8b3a-0d4d6c8e2f21", Title: "Public exposure, then anonymous read",
			Description: "A bucket was made public and within the hour somebody without credentials read from it.",
			Level:       "critical", Type: "AttackSequence:S3/ExposedThenRead", Version: "2", Correlation: "temporal_ordered",
			Response: "Close the bucket, then find out what left: the query below lists it.",
			Tags:     []string{"attack.exfiltration", "attack.t1537", "attack.collection", "attack.t1530"},
		},
		Account: "111122223333", Region: "eu-central-1", Bucket: "payroll-archive",
		Group:  []finding.Pair{{Name: "bucket", Value: "payroll-archive"}},
		Period: at("2026-11-21 00:00:00"), PeriodEnd: at("2026-11-22 00:00:00"),
		First: at("2026-11-20 23:40:00"), Last: at("2026-11-21 00:20:00"),
		Created: time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC),
		Measure: "rules", Value: 2, Threshold: 2, Alert: true,
	}
	f.UID = finding.UID(f.Rule.ID, f.Owner, f.Group, f.Period)
	return f
}

// heldBack is massDelete after its first message was held back.
func heldBack() *finding.Finding {
	f := massDelete()
	f.Step, f.Count, f.Value, f.Unheard = 10, 5120, 5120, true
	for i := range f.Evidence {
		f.Evidence[i].LogKey = f.Sources[i%2]
	}
	return f
}

// hostile is what an attacker and a careless author can make of a finding.
func hostile() *finding.Finding {
	const evil = "\x1b[31m\u202e<!channel> *x* `y` |z| https://evil.example/?X-Amz-Security-Token=SECRETSECRET&a=1 www.evil.example me@evil.example mailto:x \\\\evil\\share '; DROP TABLE x; -- \u200b\xff\r\nSubject: y"
	f := massDelete()
	f.Rule.Title = "Löschung\r\nBcc: all@example.com \u202e gelöscht"
	f.Rule.Level = "HIGH"
	f.Rule.Tags = []string{"attack.t9999.001", "attack.t9998", "attack.nonsense", "cve.2026-1", "attack.impact"}
	f.Bucket = evil
	f.Group = []finding.Pair{{Name: "bucket_name", Value: evil}, {Name: "user_agent", Value: evil}, {Name: "key_name", Value: "a'b.c@d"}, {Name: "requester", Value: ""}}
	f.Measure, f.Count, f.Value, f.AtLeast = "distinct key_name", 0, 1204, true
	f.Rule.FalsePositives = []string{"None\r\nknown"}
	for i := range f.Evidence {
		f.Evidence[i].Key, f.Evidence[i].UserAgent, f.Evidence[i].Requester = evil, evil, evil
		f.Evidence[i].RequestURI, f.Evidence[i].LogKey, f.Evidence[i].Bucket = "GET /"+evil+" HTTP/1.1", evil, evil
		f.Evidence[i].RemoteIP, f.Evidence[i].Operation, f.Evidence[i].ErrorCode = evil, evil, evil
		f.Evidence[i].Ambiguous = true
	}
	f.UID = finding.UID(f.Rule.ID, f.Owner, f.Group, f.Period)
	return f
}

func samples() map[string]*finding.Finding {
	return map[string]*finding.Finding{
		"mass-delete": massDelete(), "anonymous": anonymous(), "policy-public": policyPublic(),
		"exposed-then-read": exposedThenRead(), "hostile": hostile(), "held-back": heldBack(),
	}
}

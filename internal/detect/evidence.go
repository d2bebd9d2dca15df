package detect

import (
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
)

// maxText bounds what is copied of one field of a record: a finding shows less.
const maxText = 1024

// sampled says whether the nth hit of a group is copied as evidence: the first
// three, then fewer and fewer, so that a group of many still shows its spread.
func sampled(n int64) bool { return n <= 3 || n&(n-1) == 0 }

func copied(t logs.Text) string {
	if len(t) > maxText {
		t = t[:maxText]
	}
	return string(t)
}

func accessEvidence(r *s3access.Row) finding.Evidence {
	return finding.Evidence{
		Time: r.RequestTime, LogKey: copied(r.LogKey), LogLine: int64(r.LogLine),
		RequestID: copied(r.RequestID), Operation: copied(r.Operation),
		Bucket: copied(r.BucketName), Key: copied(r.KeyName),
		RemoteIP: copied(r.RemoteIP), Requester: copied(r.Requester), Account: copied(r.RequesterAccount),
		UserAgent: copied(r.UserAgent), RequestURI: copied(r.RequestURI),
		ErrorCode: copied(r.ErrorCode), TLSVersion: copied(r.TLSVersion),
		Status: r.HTTPStatus, BytesSent: r.BytesSentSize,
		Ambiguous: string(r.ParseStatus) == "ambiguous",
	}
}

func trailEvidence(r *cloudtrail.Row) finding.Evidence {
	return finding.Evidence{
		Time: r.EventTime, LogKey: copied(r.LogKey), LogLine: int64(r.LogLine),
		RequestID: copied(r.RequestID), Operation: copied(r.EventName),
		Bucket: copied(r.BucketName), Key: copied(r.KeyName),
		RemoteIP: copied(r.SourceIPAddress), Requester: copied(r.UserIdentityARN), Account: copied(r.UserIdentityAccountID),
		UserAgent: copied(r.UserAgent),
		ErrorCode: copied(r.ErrorCode), TLSVersion: copied(r.TLSVersion),
		BytesSent: r.BytesOut,
	}
}

// sizeOf is about how much memory an evidence takes.
func sizeOf(e *finding.Evidence) int {
	n := 320
	for _, s := range []string{e.RequestID, e.Operation, e.Bucket, e.Key, e.RemoteIP, e.Requester, e.Account,
		e.UserAgent, e.RequestURI, e.ErrorCode, e.TLSVersion, e.LogKey} {
		n += len(s)
	}
	return n
}

// place is where a finding is: of the first record of its group.
type place struct{ account, region, bucket string }

func accessPlace(r *s3access.Row) place {
	return place{region: copied(r.BucketRegion), bucket: copied(r.BucketName)}
}

func trailPlace(r *cloudtrail.Row) place {
	return place{account: copied(r.RecipientAccountID), region: copied(r.AWSRegion), bucket: copied(r.BucketName)}
}

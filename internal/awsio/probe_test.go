package awsio

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnnounces(t *testing.T) {
	for answer, want := range map[string][]string{
		"= <NotificationConfiguration/>": nil,
		"= <NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:eu-central-1:111122223333:q</Queue><Event>s3:ObjectCreated:*</Event>" +
			"<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>a/</Value></FilterRule><FilterRule><Name>suffix</Name><Value></Value></FilterRule></S3Key></Filter></QueueConfiguration>" +
			"<QueueConfiguration><Queue>arn:aws:sqs:eu-central-1:111122223333:others</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>b/</Value></FilterRule></S3Key></Filter></QueueConfiguration>" +
			"<QueueConfiguration><Queue>arn:aws:sqs:eu-central-1:111122223333:zipped</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>suffix</Name><Value>.gz</Value></FilterRule></S3Key></Filter></QueueConfiguration>" +
			"<QueueConfiguration><Queue>arn:aws:sqs:eu-central-1:111122223333:deep</Queue><Event>s3:ObjectCreated:Put</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>a/b/2026</Value></FilterRule></S3Key></Filter></QueueConfiguration>" +
			"<TopicConfiguration><Topic>arn:aws:sns:eu-central-1:111122223333:t</Topic><Event>s3:ObjectRemoved:*</Event></TopicConfiguration>" +
			"<EventBridgeConfiguration/></NotificationConfiguration>": {`arn:aws:sqs:eu-central-1:111122223333:q (prefix "a/" only)`, `arn:aws:sqs:eu-central-1:111122223333:deep (prefix "a/b/2026" only)`, "EventBridge"},
	} {
		b, _ := scripted(t, map[string]string{"GET /logs?notification=": answer})
		got, err := b.Announces(t.Context(), "logs", "a/b/")
		if d := cmp.Diff(got, want); err != nil || d != "" {
			t.Errorf("%v (-got +want):\n%s", err, d)
		}
	}
	b, _ := scripted(t, map[string]string{"GET /logs?notification=": "403 AccessDenied"})
	if got, err := b.Announces(t.Context(), "logs", "a/b/"); err == nil {
		t.Errorf("denied: %v", got)
	}
}

func TestAsk(t *testing.T) {
	for answer, ok := range map[string]bool{"404 NoSuchKey": true, "403 AccessDenied": true, "= there": false} {
		b, _ := scripted(t, map[string]string{"HEAD /photos/sluice-probe-1?": answer})
		if _, err := b.Ask(t.Context(), "photos", "sluice-probe-1"); (err == nil) != ok {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

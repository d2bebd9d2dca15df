package awsio

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnnounces(t *testing.T) {
	for answer, want := range map[string][]string{
		"= <NotificationConfiguration/>": nil,
		"= <NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:eu-central-1:111122223333:q</Queue><Event>s3:ObjectCreated:*</Event>" +
			"<Filter><S3Key><FilterRule><Name>prefix</Name><Value>a/</Value></FilterRule></S3Key></Filter></QueueConfiguration>" +
			"<TopicConfiguration><Topic>arn:aws:sns:eu-central-1:111122223333:t</Topic><Event>s3:ObjectRemoved:*</Event></TopicConfiguration>" +
			"<EventBridgeConfiguration/></NotificationConfiguration>": {`arn:aws:sqs:eu-central-1:111122223333:q (prefix "a/" only)`, "EventBridge"},
	} {
		b, _ := scripted(t, map[string]string{"GET /logs?notification=": answer})
		got, err := b.Announces(t.Context(), "logs")
		if d := cmp.Diff(got, want); err != nil || d != "" {
			t.Errorf("%v (-got +want):\n%s", err, d)
		}
	}
	b, _ := scripted(t, map[string]string{"GET /logs?notification=": "403 AccessDenied"})
	if got, err := b.Announces(t.Context(), "logs"); err == nil {
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

// Package awsio is the edge to AWS: what an event announces, and S3 as the
// place where delivered files are read and the lake is written. Nothing else
// inside imports AWS, so everything else runs on a laptop and in plain tests.
package awsio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"sluice/internal/pipeline"
)

// maxNesting is how many envelopes may lie around each other. SNS around
// EventBridge around nothing is two; more is not a thing AWS sends.
const maxNesting = 3

// Objects returns the objects that one message announces as created. It reads
// S3 notifications, EventBridge "Object Created" events, and both of them
// wrapped by SNS, as they arrive in an SQS body or in a direct invocation.
//
// A record that makes no sense is an error naming that record, beside the
// objects of the others. A message of an unknown shape, or about something
// other than a creation, is an error too: a wrong subscription must be noticed.
// The test event that S3 sends when notifications are switched on has neither
// objects nor an error.
func Objects(raw json.RawMessage) ([]pipeline.Object, error) {
	return objects(raw, maxNesting)
}

// envelope is the union of all outer shapes. Only what tells them apart is
// typed here: a surprise inside one record must not spoil its neighbours.
type envelope struct {
	Records []json.RawMessage `json:"Records"` // S3, or SNS straight to Lambda

	Type    string  `json:"Type"` // SNS in an SQS body
	Message *string `json:"Message"`

	Event string `json:"Event"` // s3:TestEvent

	Source     string          `json:"source"` // EventBridge
	DetailType string          `json:"detail-type"`
	Time       string          `json:"time"`
	Detail     json.RawMessage `json:"detail"`
}

func objects(raw []byte, depth int) ([]pipeline.Object, error) {
	if depth == 0 {
		return nil, fmt.Errorf("event: more than %d envelopes around each other", maxNesting)
	}
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	switch {
	case len(e.Records) > 0:
		return fromRecords(e.Records, depth)
	case e.Event == "s3:TestEvent":
		return nil, nil
	case e.Message != nil && e.Type == "Notification":
		return objects([]byte(*e.Message), depth-1)
	case e.Source == "aws.s3":
		o, err := fromEventBridge(e)
		if err != nil {
			return nil, fmt.Errorf("event: %w", err)
		}
		return []pipeline.Object{o}, nil
	case e.Message != nil && e.Type != "":
		return nil, fmt.Errorf("event: SNS message of type %q is not a notification", e.Type)
	case e.Source != "":
		return nil, fmt.Errorf("event: EventBridge event %q of %q is not from S3", e.DetailType, e.Source)
	}
	return nil, errors.New("event: unknown shape: no S3, SNS or EventBridge event")
}

func fromRecords(records []json.RawMessage, depth int) ([]pipeline.Object, error) {
	var objs []pipeline.Object
	var errs []error
	for i, raw := range records {
		got, err := fromRecord(raw, depth)
		objs = append(objs, got...)
		if err != nil {
			errs = append(errs, fmt.Errorf("event: record %d: %w", i, err))
		}
	}
	return objs, errors.Join(errs...)
}

func fromRecord(raw []byte, depth int) ([]pipeline.Object, error) {
	var r struct {
		// SNS writes EventSource, S3 eventSource: encoding/json takes both.
		EventSource string `json:"eventSource"`
		SNS         struct {
			Message string `json:"Message"`
		} `json:"Sns"`
		EventName string `json:"eventName"`
		EventTime string `json:"eventTime"`
		S3        struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key       string `json:"key"`
				Size      *int64 `json:"size"`
				ETag      string `json:"eTag"`
				VersionID string `json:"versionId"`
				Sequencer string `json:"sequencer"`
			} `json:"object"`
		} `json:"s3"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	switch r.EventSource {
	case "aws:s3":
	case "aws:sns":
		return objects([]byte(r.SNS.Message), depth-1)
	default:
		return nil, fmt.Errorf("source %q is neither S3 nor SNS", r.EventSource)
	}
	// Some local servers write the name as it is subscribed to, with "s3:".
	if !strings.HasPrefix(strings.TrimPrefix(r.EventName, "s3:"), "ObjectCreated:") {
		return nil, fmt.Errorf("event %q is not ObjectCreated: subscribe this function to s3:ObjectCreated:* only", r.EventName)
	}
	so := r.S3.Object
	// Notifications carry the key form-encoded, EventBridge does not.
	key, err := url.QueryUnescape(so.Key)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", so.Key, err)
	}
	o, err := newObject(r.S3.Bucket.Name, key, version(so.VersionID, so.ETag, so.Sequencer), so.Size, r.EventTime)
	if err != nil {
		return nil, err
	}
	o.RowsOnly = r.EventName == rowsOnlyEvent
	return []pipeline.Object{o}, nil
}

func fromEventBridge(e envelope) (pipeline.Object, error) {
	if e.DetailType != "Object Created" {
		return pipeline.Object{}, fmt.Errorf("EventBridge event %q is not \"Object Created\": narrow the rule to that detail-type", e.DetailType)
	}
	var d struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      *int64 `json:"size"`
			ETag      string `json:"etag"`
			VersionID string `json:"version-id"`
			Sequencer string `json:"sequencer"`
		} `json:"object"`
	}
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return pipeline.Object{}, fmt.Errorf("detail: %w", err)
	}
	do := d.Object
	return newObject(d.Bucket.Name, do.Key, version(do.VersionID, do.ETag, do.Sequencer), do.Size, e.Time)
}

func newObject(bucket, key, version string, size *int64, at string) (pipeline.Object, error) {
	if bucket == "" || key == "" {
		return pipeline.Object{}, fmt.Errorf("bucket %q, key %q: one of them is missing", bucket, key)
	}
	o := pipeline.Object{Bucket: bucket, Key: key, Version: version, Size: -1, Modified: eventTime(at)}
	if size != nil && *size >= 0 {
		o.Size = *size
	}
	return o, nil
}

// eventTime is lenient: the time dates rejects and measures lag, and neither is
// worth a lost file. The zero time says that it could not be read.
func eventTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

const (
	etagVersion      = "etag:"
	sequencerVersion = "sequencer:"
)

// nullVersion is what S3 calls the version of an object that was written while
// its bucket kept none. It tells nothing: the next such object has the same.
const nullVersion = "null"

// version tells two contents of one key apart: the version id where the bucket
// has versions, else the ETag, else the sequencer of the event. The last two are
// marked, because reading one object differs by which of them is known.
func version(id, etag, sequencer string) string {
	etag = strings.Trim(etag, `"`)
	switch {
	case id != "" && id != nullVersion:
		return id
	case etag != "":
		return etagVersion + etag
	case sequencer != "":
		return sequencerVersion + sequencer
	}
	return ""
}

// Package enroll makes buckets log. It looks at what each bucket does with its
// server access logs, plans what must change so that Sluice gets them, changes
// it, remembers what was there before, and gives that back.
//
// It knows S3 as an interface, so a plan is the same on a laptop and in the
// custom resource of the stack, and is tested without either.
package enroll

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Bucket is a bucket of the account.
type Bucket struct {
	Name    string
	Region  string // "" where S3 did not say
	Created time.Time
}

// KeyFormat is how S3 names delivered files (S3 User Guide, "Logging requests
// with server access logging", log object key format).
type KeyFormat string

// The formats that there are. What enrolment sets is ByEventTime: a folder holds
// one day of requests of one bucket, however late they were delivered.
const (
	Simple         KeyFormat = "simple"        // PREFIX YYYY-mm-DD-HH-MM-SS-UNIQUE
	ByEventTime    KeyFormat = "event-time"    // PREFIX ACCOUNT/REGION/BUCKET/YYYY/MM/DD/…, of the requests
	ByDeliveryTime KeyFormat = "delivery-time" // the same, of the delivery
)

// Logging is where a bucket delivers its access logs.
type Logging struct {
	Target string    `json:"target"` // bucket
	Prefix string    `json:"prefix"` // put before the key as it is: no slash is added
	Format KeyFormat `json:"format"`
	Grants []Grant   `json:"grants,omitempty"` // rights on delivered objects, only where the target has ACLs on
}

// Grant is a right that delivered objects carry. Enrolment sets none; it is here
// so that what was there before can be given back whole.
type Grant struct {
	Type       string `json:"type"` // CanonicalUser, Group or AmazonCustomerByEmail
	ID         string `json:"id,omitempty"`
	URI        string `json:"uri,omitempty"`
	Email      string `json:"email,omitempty"`
	Permission string `json:"permission"`
}

// Same tells whether two buckets' logging is the same; nil is no logging.
func (l *Logging) Same(as *Logging) bool {
	if l == nil || as == nil {
		return l == as
	}
	return l.Target == as.Target && l.Prefix == as.Prefix && l.Format == as.Format && slices.Equal(l.Grants, as.Grants)
}

// String is a place for a person: off, or s3://target/prefix (format).
func (l *Logging) String() string {
	if l == nil {
		return "off"
	}
	return "s3://" + l.Target + "/" + l.Prefix + " (" + string(l.Format) + ")"
}

// Buckets is what enrolment and coverage need of S3.
type Buckets interface {
	// List returns all buckets that the account owns, by name.
	List(ctx context.Context) ([]Bucket, error)
	// Logging returns what a bucket does with its access logs, nil where it does
	// nothing. ErrNoBucket is among the errors.
	Logging(ctx context.Context, bucket string) (*Logging, error)
	// SetLogging changes it, nil switches it off. S3 takes an hour or so to act on
	// it, and answers with it at once.
	SetLogging(ctx context.Context, bucket string, to *Logging) error
}

// ErrNoBucket is the error about a bucket that is not there, or was deleted since.
var ErrNoBucket = errors.New("no such bucket")

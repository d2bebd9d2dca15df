package coverage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"time"

	"sluice/internal/detect"
	"sluice/internal/table"
)

// Inventory lists the buckets of an account with their settings. A bucket whose
// settings cannot be read is listed with its Fault.
type Inventory interface {
	Buckets(ctx context.Context) ([]Bucket, error)
}

// Noter takes sightings. Note may be repeated: hours add up.
type Noter interface {
	Note(ctx context.Context, all []Sighting) error
}

// Reader is what was noted of buckets. It changes nothing.
type Reader interface {
	// Sightings gives those from a day on, in any order.
	Sightings(ctx context.Context, from, to time.Time) iter.Seq2[Sighting, error]
	// Known gives what the look before left.
	Known(ctx context.Context) ([]Known, error)
}

// Store also takes what a look leaves for the next. Keep may be repeated.
type Store interface {
	Reader
	Keep(ctx context.Context, all []Known) error
}

// Shelf takes objects that stand for themselves.
type Shelf interface {
	Write(ctx context.Context, staged []table.Object) error
}

// View is an account as a look sees it.
type View struct {
	Account, Region string
	Converted       []string
	Keeps           map[string]string
	Silence         time.Duration
	Inventory       Inventory
	Noted           Reader
	Now             func() time.Time
}

// Config is what Daily is made from. Noted of its view may be nil: it is Store.
type Config struct {
	View
	Function string // the dimension of the metrics

	Store  Store
	State  detect.State  // remembers which findings were told
	Outlet detect.Outlet // tells them
	Shelf  Shelf         // of the lake
	Stage  string        // a directory for unfinished objects
	Out    io.Writer     // log lines and metrics, one JSON object a line
}

// Daily looks once a day.
type Daily struct {
	c   Config
	log *slog.Logger
}

// NewDaily returns a Daily. It makes no request.
func NewDaily(c Config) *Daily {
	c.Noted = c.Store
	return &Daily{c: c, log: slog.New(slog.NewJSONHandler(c.Out, nil))}
}

// told is how long a finding is remembered as told.
const told = 400 * 24 * time.Hour

// Handle is one look: rows, then findings, then what the next look compares with.
// It may be repeated after an error at any point. Rows of a day are written once,
// by the first look that came so far; a finding is told once; and until all is
// done the next look compares with what this one did.
func (d *Daily) Handle(ctx context.Context) error {
	r, now, err := d.c.Take(ctx)
	if err != nil {
		return err
	}
	if err := d.write(ctx, r, now); err != nil {
		return fmt.Errorf("table %s: %w", Table.Name, err)
	}
	fs := r.Findings(d.c.Account, d.c.Region, now)
	for _, f := range fs {
		if err := detect.TellOnce(ctx, d.c.State, d.c.Outlet, f, d.c.Function, now, told); err != nil {
			return fmt.Errorf("finding %s: %w", f.UID, err)
		}
	}
	if err := d.c.Store.Keep(ctx, r.Known); err != nil {
		return fmt.Errorf("remember buckets: %w", err)
	}
	d.log.Info("buckets compared", "buckets", len(r.Rows), "silent", r.Count(Silent), "off", r.Count(Off), "findings", len(fs))
	return d.metrics(r, now)
}

// Take looks, and writes nothing.
func (c *View) Take(ctx context.Context) (r *Report, now time.Time, err error) {
	now = c.Now().UTC()
	l, err := c.look(ctx, now)
	if err != nil {
		return nil, now, err
	}
	return l.Take(), now, nil
}

// look gathers what a look goes by.
func (c *View) look(ctx context.Context, now time.Time) (*Look, error) {
	l := &Look{Now: now, Account: c.Account, Region: c.Region, Converted: c.Converted, Keeps: c.Keeps, Silence: c.Silence}
	var err error
	if l.Buckets, err = c.Inventory.Buckets(ctx); err != nil {
		return nil, fmt.Errorf("list buckets: %w", err)
	}
	for s, err := range c.Noted.Sightings(ctx, now.Add(-Memory), now.Add(time.Hour)) { // clocks differ
		if err != nil {
			return nil, fmt.Errorf("read what was seen of buckets: %w", err)
		}
		l.Sightings = append(l.Sightings, s)
	}
	if l.Before, err = c.Noted.Known(ctx); err != nil {
		return nil, fmt.Errorf("read what was known of buckets: %w", err)
	}
	return l, nil
}

// write puts the rows of a look into the lake. The object is named by account,
// Region and day: a look that is repeated finds it there.
func (d *Daily) write(ctx context.Context, r *Report, now time.Time) (err error) {
	if len(r.Rows) == 0 {
		return nil
	}
	stage, err := table.NewStage(d.c.Stage)
	if err != nil {
		return err
	}
	w, err := table.New(Table, stage)
	if err != nil {
		return err
	}
	for i := range r.Rows {
		if err := w.Write(&r.Rows[i]); err != nil {
			return errors.Join(err, w.Abort())
		}
	}
	objects, err := w.Close(nameOf(d.c.Account, d.c.Region, now))
	if err != nil {
		return err
	}
	err = d.c.Shelf.Write(ctx, objects)
	for _, o := range objects {
		if rerr := os.Remove(o.Path); !errors.Is(rerr, os.ErrNotExist) { // a shelf may take them over
			err = errors.Join(err, rerr)
		}
	}
	return err
}

func nameOf(account, region string, now time.Time) string {
	sum := sha256.Sum256([]byte("coverage\n" + account + "\n" + region + "\n" + now.Format(time.DateOnly)))
	return hex.EncodeToString(sum[:16])
}

// metrics puts the numbers of a look on one line in CloudWatch's embedded metric
// format. Buckets are no dimension: each would be paid for as a metric.
func (d *Daily) metrics(r *Report, now time.Time) error {
	doc := map[string]any{"Function": d.c.Function}
	type definition struct{ Name, Unit string }
	var defs []definition
	metric := func(name, unit string, v any) {
		doc[name] = v
		defs = append(defs, definition{name, unit})
	}
	metric("Buckets", "Count", len(r.Rows))
	metric("BucketsLogging", "Count", r.Count(Logging))
	metric("BucketsWaiting", "Count", r.Count(Waiting))
	metric("BucketsSilent", "Count", r.Count(Silent))
	metric("BucketsOff", "Count", r.Count(Off))
	metric("BucketsElsewhere", "Count", r.Count(Elsewhere))
	metric("BucketsUnknown", "Count", r.Count(Unknown))
	doc["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": "Sluice", "Dimensions": [][]string{{"Function"}}, "Metrics": defs,
		}},
	}
	line, err := json.Marshal(doc)
	if err == nil {
		_, err = d.c.Out.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

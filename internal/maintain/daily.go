package maintain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"sluice/internal/pack"
)

const (
	// A query runs for half an hour at most (Amazon Athena User Guide, "Service
	// Quotas"), and who asks may read on for a while: a day is generous.
	grace = 24 * time.Hour
	// Two objects would cost a plan and save a read.
	least = 3
	// A statement names each object twice and takes 262,144 bytes.
	most = 400
	// What a run takes on of one table: some minutes of Athena's time.
	atOnce = 10
	// Before Lambda ends the function, for the last words.
	lastWords = 20 * time.Second
)

// Lake is what is packed: live objects, and notes.
type Lake interface {
	pack.Objects
	pack.Notes
}

// Config is what a Daily is made from.
type Config struct {
	Settings
	Lake       Lake
	Statements pack.Statements
	Now        func() time.Time
	Out        io.Writer // log lines and metrics, one JSON object a line
}

// Daily packs once a day.
type Daily struct {
	c      Config
	tables []string
	sql    *pack.SQL
	packer *pack.Packer // nil where packing is off
	log    *slog.Logger
}

// NewDaily returns a Daily. It makes no request.
func NewDaily(c Config) (*Daily, error) {
	tables, err := Tables(c.LakeBucket)
	if err != nil {
		return nil, err
	}
	d := &Daily{c: c, tables: names(tables), log: slog.New(slog.NewJSONHandler(c.Out, nil))}
	if c.Days == 0 {
		return d, nil
	}
	d.sql = pack.NewSQL(c.Statements, "s3://"+c.LakeBucket+"/"+c.LakePrefix, c.Database, tables)
	d.packer, err = pack.New(pack.Config{
		Engine: d.sql, Keeper: d.sql, Objects: c.Lake, Notes: c.Lake, Tables: d.tables,
		Days: c.Days, First: c.First, Grace: grace, Least: least, Most: most, AtOnce: atOnce, Keep: c.Keep, Now: c.Now,
	})
	return d, err
}

// Handle is one run. It may be repeated after an error, and cut at any point: the
// next run goes on.
func (d *Daily) Handle(ctx context.Context) error {
	if d.packer == nil {
		d.log.Info("packing is off")
		return nil
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-lastWords))
		defer cancel()
	}
	r, err := d.packer.Run(ctx)
	if r.Cut && len(r.Packed)+r.Removed+r.Expired == 0 {
		// Runs that are cut one after the other and never get anywhere.
		r.Failed++
		err = errors.Join(err, errors.New("the time was over before anything was done: does a statement wait in Athena?"))
	}
	objects, rows := 0, int64(0)
	for _, p := range r.Packed {
		objects, rows = objects+len(p.Parts), rows+p.Rows()
		d.log.Info("day packed", "table", p.Table, "day", p.Day, "plan", p.Number, "objects", len(p.Parts), "rows", p.Rows())
	}
	d.log.Info("run ended", "plans", len(r.Packed), "objects", objects, "rows", rows, "removed", r.Removed, "expired", r.Expired,
		"undone", r.Undone, "failed", r.Failed, "waiting", r.Waiting, "cut", r.Cut)
	return errors.Join(err, d.metrics(r, objects, rows))
}

// ErrPacked says that packing cannot be switched off any more.
var ErrPacked = errors.New("days are packed and would be missing from every answer")

// Ready is what a deployment asks for before it changes the names that people
// ask. Where packing is on, the tables are made that they will stand for. Where it
// is off, they must stand for all there is: what is packed would be missing from
// every answer.
func (d *Daily) Ready(ctx context.Context) error {
	if d.packer != nil {
		for _, name := range d.tables {
			if err := d.sql.Prepare(ctx, name); err != nil {
				return fmt.Errorf("prepare to pack %s: %w", name, err)
			}
		}
		d.log.Info("packed tables are ready", "tables", len(d.tables))
		return nil
	}
	for o, err := range d.c.Lake.List(ctx, pack.NotesFolder) {
		if err != nil {
			return fmt.Errorf("look for packed days: %w", err)
		}
		day, _, _ := strings.Cut(strings.TrimPrefix(o.Name, pack.NotesFolder), "/0")
		return fmt.Errorf("PackAfterDays cannot be 0 any more, 36500 packs no more and keeps what is there: %w (the first is %s)", ErrPacked, day)
	}
	d.log.Info("nothing is packed")
	return nil
}

// metrics puts the numbers of a run on one line in CloudWatch's embedded metric
// format.
func (d *Daily) metrics(r pack.Report, objects int, rows int64) error {
	doc := map[string]any{"Function": d.c.Function}
	type definition struct{ Name, Unit string }
	var defs []definition
	metric := func(name, unit string, v any) {
		doc[name] = v
		defs = append(defs, definition{name, unit})
	}
	metric("PackedRows", "Count", rows)
	metric("PackedObjects", "Count", objects)
	metric("PackRemoved", "Count", r.Removed)
	metric("PackWaiting", "Count", r.Waiting)
	metric("PackUndone", "Count", r.Undone)
	metric("PackFailed", "Count", r.Failed)
	doc["_aws"] = map[string]any{
		"Timestamp": d.c.Now().UnixMilli(),
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

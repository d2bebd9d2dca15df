package backfill

import (
	"io"
	"net/url"
	"slices"
	"strings"

	"sluice/internal/logs"
)

// maxManifestKey is how long an encoded key may be in a list.
const maxManifestKey = 1024

// Named says whether a name is one that AWS gives a log file, and what a sibling
// of one is that is none.
type Named func(key string) (ok bool, skip string)

// Plan is what a backfill of some files would be. It is made while they are
// listed, and its size does not depend on how many they are.
type Plan struct {
	Files, Bytes int64
	TrailFiles   int64 // of them from CloudTrail, which are zipped
	TrailBytes   int64
	First, Last  logs.Time // delivered; 0 without files
	Years        []Count   // by year of delivery, in order
	Left         []Count   // what is left out, by reason, most first
	Archived     []Count   // of Files, those that have to be restored first, by archive
	years        map[string]*Count
	left         map[string]*Count
	archived     map[string]*Count
}

// Count is some of the files.
type Count struct {
	What         string
	Files, Bytes int64
	Example      string // key of the first
}

// Planner goes through a list of files.
type Planner struct {
	Window Window
	Named  Named // nil takes files of any name
	plan   Plan
	rows   *ordered // of the manifest, nil for none
}

// NewPlanner writes what is to be converted to manifest, unless that is nil: the
// list that S3 Batch Operations reads, a bucket and an encoded key a line, by
// their time of delivery.
func NewPlanner(w Window, named Named, manifest io.Writer) *Planner {
	p := &Planner{Window: w, Named: named, plan: Plan{years: map[string]*Count{}, left: map[string]*Count{}, archived: map[string]*Count{}}}
	if manifest != nil {
		p.rows = &ordered{out: manifest, limit: memoryOfOrder}
	}
	return p
}

// Why files are left out.
const (
	otherName  = "no name that S3 or CloudTrail gives a log file"
	notTime    = "not delivered in the time asked for"
	folderMark = "an empty folder"
	tooLong    = "a key that is too long for the list of a job"
)

// Add looks at one file of the list. The error is that of writing the manifest.
func (p *Planner) Add(f File) error {
	if why := p.leaves(f); why != "" {
		tally(p.plan.left, why, f)
		return nil
	}
	at := Delivered(f.Key, f.Modified)
	if p.plan.Files == 0 {
		p.plan.First, p.plan.Last = at, at
	}
	p.plan.First, p.plan.Last = min(p.plan.First, at), max(p.plan.Last, at)
	p.plan.Files++
	p.plan.Bytes += max(0, f.Size)
	if strings.HasSuffix(f.Key, ".json.gz") {
		p.plan.TrailFiles++
		p.plan.TrailBytes += max(0, f.Size)
	}
	tally(p.plan.years, at.Go().Format("2006"), f)
	if f.Archived != "" {
		tally(p.plan.archived, f.Archived, f)
	}
	if p.rows == nil {
		return nil
	}
	return p.rows.add(at, f.Bucket+","+encoded(f.Key))
}

func (p *Planner) leaves(f File) string {
	if strings.HasSuffix(f.Key, "/") && f.Size == 0 {
		return folderMark
	}
	if p.Named != nil {
		if ok, skip := p.Named(f.Key); skip != "" {
			return skip
		} else if !ok {
			return otherName
		}
	}
	switch {
	case !p.Window.Holds(f.Key, f.Modified):
		return notTime
	case len(encoded(f.Key)) > maxManifestKey:
		return tooLong
	}
	return ""
}

// encoded is a key as a list has it. Both ways to decode a plus give the same.
func encoded(key string) string {
	return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(key))
}

// Done ends the list and returns the plan. It must be called, also after an error
// of Add: what waits in files is removed by it.
func (p *Planner) Done() (Plan, error) {
	plan := p.plan
	plan.Years = counts(plan.years)
	slices.SortFunc(plan.Years, func(a, b Count) int { return strings.Compare(a.What, b.What) })
	plan.Left, plan.Archived = counts(plan.left), counts(plan.archived)
	if p.rows == nil {
		return plan, nil
	}
	return plan, p.rows.close()
}

func tally(of map[string]*Count, what string, f File) {
	c := of[what]
	if c == nil {
		c = &Count{What: what, Example: f.Key}
		of[what] = c
	}
	c.Files++
	c.Bytes += max(0, f.Size)
}

func counts(of map[string]*Count) (all []Count) {
	for _, c := range of {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Count) int {
		if a.Files != b.Files {
			return int(min(1, max(-1, b.Files-a.Files)))
		}
		return strings.Compare(a.What, b.What)
	})
	return all
}

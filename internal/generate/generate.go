// Package generate writes log files as S3 and CloudTrail deliver them: seeded,
// so the same options give the same bytes, and with a truth that says exactly
// what a converter must find.
//
// It writes the formats on its own, without the parsers of this module: a
// writer that shared their code would share their mistakes.
package generate

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Options says what to generate. The zero value of a field that has a default
// means the default.
type Options struct {
	Seed         int64     `json:"seed"`
	Lines        int64     `json:"lines"`          // of access logs, without those of the scenarios
	Events       int64     `json:"events"`         // CloudTrail records, without those of the scenarios
	Start        time.Time `json:"start"`          // first day, UTC; default 2026-03-02
	Days         int       `json:"days"`           // default 1
	LinesPerFile int       `json:"lines_per_file"` // mean of access-log files; default 110
	Scenarios    []string  `json:"scenarios"`      // names, or "all"
	Account      string    `json:"account"`        // default 111122223333
	Region       string    `json:"region"`         // default us-west-2
}

// ErrOptions is that options ask for what cannot be, and nothing was written.
var ErrOptions = errors.New("generate")

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

// complete fills in the defaults and reports every fault at once.
func (o Options) complete() (Options, error) {
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	}
	o.Start = o.Start.UTC().Truncate(24 * time.Hour)
	if o.Days == 0 {
		o.Days = 1
	}
	if o.LinesPerFile == 0 {
		o.LinesPerFile = 110
	}
	if o.Account == "" {
		o.Account = "111122223333"
	}
	if o.Region == "" {
		o.Region = "us-west-2"
	}
	var faults []error
	if o.Lines < 0 || o.Events < 0 || o.Days < 0 || o.LinesPerFile < 0 {
		faults = append(faults, errors.New("a number is negative"))
	}
	if y := o.Start.Year(); y < 1970 || y > 9000 {
		faults = append(faults, fmt.Errorf("start %s: want a year from 1970 to 9000", o.Start.Format(time.DateOnly)))
	}
	if o.Days > 3660 {
		faults = append(faults, fmt.Errorf("%d days: want at most 3660", o.Days))
	}
	if !accountForm.MatchString(o.Account) {
		faults = append(faults, fmt.Errorf("account %q: want 12 digits", o.Account))
	}
	if !regionForm.MatchString(o.Region) {
		faults = append(faults, fmt.Errorf("region %q: want one like us-west-2", o.Region))
	}
	var names []string
	for _, s := range scenarios {
		names = append(names, s.Name)
	}
	if slices.Contains(o.Scenarios, "all") {
		o.Scenarios = names
	}
	var chosen []string
	for _, name := range names { // in the order of the list, each once
		if slices.Contains(o.Scenarios, name) {
			chosen = append(chosen, name)
		}
	}
	for _, name := range o.Scenarios {
		if !slices.Contains(names, name) {
			faults = append(faults, fmt.Errorf("scenario %q: want all, or some of %s", name, strings.Join(names, ", ")))
		}
	}
	o.Scenarios = chosen
	if o.Lines == 0 && o.Events == 0 && len(o.Scenarios) == 0 {
		faults = append(faults, errors.New("no lines, no events, no scenarios: nothing to do"))
	}
	if err := errors.Join(faults...); err != nil {
		return o, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	return o, nil
}

// Write fills the folder dir as a log bucket would be filled, and dir/_truth.json
// with what it holds. dir must be empty or missing, or hold what the same
// options gave before. progress, when not nil, is told lines and records done
// after every file, and ends it with an error.
func Write(dir string, o Options, progress func(done, total int64) error) (*Truth, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if err := claim(dir, o); err != nil {
		return nil, err
	}
	if err := (&Truth{Options: o}).write(dir); err != nil {
		return nil, err
	}
	r := newRun(dir, o, progress)
	if err := r.all(); err != nil {
		return nil, err
	}
	var planted []Planted
	for _, p := range r.plots {
		planted = append(planted, p.result())
	}
	truth := r.tally.truth(o, planted)
	return truth, truth.write(dir)
}

// claim makes dir, and refuses one that holds anything but what these options
// gave before: its truth would be wrong.
func claim(dir string, o Options) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, TruthFile))
	if err != nil {
		return fmt.Errorf("generate: folder %s is not empty: name another, or remove it first", dir)
	}
	var before Truth
	if err := json.Unmarshal(text, &before); err != nil || !reflect.DeepEqual(before.Options, o) {
		return fmt.Errorf("generate: folder %s holds logs of other options: name another, or remove it first", dir)
	}
	return nil
}

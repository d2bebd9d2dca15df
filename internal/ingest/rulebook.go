package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice/internal/clean"
	"sluice/internal/detect"
	"sluice/internal/sigma"
)

const (
	rereadRules = 5 * time.Minute  // at most so often
	rulesTime   = 20 * time.Second // for reading and reporting, of an invocation that has files to convert
)

// ruleBook is the rules in use: the shipped ones, and those of the site's folder
// as it was when it could last be read. Nothing that is wrong there keeps a file
// from being converted: what cannot be used is left out, said in the log and in
// the metrics, and reported once.
//
// Of a site file that has faults, what is in order is used, and what is not is as
// it was before. A process that starts while the file is broken has no before: it
// works without the lists that it cannot read. Rules that need them are idle then,
// and those that a list would have kept quiet tell too much rather than too
// little.
type ruleBook struct {
	folder *ruleFolder // nil for the shipped rules only
	now    func() time.Time
	log    *slog.Logger
	about  reporter

	next    time.Time // when to look into the folder again
	rules   *detect.Rules
	site    sigma.Site   // as far as it could be read, now or before
	faults  int          // documents that cannot be used
	unread  bool         // the folder could not be read
	pending []brokenFile // not reported yet
}

// current returns the rules to use now: the same as before when nothing changed.
func (b *ruleBook) current(ctx context.Context) *detect.Rules {
	now := b.now()
	if b.rules != nil && now.Before(b.next) {
		return b.rules
	}
	b.next = now.Add(rereadRules)
	changed := b.rules == nil
	if b.folder != nil {
		c, err := b.folder.read(ctx)
		if b.unread = err != nil; b.unread {
			b.log.Error("rules of the site not read, those of before stay in use", "error", shown(err))
		}
		changed = changed || c
	}
	if changed {
		b.load()
	}
	return b.rules
}

// broken is how much is wrong with the rules.
func (b *ruleBook) broken() int64 {
	n := int64(b.faults)
	if b.unread {
		n++
	}
	return n
}

// load reads all documents anew.
func (b *ruleBook) load() {
	var files []ruleFile
	var left []string
	if b.folder != nil {
		files, left = b.folder.sorted(), b.folder.left
	}
	var o detect.Options
	var problems []sigma.Problem
	for _, f := range files {
		if !f.isSite() {
			o.User = append(o.User, sigma.Source{Name: f.name, Text: f.text, Layer: 1})
			continue
		}
		if o.SiteFile != "" {
			problems = append(problems, sigma.Problem{File: f.name, Reason: "not read: there is a site.yaml already"})
			continue
		}
		site, faults := sigma.ParseSite(f.name, f.text)
		problems = append(problems, faults...)
		if len(faults) > 0 {
			if kept := b.keep(site); kept != "" {
				problems = append(problems, sigma.Problem{File: f.name, Reason: "as they were before stay " + kept})
			}
		}
		o.Site, o.SiteFile = site, f.name
	}
	b.site = o.Site
	rules, faults := detect.Load(o)
	problems = append(problems, faults...)
	for _, l := range left {
		problems = append(problems, sigma.Problem{File: b.folder.prefix, Reason: l})
	}
	for _, p := range problems {
		b.log.Error("rule not used", "file", clean.Line(p.File), "reason", shown(p))
	}
	b.rules, b.faults, b.pending = rules, len(problems), brokenFiles(files, problems)
	b.log.Info("rules loaded", "rules", len(rules.Set.Rules), "correlations", len(rules.Set.Correlations),
		"filters", len(rules.Set.Filters), "idle", len(rules.Set.Idle), "broken", len(problems), "files", len(files))
}

// keep adds to a site whose file has faults the lists that it lacks and that were
// there before, and names them. Lists say what is harmless, so to lose them to a
// typing error would be a flood of messages; and a list that was taken out on
// purpose goes when the file is in order again.
func (b *ruleBook) keep(site sigma.Site) string {
	var kept []string
	for _, name := range slices.Sorted(maps.Keys(b.site)) {
		if _, ok := site[name]; !ok {
			site[name] = b.site[name]
			kept = append(kept, name)
		}
	}
	return strings.Join(kept, ", ")
}

// brokenFiles gathers problems by file.
func brokenFiles(files []ruleFile, problems []sigma.Problem) []brokenFile {
	var all []brokenFile
	for _, p := range problems {
		i := slices.IndexFunc(all, func(b brokenFile) bool { return b.name == p.File })
		if i < 0 {
			b := brokenFile{name: p.File}
			if j := slices.IndexFunc(files, func(f ruleFile) bool { return f.name == p.File }); j >= 0 {
				b.object = files[j].object
			}
			i, all = len(all), append(all, b)
		}
		all[i].why = append(all[i].why, p.Error())
	}
	return all
}

// tell reports broken files that nobody reported yet.
func (b *ruleBook) tell(ctx context.Context, s detect.State, out detect.Outlet) error {
	for len(b.pending) > 0 {
		if err := b.about.report(ctx, s, out, b.pending[0], b.now()); err != nil {
			return fmt.Errorf("%s: %w", b.pending[0].name, err)
		}
		b.pending = b.pending[1:]
	}
	return nil
}

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"sluice/internal/detect"
	"sluice/internal/sigma"
)

// ruleSet says which rules a command works with. It is part of every command
// that does.
type ruleSet struct {
	Rules []string `placeholder:"DIR" sep:"none" help:"Rules of your own, a folder or a file, beside the shipped ones; one with the id of a shipped rule takes its place. May be given several times."`
	Site  string   `placeholder:"FILE" help:"What rules may know of your site, such as own_accounts, public_buckets and approved_networks (YAML: names of lists)."`
}

// load loads the shipped rules and those of dirs. Rules that cannot be used are
// problems; a site file that cannot is an error, because rules that know the site
// wrongly say wrong things.
func (r *ruleSet) load(dirs []string) (*detect.Rules, []sigma.Problem, error) {
	user, err := ruleFiles(dirs)
	if err != nil {
		return nil, nil, err
	}
	site, err := r.site()
	if err != nil {
		return nil, nil, err
	}
	rules, problems := detect.Load(detect.Options{User: user, Site: site, SiteFile: filepath.ToSlash(r.Site)})
	slices.SortStableFunc(problems, func(x, y sigma.Problem) int { // as whoever mends them goes through a file
		return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	return rules, problems, nil
}

// site reads the site file.
func (r *ruleSet) site() (sigma.Site, error) {
	site, problems, err := siteFile(r.Site)
	if err != nil || len(problems) == 0 {
		return site, err
	}
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return nil, fmt.Errorf("site file: %w", errors.Join(errs...))
}

package ingest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/pipeline"
)

// shelf is a folder of rules in memory. An object's version is its content.
type shelf struct {
	bucket
	broken error // of the next lists
	lists  int
}

func (s *shelf) List(_ context.Context, _, prefix string) iter.Seq2[pipeline.Object, error] {
	return func(yield func(pipeline.Object, error) bool) {
		s.lists++
		for i, key := range slices.Sorted(maps.Keys(s.files)) {
			if s.broken != nil && i == 1 {
				yield(pipeline.Object{}, s.broken)
				return
			}
			o := pipeline.Object{Bucket: "lake", Key: key, Version: s.files[key], Size: int64(len(s.files[key]))}
			if strings.HasPrefix(key, prefix) && !yield(o, nil) {
				return
			}
		}
	}
}

func TestRuleFolder(t *testing.T) {
	s := &shelf{bucket: bucket{files: map[string]string{
		"rules/a.yml": "a1", "rules/b.yaml": "b1", "rules/site.yml": "s1", "rules/team/site.yml": "t1",
		"rules/README.md": "no rule", "rules/": "", "rules-old/a.yml": "o1", "rules/empty.yml": "",
	}}}
	r := &ruleFolder{Folder: s, bucket: "lake", prefix: "rules/"}
	for _, step := range []struct {
		name    string
		do      func()
		changed bool
		err     string
		opened  []string
		files   string
	}{
		{"first", func() {}, true, "", []string{"rules/a.yml", "rules/b.yaml", "rules/empty.yml", "rules/site.yml", "rules/team/site.yml"},
			"a.yml=a1 b.yaml=b1 empty.yml= *site.yml=s1 team/site.yml=t1"},
		{"nothing new", func() {}, false, "", nil, "a.yml=a1 b.yaml=b1 empty.yml= *site.yml=s1 team/site.yml=t1"},
		{"one new, one changed, three gone", func() {
			s.files["rules/c.yml"], s.files["rules/a.yml"] = "c1", "a2"
			delete(s.files, "rules/b.yaml")
			delete(s.files, "rules/empty.yml")
			delete(s.files, "rules/team/site.yml")
		}, true, "", []string{"rules/a.yml", "rules/c.yml"}, "a.yml=a2 c.yml=c1 *site.yml=s1"},
		{"list breaks off", func() { s.broken = errors.New("denied"); s.files["rules/a.yml"] = "a3" }, false, "rules: denied", nil,
			"a.yml=a2 c.yml=c1 *site.yml=s1"},
		{"file cannot be read", func() {
			s.broken = nil
			s.before = func(context.Context, string) error { return errors.New("overwritten") }
		}, false, "rules: a.yml: overwritten", []string{"rules/a.yml"}, "a.yml=a2 c.yml=c1 *site.yml=s1"},
		{"well again", func() { s.before = nil }, true, "", []string{"rules/a.yml"}, "a.yml=a3 c.yml=c1 *site.yml=s1"},
		{"one gone", func() { delete(s.files, "rules/c.yml") }, true, "", nil, "a.yml=a3 *site.yml=s1"},
	} {
		step.do()
		s.opened = nil
		changed, err := r.read(t.Context())
		if changed != step.changed || (err == nil) != (step.err == "") || err != nil && err.Error() != step.err {
			t.Errorf("%s: changed %v, error %v, want %v, %q", step.name, changed, err, step.changed, step.err)
		}
		slices.Sort(s.opened)
		if diff := cmp.Diff(s.opened, step.opened); diff != "" {
			t.Errorf("%s: opened (-got +want):\n%s", step.name, diff)
		}
		var got []string
		for _, f := range r.sorted() {
			mark := ""
			if f.isSite() {
				mark = "*"
			}
			got = append(got, mark+f.name+"="+string(f.text))
		}
		if got := strings.Join(got, " "); got != step.files {
			t.Errorf("%s: files %s, want %s", step.name, got, step.files)
		}
	}
}

func TestRuleFolderHasLimits(t *testing.T) {
	many := map[string]string{}
	for i := range maxRuleFiles + 5 {
		many["rules/"+string(rune('a'+i/100))+string(rune('a'+i%100))+".yml"] = "x"
	}
	large := map[string]string{"rules/a.yml": "x", "rules/b.yml": strings.Repeat("x", maxRuleFile+1), "rules/c.yml": "x"}
	heavy := map[string]string{}
	for _, c := range "abcdefghij" {
		heavy["rules/"+string(c)+".yml"] = strings.Repeat("x", maxRuleFile)
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		taken int
		left  string
	}{
		{"many", many, maxRuleFiles, "and what follows it: a folder of rules may have 1000 files"},
		{"one large", large, 2, "b.yml: 1048577 bytes"},
		{"heavy together", heavy, 8, "i.yml and what follows it"},
	} {
		s := &shelf{bucket: bucket{files: c.files}}
		r := &ruleFolder{Folder: s, bucket: "lake", prefix: "rules/"}
		if changed, err := r.read(t.Context()); !changed || err != nil {
			t.Errorf("%s: %v, %v", c.name, changed, err)
		}
		if len(r.files) != c.taken || len(r.left) != 1 || !strings.Contains(r.left[0], c.left) {
			t.Errorf("%s: %d files, left out %q, want %d and %q", c.name, len(r.files), r.left, c.taken, c.left)
		}
	}
}

package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sluice/internal/sigma"
)

// maxRuleFile is how much of a file of rules is read: more than the language
// takes, so that it says what is wrong, and no more than that.
const maxRuleFile = 4 << 20

// ruleFiles reads the rules of files and folders: every .yml and .yaml below,
// but for what is hidden by a dot.
func ruleFiles(paths []string) ([]sigma.Source, error) {
	var all []sigma.Source
	for _, p := range paths {
		before := len(all)
		err := filepath.WalkDir(p, func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case name != p && strings.HasPrefix(e.Name(), "."):
				if e.IsDir() {
					return fs.SkipDir
				}
				return nil
			case e.IsDir() || name != p && !isYAML(name):
				return nil
			}
			text, err := readBounded(name)
			if err != nil {
				return err
			}
			all = append(all, sigma.Source{Name: filepath.ToSlash(name), Text: text, Layer: userLayer})
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no file or folder %s", p)
		}
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		if len(all) == before {
			return nil, fmt.Errorf("there is no rule in %s: rules are files that end in .yml or .yaml", p)
		}
	}
	return all, nil
}

// userLayer lets rules of a user take the place of shipped ones.
const userLayer = 1

func isYAML(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return ext == ".yml" || ext == ".yaml"
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxRuleFile))
	if err != nil {
		err = fmt.Errorf("read %s: %w", name, err)
	}
	return text, errors.Join(err, f.Close())
}

// siteFile reads what a site says of itself. No name is an empty site.
func siteFile(name string) (sigma.Site, []sigma.Problem, error) {
	if name == "" {
		return nil, nil, nil
	}
	text, err := readBounded(name)
	if err != nil {
		return nil, nil, fmt.Errorf("site file: %w", err)
	}
	site, problems := sigma.ParseSite(filepath.ToSlash(name), text)
	return site, problems, nil
}

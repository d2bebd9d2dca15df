package detect

import (
	"embed"
	"io/fs"

	"sluice/internal/sigma"
)

//go:embed rules/*.yml
var shipped embed.FS

// Catalogue is the shipped rules, one a source, in the order of their names.
func Catalogue() []sigma.Source {
	names, err := fs.Glob(shipped, "rules/*.yml") // sorted
	if err != nil {
		panic("BUG: " + err.Error())
	}
	all := make([]sigma.Source, len(names))
	for i, name := range names {
		text, err := shipped.ReadFile(name)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		all[i] = sigma.Source{Name: name, Text: text}
	}
	return all
}

package sigma

// Site is what a site knows about itself: the values of placeholders by name.
type Site map[string][]string

// ParseSite reads a site file: a YAML mapping of names to lists.
func ParseSite(file string, src []byte) (Site, []Problem) {
	return Site{}, nil
}

package sigma

// Load reads, checks and compiles documents. A document that cannot be used is
// a Problem and leaves all others as they are; the Set is never nil.
func Load(sources []Source, o Options) (*Set, []Problem) {
	return &Set{}, nil
}

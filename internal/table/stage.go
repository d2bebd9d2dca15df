package table

// Stage is what the writers of a batch have in common: the directory of their
// unfinished objects, and the memory to encode with. They are for one goroutine
// and write one row group at a time, so that they need it once: where a batch
// held logs of both kinds that saved 24 of 127 MB in use.
type Stage struct {
	dir   string
	enc   *encoder
	spare spare
	order sorter
}

// NewStage returns a stage in dir, a directory that is there.
func NewStage(dir string) (*Stage, error) {
	enc, err := newEncoder()
	if err != nil {
		return nil, err
	}
	return &Stage{dir: dir, enc: enc}, nil
}

package table

// chunkSize is how much memory an arena grows by: a column with one value takes as
// much. A value's place is a chunk and an offset in it, in 32 bits.
const (
	chunkBits = 15
	chunkSize = 1 << chunkBits
)

// arena holds bytes in chunks, so that it grows without moving them: a slice
// that grows by copying left five times its size to the garbage collector,
// which was most of a conversion's peak memory.
type arena struct {
	chunks [][]byte // full but for the last; larger than chunkSize for a larger value
	spare  *spare
}

// spare is chunks that are not used, shared by the arenas of all writers
// of a stage.
type spare struct {
	chunks [][]byte
	single int    // chunks that were made one by one
	slab   []byte // what was made for many, and is in none yet
}

// A stage of a few rows makes its chunks one by one, as many as there are columns.
// For more there is a slab that holds what is buffered at most: memory that was never
// touched takes none, and a heap that grew with each chunk was collected at each
// quarter that it grew, eighteen times before the first row group.
const (
	maxSingle = 64
	slabSize  = maxBuffer
)

// add copies v and returns its place.
func (a *arena) add(v []byte) uint32 {
	i := len(a.chunks) - 1
	if i < 0 || len(a.chunks[i])+len(v) >= chunkSize { // also behind a value that has a chunk for itself
		a.chunks = append(a.chunks, a.spare.get(len(v)))
		i++
	}
	at := uint32(i)<<chunkBits | uint32(len(a.chunks[i]))
	a.chunks[i] = append(a.chunks[i], v...)
	return at
}

// value returns the n bytes at a place.
func (a *arena) value(at, n uint32) []byte {
	from := at & (chunkSize - 1)
	return a.chunks[at>>chunkBits][from : from+n : from+n]
}

// truncate forgets what was added at a place and after it.
func (a *arena) truncate(at uint32) {
	i := int(at >> chunkBits)
	if i >= len(a.chunks) {
		return
	}
	a.chunks[i] = a.chunks[i][:at&(chunkSize-1)]
	a.drop(i + 1) // not i, if it is empty now: an empty value may be there
}

func (a *arena) reset() { a.drop(0) }

// drop gives back chunks from i on.
func (a *arena) drop(i int) {
	for _, c := range a.chunks[i:] {
		a.spare.put(c)
	}
	clear(a.chunks[i:])
	a.chunks = a.chunks[:i]
}

// get returns a chunk with room for more than n bytes.
func (s *spare) get(n int) []byte {
	last := len(s.chunks) - 1
	switch {
	case n >= chunkSize:
		return make([]byte, 0, n+1)
	case last >= 0:
		c := s.chunks[last]
		s.chunks[last] = nil
		s.chunks = s.chunks[:last]
		return c
	case s.single < maxSingle:
		s.single++
		return make([]byte, 0, chunkSize)
	case len(s.slab) == 0:
		s.slab = make([]byte, slabSize)
	}
	c := s.slab[:0:chunkSize]
	s.slab = s.slab[chunkSize:]
	return c
}

func (s *spare) put(c []byte) {
	if cap(c) == chunkSize {
		s.chunks = append(s.chunks, c[:0])
	}
}

package detect

import (
	"context"
	"time"

	"sluice/internal/logs"
)

// State is what is remembered from file to file: counters by event time, and who
// tells which finding. Everything written to it is written once however often it
// is tried, so that a file may be applied again after any error, and two workers
// may apply one file at once.
//
// After an error nothing is known: some of a call may have been done.
type State interface {
	// Add counts. It returns when all of it is visible to every Read that begins
	// later, by whomever.
	Add(ctx context.Context, adds []Add) error
	// Read gives the slots of each span that hold anything, in ascending order.
	Read(ctx context.Context, spans []Span) ([][]Slot, error)
	// Claim asks for the right to tell messages. What it grants is to be told and
	// then reported as Sent; the owner of a claim may claim it again until then,
	// because its file is the one that is applied again after a crash, and anyone
	// may once the claim has run out, because that file may be lost.
	Claim(ctx context.Context, now time.Time, claims []Claim) ([]Grant, error)
	// Sent says that messages have been told: nobody is granted them again.
	Sent(ctx context.Context, claims []Claim) error
	// Passed says what time has come by the records of a file that is about to be
	// counted. A state that has no clock of its own forgets by it.
	Passed(at time.Time)
}

// Add is one contribution to one slot of a counter. It holds cells, which are
// added up once for each Once, or elements of a set, which are the same however
// often they are added.
type Add struct {
	Key  string // the counter, hexadecimal
	Rule string // name of the rule that counts, for who measures; it tells no two counters apart
	Slot int64  // stretch of event time, numbered by the counter's own measure
	// Once is who contributes, such as the id of a file: cells of the same Once to
	// the same slot are added one time only, those of the first who came.
	Once  string
	Cells []Cell
	// Elements of at most MaxElement bytes. A set that holds Cap of them takes no
	// more; 0 is no limit. It may come to hold up to twice as many, less one.
	Elements []string
	Cap      int
	Samples  []Sample // kept where the slot has none for the series yet
	// Apart keeps the samples beside those of all others: one piece for each Once.
	// Nothing else is added to such a counter.
	Apart bool
	// Until is the event time from which nobody asks for the slot any more. The
	// state keeps it at least that long, and at least Keep of the clock.
	Until logs.Time
	Keep  time.Duration
}

// MaxElement is the longest element of a set in bytes.
const MaxElement = 32

// Cell is what fell into one bin of a slot: how many events, and the sum of the
// values they carried.
type Cell struct {
	Bin  int64 // within the slot, from 0
	N, V int64
}

// Sample is what a correlation over several rules remembers of one of them, for
// a finding that another file completes.
type Sample struct {
	Series int
	Text   []byte
}

// Slot is what a slot of a counter holds.
type Slot struct {
	Slot     int64
	Cells    []Cell // by Bin
	Elements []string
	Size     int      // of the set, where Elements are but some of it
	Samples  []Sample // by Series
}

// Span is a range of slots of one counter, both ends included.
type Span struct {
	Key      string
	Rule     string // as of Add
	From, To int64
	// Begins says how elements begin that are asked for, in ascending order and all
	// of one length; others need not be read. Nil asks for all.
	Begins []string
}

// Claim is one message about one finding.
type Claim struct {
	UID    string
	Step   int64   // which message: 1, 10, 100 or 1000
	Covers []int64 // steps this message makes unnecessary, itself included
	Owner  string  // id of the file whose worker claims
	Until  time.Time
	// How long the claim must be remembered, as of Add.
	Keep   time.Duration
	Forget logs.Time
}

// Grant is the answer to a Claim.
type Grant int

// The answers to a claim.
const (
	Held    Grant = iota // another has it and will tell, or its file comes again
	Granted              // tell it
	Told                 // it has been told, or another message made it unnecessary
)

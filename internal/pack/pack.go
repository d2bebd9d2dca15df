// Package pack rewrites the closed days of a table into few large objects,
// without a reader ever seeing a row twice or not at all.
//
// S3 cannot exchange several objects at once, and a query in Athena lists a
// folder whenever it likes. So rows move between two tables instead, behind one
// name. New rows lie as objects in a table of plain files, the live one. A second
// one, in Apache Iceberg, holds the packed rows, and beside them a mark for each
// live object whose rows it has taken. Rows and marks of a plan come with one
// commit. The name that people ask is a view: what is packed, and what lies in
// live objects without a mark. A query sees one snapshot of an Iceberg table, so
// before the commit it reads the live objects and after it the packed rows,
// never both and never neither. Live objects are removed when no query that
// began before the commit can still run. Those that began later have no use for
// them, but list them, too: one that runs at the moment of removal may find an
// object gone and ends with an error, never with a wrong answer.
//
// What is done is written down before it is begun, in notes that are created
// once and never changed. The notes of a day are numbered, so that to create the
// next one is to win: workers that do not know of each other carry out the same
// plan, and nothing needs a lock, or a clock that is right.
package pack

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Part is one live object: its name relative to the lake, how many rows it has,
// and a checksum over all values of all of them that does not depend on their
// order.
type Part struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`
	Check string `json:"check"`
}

// Seen is what the packed table has of a plan, at one moment.
type Seen struct {
	Marks int    // live objects that count as taken
	Parts []Part // the rows, by the object that they come from
}

// ErrFailed is an Engine's answer about a commit that is known to have ended
// without one. Any other error leaves that open.
var ErrFailed = errors.New("the statement failed")

// Engine is what reads and writes both tables: Athena, or whatever has Iceberg.
// Each method is about one table, so none can be done without.
type Engine interface {
	// Live looks at objects of a day as readers of the live table see them, and
	// leaves out those that they do not see. The checksums are over the columns
	// that it returns.
	Live(ctx context.Context, table, day string, objects []string) (parts []Part, columns []string, err error)
	// Take commits the rows of a plan and its marks, together, and once: again it
	// changes nothing, after Undo neither. It returns when that is done. The
	// same attempt is the same statement; another one is made after ErrFailed.
	Take(ctx context.Context, p Plan, attempt int) error
	// Seen reads what was committed.
	Seen(ctx context.Context, p Plan) (Seen, error)
	// Undo removes rows and marks of a plan again, together.
	Undo(ctx context.Context, p Plan) error
}

// Keeper looks after the packed tables themselves. All of it may be repeated.
type Keeper interface {
	// Prepare makes a packed table that is not there, and gives one that is the
	// columns that its rows have got since.
	Prepare(ctx context.Context, table string) error
	// Expire deletes the rows of plans, in one commit, and leaves their marks.
	Expire(ctx context.Context, table string, plans []Plan) error
	// Tidy removes what nobody can see any more.
	Tidy(ctx context.Context, table string) error
}

// Object is one that is in the lake.
type Object struct {
	Name     string    // relative to the lake
	Modified time.Time // when it was put there
}

// Objects are the live objects, and the notes beside them, by names relative to
// the lake.
type Objects interface {
	// List yields what is under a prefix, in the order of the names. An error is
	// the last step.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Remove removes an object. One that is gone is no error.
	Remove(ctx context.Context, name string) error
}

// Notes are small objects that nobody changes.
type Notes interface {
	// Create writes a note unless one has the name, and says whether it did. After
	// an error it may have.
	Create(ctx context.Context, name string, body []byte) (bool, error)
	Read(ctx context.Context, name string) ([]byte, error)
}

// Config is what a Packer is made from.
type Config struct {
	Engine  Engine
	Keeper  Keeper
	Objects Objects
	Notes   Notes
	Tables  []string
	// Days after its end a day is packed: later than nearly all of its rows come.
	Days int
	// First is the first day that readers see, such as 2024-01-01: objects of
	// earlier ones are no part of the live table.
	First string
	// Grace is how long an object stays after its rows are packed: longer than a
	// query can run.
	Grace time.Duration
	// Least is how many live objects make it worth to pack a day, Most how many
	// one plan takes: a statement names them all.
	Least, Most int
	// AtOnce is how many days of a table one run begins to pack.
	AtOnce int
	// Keep is how long a row stays, counted from when its object came; 0 for ever.
	Keep time.Duration
	Now  func() time.Time
}

// Packer packs the days of a lake.
type Packer struct{ c Config }

// New returns a packer, or says what of its settings cannot be.
func New(c Config) (*Packer, error) {
	var faults []error
	if c.Days < 1 {
		faults = append(faults, fmt.Errorf("packing after %d days: want 1 or more, a day must be over", c.Days))
	}
	if c.Grace < time.Hour {
		faults = append(faults, fmt.Errorf("grace of %v: want an hour or more, a query may run for half of one", c.Grace))
	}
	if c.Least < 2 {
		faults = append(faults, fmt.Errorf("packing from %d objects on: want 2 or more", c.Least))
	}
	if c.Most < c.Least {
		faults = append(faults, fmt.Errorf("%d objects in a plan: want %d or more", c.Most, c.Least))
	}
	if c.AtOnce < 1 {
		faults = append(faults, fmt.Errorf("packing %d days of a table at once: want 1 or more", c.AtOnce))
	}
	if c.Keep < 0 {
		faults = append(faults, fmt.Errorf("keeping rows for %v: want 0, for ever, or more", c.Keep))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Packer{c}, nil
}

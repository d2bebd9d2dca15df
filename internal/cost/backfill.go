package cost

import "time"

// Stack is what of a stack's parameters decides how fast old files are converted.
type Stack struct {
	MemoryMB, BatchSize float64
	Invocations         float64 // BackfillInvocations
	Concurrency         float64 // BackfillConcurrency
	WriteLimit          float64 // StateWriteLimit
}

// DefaultStack has the defaults of the template.
func DefaultStack() Stack {
	return Stack{MemoryMB: 1769, BatchSize: 1000, Invocations: 20, Concurrency: 2, WriteLimit: 1000}
}

// Assumed: the two requests of an announcement, one after the other, by a
// function of so little memory.
const (
	announceSeconds  = 0.06
	announceMemoryMB = 128
)

// Backfill is what old files cost, and how long they take.
type Backfill struct {
	Job      float64 // of S3 Batch Operations, dollars
	Announce float64 // dollars: a look at each file, and a message
	Convert  Bill

	// How long each would take alone. They go on at the same time, so that the
	// longest is how long it takes.
	Announcing, Converting, Counting time.Duration
}

// Total is what it costs together, in dollars.
func (b Backfill) Total() float64 { return b.Job + b.Announce + b.Convert.Total() }

// Takes is how long it takes.
func (b Backfill) Takes() time.Duration { return max(b.Announcing, b.Converting, b.Counting) }

// OfBackfill is what it costs to have files with so many lines converted by a
// stack, with what rules find in them or without. They come in full batches, because
// they are all there at once.
func OfBackfill(files, lines float64, rowsOnly bool, s Stack) Backfill {
	bill := Of(Load{Lines: lines, Files: files, Batches: files / s.BatchSize, MemoryMB: s.MemoryMB, RowsOnly: rowsOnly})
	b := Backfill{
		Job:        BatchOperations + files*BatchOperationsF,
		Announce:   files * (S3Get + LambdaRequest + announceSeconds*announceMemoryMB/1024*LambdaGBSecond),
		Convert:    bill,
		Announcing: seconds(files * announceSeconds / s.Invocations),
		Converting: seconds(bill.seconds / s.Concurrency),
	}
	if s.WriteLimit > 0 {
		b.Counting = seconds(bill.writes / s.WriteLimit)
	}
	return b
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

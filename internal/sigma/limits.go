package sigma

// What a rule author may ask for. Each limit is far above what rules need, and
// together they bound what loading and judging can cost:
//
//   - the text of all values of a set is at most maxText, and a record meets
//     each value at most once, in time linear in the record's text (times the
//     length of the value where it holds a ?);
//   - a regular expression is RE2, of at most maxInst steps, so linear in the
//     text times maxInst, and all of a set have at most maxAllInst steps;
//   - lists of networks are sorted and searched by halving;
//   - conditions are as deep as maxDepth and as long as their document.
const (
	maxDocument = 64 << 10 // bytes of a document
	maxRules    = 1000     // documents of a set
	maxValues   = 2000     // values of an item, after expansion
	maxValue    = 4096     // bytes of a value
	maxText     = 4 << 20  // bytes of all values of a set
	maxDepth    = 100      // levels of YAML, and of conditions
	maxRegexp   = 1000     // bytes of a regular expression
	maxInst     = 2000     // steps of a compiled regular expression
	maxAllInst  = 100_000  // steps of all regular expressions of a set
	maxAtoms    = 50_000   // different tests of a set
	maxProblems = 20       // problems told of one document
	maxFields   = 64       // names in a group-by
)

// What a Matcher keeps.
const (
	maxMemo      = 4096    // values of a field whose class is kept
	maxMemoValue = 256     // bytes of a value that is kept
	maxClasses   = 256     // classes of a field's values
	maxDecided   = 1 << 20 // numbers of 4 bytes that decisions and conditions take
	maxLost      = 1 << 16 // records without a decision, before all are forgotten
)

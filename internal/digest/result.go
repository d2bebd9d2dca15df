package digest

import "time"

// Kind says what is wrong.
type Kind string

// What can be wrong. All but Unproven are signs of tampering, or of validation
// that was switched off for a time.
const (
	Modified     Kind = "modified"      // a file is not what its digest says
	Missing      Kind = "missing"       // a log file that a digest names is not there
	Extra        Kind = "extra"         // a log file that no digest names
	BadSignature Kind = "bad_signature" // a digest that AWS has not signed
	NoKey        Kind = "no_key"        // the key that is said to have signed it cannot be found
	Unlinked     Kind = "unlinked"      // a digest says something else of the one before than that is
	MissingLink  Kind = "missing_link"  // a digest that the next one names is not there
	Gap          Kind = "gap"           // a time that no digest is about
	Moved        Kind = "moved"         // a digest that was delivered under another name
	Unreadable   Kind = "unreadable"    // a file that cannot be read
	Unproven     Kind = "unproven"      // the last digest of a copy: its signature stays behind in S3
)

// Problem is one thing that is wrong.
type Problem struct {
	Kind   Kind   `json:"kind"`
	Key    string `json:"key"`
	Detail string `json:"detail,omitempty"`
}

// Chain is one sequence of digests: a trail in a Region.
type Chain struct {
	Name    string    `json:"chain"`
	Digests int       `json:"digests"`
	Valid   int       `json:"valid_digests"` // signed by AWS
	Logs    int       `json:"log_files"`
	Good    int       `json:"matching_log_files"` // as their digests say
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
}

// Result is what was verified.
type Result struct {
	Chains   []Chain   `json:"chains"`
	Problems []Problem `json:"problems"`
	// Later are log files delivered after the last digest: the next one is about
	// them. Earlier are those from before the first.
	Later   int `json:"later"`
	Earlier int `json:"earlier"`
	// Bucket is the one that CloudTrail delivered into, as the digests say.
	Bucket string `json:"delivered_into"`
	// More is how many problems were found beyond those that are listed.
	More int `json:"more_problems"`
}

// Sound says that nothing is wrong.
func (r *Result) Sound() bool {
	for _, p := range r.Problems {
		if p.Kind != Unproven {
			return false
		}
	}
	return r.More == 0
}

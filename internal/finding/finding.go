// Package finding says what a finding is: one incident that a rule saw, once,
// whatever files it came in; and what it looks like to whoever receives it: an
// OCSF document, a mail, a chat message, a row of the table findings.
//
// Everything a finding holds may have been written by an attacker. It is kept
// raw in the struct and is cleaned, redacted and bounded on the way out, so that
// whoever fills one has nothing to remember.
package finding

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"sluice/internal/logs"
)

// Finding is one message about one incident: the first, when the threshold was
// crossed, or an update when it became ten times as large.
type Finding struct {
	UID  string // identity of the incident, see UID
	Step int64  // 1 for the first message; 10, 100, 1000 for its updates

	Rule  Rule
	Owner string // whose incident, as in UID
	// Where, for filters and subjects; "" where unknown.
	Account, Region, Bucket string

	Group             []Pair // what makes two records one incident, in the rule's order
	Period, PeriodEnd logs.Time
	First, Last       logs.Time // earliest and latest record counted
	Created           time.Time

	Count     int64  // records counted; 0 where the rule counts something else
	Measure   string // what the rule measures: "events", "distinct key_name", "sum of bytes_sent_size"
	Value     int64  // measured so far
	AtLeast   bool   // Value is what is known of: there may be more
	Threshold int64  // from which it is an incident

	Evidence []Evidence // samples; MaxEvidence are kept
	Alert    bool       // goes to a person, not only into the table
	Sources  []string   // delivered files the records stood in; MaxSources are kept
	// Unheard says that the messages before this one were held back: this is the
	// first about the incident that reaches a person.
	Unheard bool
}

// MaxEvidence and MaxSources are how many samples and file names a finding
// shows; what is beyond them is in the tables.
const (
	MaxEvidence = 20
	MaxSources  = 20
)

// Rule is what a finding says about the rule that made it.
type Rule struct {
	ID, Title, Description string
	Level                  string // informational, low, medium, high or critical
	Type                   string // finding type such as Impact:S3/MassDelete
	Response               string // what to do
	Version                string
	Service                string // s3_server_access or cloudtrail; "" for a correlation over both
	Correlation            string // its type, such as event_count; "" for a detection rule
	Tags                   []string
	FalsePositives         []string
}

// OwnType begins the types of findings that are about Sluice itself, such as a
// rule file that cannot be used. No record is behind them: there is nothing to
// query and nothing to exclude.
const OwnType = "Sluice:"

func (r *Rule) own() bool { return strings.HasPrefix(r.Type, OwnType) }

// Pair is one value of the group. Null tells a record that had no such value
// from one in which it was empty.
type Pair struct {
	Name, Value string
	Null        bool
}

// Evidence is one record of an incident.
type Evidence struct {
	Time                         logs.Time
	LogKey                       string
	LogLine                      int64
	RequestID, Operation         string
	Bucket, Key                  string
	RemoteIP, Requester, Account string
	UserAgent, RequestURI        string
	ErrorCode, TLSVersion        string
	Status, BytesSent            logs.Int
	Ambiguous                    bool // the line can be read in several ways: it may be forged
}

// UID is the identity of an incident: the same for the same rule, owner, group
// and period of event time, in whatever files and however often its records are
// delivered. The rule's version is not part of it, so that an edited rule does
// not tell old incidents again.
func UID(ruleID, owner string, group []Pair, period logs.Time) string {
	var room [512]byte
	b := room[:0]
	put := func(parts ...string) {
		n := 0
		for _, s := range parts {
			n += len(s)
		}
		b = binary.BigEndian.AppendUint32(b, uint32(n))
		for _, s := range parts {
			b = append(b, s...)
		}
	}
	put("sluice-finding-1")
	put(ruleID)
	put(owner)
	put(strconv.Itoa(len(group)))
	for _, p := range group {
		put(p.Name)
		if p.Null {
			put("null")
		} else {
			put("=", p.Value)
		}
	}
	put(period.Go().Format(time.RFC3339))
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:16])
}

// MessageUID tells the messages about one incident apart. A message that is sent
// twice has it twice.
func (f *Finding) MessageUID() string { return f.UID + "-" + strconv.FormatInt(f.Step, 10) }

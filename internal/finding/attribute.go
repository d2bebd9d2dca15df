package finding

import (
	"encoding/json"
	"strconv"
)

// Schema names what Finding.OCSF returns, for filter policies.
const Schema = "ocsf/1.8.0/2004"

// Attribute is an SNS message attribute, for filter policies of subscribers.
type Attribute struct {
	Name  string
	Type  string // String, Number or String.Array
	Value string
}

// Attributes are what a subscriber can filter by: schema, severity, severity_id,
// rule_id, bucket, account, region, source and techniques, as they stand in the
// OCSF document. Empty ones are left out: SNS refuses a message with one, and
// raw delivery to SQS drops messages with more than ten.
func (f *Finding) Attributes() []Attribute {
	s := severityOf(f.Rule.Level)
	var all []Attribute
	add := func(name, kind, value string) {
		if value != "" {
			all = append(all, Attribute{name, kind, value})
		}
	}
	add("schema", "String", Schema)
	add("severity", "String", s.name)
	add("severity_id", "Number", strconv.FormatInt(s.id, 10))
	add("rule_id", "String", shown(f.Rule.ID, maxName))
	add("bucket", "String", shown(f.Bucket, maxName))
	add("account", "String", shown(f.Account, maxName))
	add("region", "String", shown(f.Region, maxName))
	add("source", "String", shown(f.Rule.Service, maxName))
	if ids := techniqueIDs(f.Rule.Tags); len(ids) > 0 {
		list, err := json.Marshal(ids)
		if err == nil { // strings always have a JSON form
			add("techniques", "String.Array", string(list))
		}
	}
	return all
}

// severity is a Sigma level in OCSF's words.
type severity struct {
	id   int64
	name string
	mark string // for subjects
}

func severityOf(level string) severity {
	switch level {
	case "informational":
		return severity{1, "Informational", "INFO"}
	case "low":
		return severity{2, "Low", "LOW"}
	case "medium":
		return severity{3, "Medium", "MEDIUM"}
	case "high":
		return severity{4, "High", "HIGH"}
	case "critical":
		return severity{5, "Critical", "CRITICAL"}
	}
	return severity{0, "Unknown", "FINDING"}
}

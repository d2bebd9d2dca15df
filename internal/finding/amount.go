package finding

import (
	"fmt"
	"strings"

	"sluice/internal/amount"
	"sluice/internal/clean"
)

// Amount is how much a rule measured, with its noun, in a few words for a list:
// "1,204 events", "5,000+ keys" where there may be more, "1 new caller". The measure
// is what rows of the table findings and documents call it.
func Amount(measure string, n int64, atLeast bool) string {
	measure = clean.Line(measure)
	switch {
	case measure == "" || measure == "events":
		return amount.Of(n, "event")
	case measure == "rules":
		return amount.Of(n, "rule")
	case strings.HasPrefix(measure, "sum of bytes"):
		return inBytes(n)
	case strings.HasPrefix(measure, "average of "):
		return fmt.Sprintf("%s %s on average", amount.Grouped(n), strings.TrimPrefix(measure, "average of "))
	}
	if field, first := strings.CutPrefix(measure, "new "); first {
		if noun, ok := nouns[field]; ok {
			return amount.Of(n, "new "+noun)
		}
		return amount.Of(n, "new value") + " of " + field
	}
	more := ""
	if atLeast {
		more = "+"
	}
	field, distinct := strings.CutPrefix(measure, "distinct ")
	noun, ok := nouns[field]
	switch {
	case !distinct:
		return amount.Grouped(n) + more + " " + strings.TrimPrefix(measure, "sum of ")
	case !ok:
		return amount.Grouped(n) + more + " different " + field
	case n == 1 && !atLeast:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		noun += "e"
	}
	return amount.Grouped(n) + more + " " + noun + "s"
}

// inBytes writes a number of bytes in a unit one can judge.
func inBytes(n int64) string {
	if n < 1000 {
		return amount.Of(n, "byte")
	}
	return amount.Bytes(n)
}

// nouns are what people call a value of a column that rules count.
var nouns = map[string]string{
	"key_name":        "key",
	"remote_ip":       "address",
	"bucket_name":     "bucket",
	"requester":       "caller",
	"requester_name":  "caller",
	"user_agent":      "client",
	"user_agent_name": "client",
	"operation":       "operation",

	"requestParameters.bucketName": "bucket",
	"sourceIPAddress":              "address",
	"userIdentity.arn":             "caller",

	"userIdentity.sessionContext.sessionIssuer.arn": "role",

	"derived.remote_net": "network",
	"derived.source_net": "network",
	"derived.principal":  "caller",
}

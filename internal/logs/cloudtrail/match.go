package cloudtrail

import (
	"bytes"
	"strings"
)

// siblings are the files CloudTrail puts beside its log files: how folder and
// file name say it, and what a person is told.
var siblings = [...]struct{ name, skip string }{
	{"CloudTrail-Digest", "CloudTrail digest file: hashes of log files, no events"},
	{"CloudTrail-Insight", "CloudTrail Insights file: unusual activity, not API calls"},
	{"CloudTrail-NetworkActivity", "CloudTrail network activity file: calls through VPC endpoints, not read here"},
	{"CloudTrail-Aggregated", "CloudTrail aggregated events file: summaries of calls, not read here"},
}

// match tells CloudTrail log files. The name that CloudTrail itself gives a file
// is enough, so that one whose content is damaged becomes an error that somebody
// sees and not a file that was skipped. Any other file must show records.
func match(key string, head []byte) (ok bool, skip string) {
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	head = head[skipSpace(head, 0):]
	isJSON := len(head) > 0 && head[0] == '{'
	dirs, file := path(key)
	if isJSON || len(head) == 0 {
		for _, s := range siblings {
			if strings.Contains(file, "_"+s.name+"_") || file != "" && contains(dirs, s.name) {
				return false, s.skip
			}
		}
	}
	named := strings.Contains(file, "_CloudTrail_") && (strings.HasSuffix(file, ".json.gz") || strings.HasSuffix(file, ".json"))
	if !isJSON {
		return named, ""
	}
	seen := look(head)
	switch {
	case seen.digest:
		return false, siblings[0].skip
	case seen.notification:
		return false, "event notification: tells of objects, holds no log"
	case named:
		return true, ""
	case !seen.records:
		return false, ""
	case seen.sibling != "":
		return false, seen.sibling
	case seen.empty, seen.event:
		return true, ""
	}
	return false, "JSON with Records that are not CloudTrail events"
}

// path splits a key, or a path of any system.
func path(key string) (dirs []string, file string) {
	parts := strings.FieldsFunc(key, func(r rune) bool { return r == '/' || r == '\\' })
	if len(parts) == 0 || strings.HasSuffix(key, "/") {
		return parts, ""
	}
	return parts[:len(parts)-1], parts[len(parts)-1]
}

func contains(dirs []string, name string) bool {
	for _, d := range dirs {
		if d == name {
			return true
		}
	}
	return false
}

// evidence is what the first bytes of a JSON document show.
type evidence struct {
	records      bool   // there is an array Records
	empty        bool   // which has no element
	event        bool   // whose first element has fields of a CloudTrail event
	notification bool   // which tells of something that happened, to a program
	sibling      string // which are no API calls: why the file is skipped
	digest       bool   // the document lists log files
}

// look reads as much of the document as the head holds: the nodes of values
// that were begun and not finished have no end.
func look(head []byte) evidence {
	const membersOfRecords = 3
	var s scanner
	_, _ = s.scan(head, membersOfRecords) // cut off somewhere, as a rule
	var e evidence
	each(&s, head, 0, func(name string, value int32) {
		switch name {
		case "logFiles", "digestPublicKeyFingerprint", "digestS3Object":
			e.digest = true
		case "Records":
			if s.nodes[value].kind != array {
				return
			}
			e.records = true
			if first := value + 1; int(first) < len(s.nodes) && first != s.nodes[value].next {
				e.record(&s, head, first)
			} else {
				e.empty = s.nodes[value].end >= 0
			}
		}
	})
	return e
}

// record looks at the first element of Records.
func (e *evidence) record(s *scanner, head []byte, element int32) {
	if s.nodes[element].kind != object {
		return
	}
	each(s, head, element, func(name string, value int32) {
		word := ""
		if v := s.nodes[value]; v.kind == text && v.end >= 0 {
			word = string(s.unquote(head, value))
		}
		switch name {
		case "eventTime", "userIdentity", "eventName", "eventID", "sourceIPAddress", "requestParameters":
			e.event = true
		case "eventSource", "EventSource":
			e.notification = e.notification || strings.HasPrefix(word, "aws:")
			e.event = e.event || strings.HasSuffix(word, ".amazonaws.com")
		case "eventCategory", "eventType":
			switch word {
			case "Insight", "AwsCloudTrailInsight":
				e.sibling = siblings[1].skip
			case "NetworkActivity", "AwsVpceEvent", "AwsVpceEvents":
				e.sibling = siblings[2].skip
			case "Aggregated", "AwsAggregatedEvent":
				e.sibling = siblings[3].skip
			}
		}
	})
}

// each calls f with the members of an object whose values were begun.
func each(s *scanner, b []byte, obj int32, f func(name string, value int32)) {
	limit := int32(len(s.nodes))
	if s.nodes[obj].next >= 0 {
		limit = s.nodes[obj].next
	}
	for n := obj + 1; n+1 < limit && s.nodes[n].end >= 0; {
		f(string(s.unquote(b, n)), n+1)
		if n = s.nodes[n+1].next; n < 0 {
			return
		}
	}
}

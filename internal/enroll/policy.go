package enroll

import (
	"encoding/json"
	"fmt"
	"strings"
)

// delivery is one call of s3:PutObject by the service that delivers logs.
type delivery struct {
	resource string
	context  map[string]string // condition keys in lower case
}

// verdict is what a bucket policy says about a call.
type verdict struct {
	named   bool // a statement lets the service do it, on whatever conditions
	allowed bool
	denied  string // the statement that denies
	unsure  bool   // an allowing statement has a condition that is not known here
}

// absent are condition keys that a call of the service has no value for, so that
// a negated condition on them holds: it is how policies that admit one network or
// one organization shut logs out without saying so.
var absent = map[string]bool{
	"aws:sourcevpc": true, "aws:sourcevpce": true, "aws:sourceip": true, "aws:vpcsourceip": true,
	"aws:principalorgid": true, "aws:principalarn": true, "aws:principalaccount": true, "aws:principaltype": true,
	"aws:userid": true, "aws:username": true, "aws:multifactorauthpresent": true, "aws:viaawsservice": true,
}

type policy struct{ Statement manyStatements }

type policyStatement struct {
	Sid, Effect                 string
	Principal, NotPrincipal     any
	Action, NotAction, Resource many
	NotResource                 many
	Condition                   map[string]map[string]many
}

// judge reads a bucket policy as IAM does, as far as the one call needs it (IAM
// User Guide, "Policy evaluation logic" and "Condition operators"). What is not
// known is neither a denial nor a permission.
func judge(document string, d delivery) (verdict, error) {
	var v verdict
	if document == "" {
		return v, nil
	}
	var p policy
	if err := json.Unmarshal([]byte(document), &p); err != nil {
		return v, err
	}
	for i, s := range p.Statement {
		who, known := s.concerns()
		if !who || !s.covers(d.resource) {
			continue
		}
		v.named = v.named || s.Effect == "Allow"
		met := s.met(d.context)
		if !known {
			met = min(met, maybe)
		}
		switch {
		case s.Effect == "Deny" && met == yes && v.denied == "":
			v.denied = "statement " + s.Sid
			if s.Sid == "" {
				v.denied = fmt.Sprintf("statement %d", i+1)
			}
		case s.Effect == "Allow" && met == yes:
			v.allowed = true
		case s.Effect == "Allow" && met == maybe:
			v.unsure = true
		}
	}
	return v, nil
}

// concerns tells whether a statement is about the service, and whether that is
// certain: everybody, written as a star, includes services in a denial; in a
// permission, AWS names services by themselves.
func (s policyStatement) concerns() (concerns, certain bool) {
	everybody := false
	switch p := s.Principal.(type) {
	case nil:
		return s.NotPrincipal != nil, false
	case string:
		everybody = p == "*"
	case map[string]any:
		for kind, names := range p {
			for _, n := range texts(names) {
				if kind == "Service" && (n == logging || n == "*") {
					return true, true
				}
				everybody = everybody || n == "*"
			}
		}
	}
	return everybody, s.Effect == "Deny"
}

// covers tells whether a statement is about putting this object.
func (s policyStatement) covers(resource string) bool {
	action := func(a string) bool { return like(strings.ToLower(a), "s3:putobject") }
	object := func(r string) bool { return like(r, resource) }
	if len(s.Action) > 0 && !some(s.Action, action) || some(s.NotAction, action) {
		return false
	}
	return (len(s.Resource) == 0 || some(s.Resource, object)) && !some(s.NotResource, object)
}

// certainty is whether conditions hold.
type certainty int

const (
	no certainty = iota
	maybe
	yes
)

// met tells whether all conditions of a statement hold.
func (s policyStatement) met(context map[string]string) certainty {
	all := yes
	for operator, pairs := range s.Condition {
		for key, values := range pairs {
			all = min(all, holds(operator, strings.ToLower(key), values, context))
		}
	}
	return all
}

func holds(operator, key string, values many, context map[string]string) certainty {
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	have, known := context[key]
	if !known && !absent[key] {
		return maybe
	}
	if operator == "Null" {
		return sure(some(values, func(v string) bool { return (v == "true") == !known }))
	}
	var equal func(want, have string) bool
	plain := strings.Replace(operator, "Not", "", 1)
	switch plain {
	case "StringEquals":
		equal = func(want, have string) bool { return want == have }
	case "StringEqualsIgnoreCase", "Bool":
		equal = strings.EqualFold
	case "StringLike", "ArnLike", "ArnEquals":
		equal = like
	default:
		return maybe
	}
	negated := plain != operator
	if !known {
		return sure(negated || ifExists)
	}
	return sure(some(values, func(v string) bool { return equal(v, have) }) != negated)
}

func sure(b bool) certainty {
	if b {
		return yes
	}
	return no
}

// like tells whether a text fits a pattern in which * stands for any characters
// and ? for one. It takes no more time than the two lengths multiplied.
func like(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func some(all many, f func(string) bool) bool {
	for _, x := range all {
		if f(x) {
			return true
		}
	}
	return false
}

// many is what a policy writes as one value or as a list of them.
type many []string

func (m *many) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*m = texts(v)
	return nil
}

func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, x := range v {
			all = append(all, fmt.Sprint(x))
		}
		return all
	}
	return []string{fmt.Sprint(v)}
}

type manyStatements []policyStatement

func (m *manyStatements) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		*m = make(manyStatements, 1)
		return json.Unmarshal(b, &(*m)[0])
	}
	return json.Unmarshal(b, (*[]policyStatement)(m))
}

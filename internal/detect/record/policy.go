package record

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
)

// verdict is what a policy comes to.
type verdict struct{ found, public, external bool }

// policy judges the resource policy that the call sets, wherever the call has it:
// as an object, or as JSON text in a string.
func (t *Trail) policy() verdict {
	var v verdict
	for l := in(t.row.RequestParameters); l.next(); {
		switch string(l.name) {
		case "bucketPolicy", "policy", "Policy":
			t.judge(t.document(l.value), &v)
		case "PutAccessPointPolicyRequest":
			t.judge(t.document(member(l.value, "Policy")), &v)
		}
	}
	return v
}

// document returns the JSON object that v is, or that the string v holds.
func (t *Trail) document(v []byte) []byte {
	if len(v) == 0 || v[0] == '{' {
		return v
	}
	inside := bytes.TrimSpace(t.paths.text(within(v)))
	if len(inside) == 0 || inside[0] != '{' || !json.Valid(inside) {
		return nil
	}
	return inside
}

func (t *Trail) judge(doc []byte, v *verdict) {
	for l := in(doc); l.next(); {
		if t.called(l.name, "Statement") {
			v.found = true
			for s := each(l.value); s.next(); {
				t.statement(s.value, v)
			}
		}
	}
}

// statement judges one statement. Deny is not weighed against Allow: what a
// policy takes back it has first given, and S3 judges alike.
func (t *Trail) statement(s []byte, v *verdict) {
	var allow bool
	var who audience
	var condition []byte
	for l := in(s); l.next(); {
		switch {
		case t.called(l.name, "Effect"):
			allow = strings.EqualFold(string(t.string(l.value)), "Allow")
		case t.called(l.name, "Principal"):
			t.principals(l.value, &who)
		case t.called(l.name, "NotPrincipal"):
			who.everyone = true // but some
		case t.called(l.name, "Condition"):
			condition = l.value
		}
	}
	if !allow {
		return
	}
	v.external = v.external || who.foreign
	if who.everyone {
		tied := t.tied(condition)
		v.public = v.public || !tied.restricted
		v.external = v.external || tied.foreign && !tied.own
	}
}

// audience is whom a statement is about.
type audience struct{ everyone, foreign bool }

func (t *Trail) principals(v []byte, who *audience) {
	if v[0] != '{' {
		t.principal("AWS", v, who)
		return
	}
	for l := in(v); l.next(); {
		t.principal(string(t.paths.plain(l.name)), l.value, who)
	}
}

func (t *Trail) principal(kind string, v []byte, who *audience) {
	for l := each(v); l.next(); {
		name := t.string(l.value)
		switch {
		case string(name) == "*":
			who.everyone = true
		case strings.EqualFold(kind, "Service"):
		case strings.EqualFold(kind, "CanonicalUser"):
			// Whose it is cannot be told: the site may list those it knows.
			who.foreign = who.foreign || !t.schema.own[string(name)]
		default:
			who.foreign = who.foreign || t.foreign(account(name))
		}
	}
}

// tie is what the conditions of a statement for everyone come to.
type tie struct {
	restricted bool // to something fixed
	own        bool // to accounts of the site only
	foreign    bool // to an account that is not of the site
}

// tied judges conditions. All of them must hold, so one that restricts is enough.
func (t *Trail) tied(condition []byte) tie {
	var sum tie
	for ops := in(condition); ops.next(); {
		op, ok := operator(string(t.paths.plain(ops.name)))
		if !ok {
			continue
		}
		for keys := in(ops.value); keys.next(); {
			key := strings.ToLower(string(t.paths.plain(keys.name)))
			one := t.values(op, key, keys.value)
			sum.restricted = sum.restricted || one.restricted
			sum.own = sum.own || one.own
			sum.foreign = sum.foreign || one.foreign
		}
	}
	return sum
}

// operator returns the operator without what makes no difference, and whether
// it can restrict: Not… and Null leave everyone in but some, …IfExists and
// ForAllValues hold where the key is missing, as it is for strangers.
func operator(name string) (string, bool) {
	name = strings.ToLower(name)
	name = strings.TrimPrefix(name, "foranyvalue:")
	switch name {
	case "stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress", "numericequals":
		return name, true
	}
	return name, false
}

// values judges the values of one condition key: any of them may hold, so each
// must be fixed.
func (t *Trail) values(op, key string, v []byte) tie {
	all := tie{restricted: true, own: true}
	n := 0
	for l := each(v); l.next(); n++ {
		value := t.string(l.value)
		if !fixed(op, key, value) {
			return tie{}
		}
		a := owner(key, value)
		all.foreign = all.foreign || t.foreign(a)
		all.own = all.own && a != nil && !t.foreign(a)
	}
	if n == 0 {
		return tie{}
	}
	return all
}

// fixed reports whether a value of a condition key leaves out the public. The
// keys are those S3 takes into account; a wildcard is taken where the account,
// the organisation or the role before it is fixed.
func fixed(op, key string, value []byte) bool {
	if len(value) == 0 || bytes.Contains(value, []byte("${")) {
		return false
	}
	if key == "aws:sourceip" || op == "ipaddress" {
		return key == "aws:sourceip" && op == "ipaddress" && narrow(value)
	}
	wild := bytes.IndexAny(value, "*?")
	switch key {
	case "aws:sourceaccount", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceorgid",
		"aws:principalorgid", "aws:principalaccount", "s3:dataaccesspointaccount",
		"s3:x-amz-server-side-encryption-aws-kms-key-id":
		return wild < 0
	case "aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn":
		return wild < 0 || account(value) != nil
	case "aws:principalorgpaths", "aws:sourceorgpaths":
		return fixedBefore(value, wild, '/')
	case "aws:userid":
		return fixedBefore(value, wild, ':')
	}
	return false
}

// fixedBefore reports whether no wildcard stands before the first sep.
func fixedBefore(value []byte, wild int, sep byte) bool {
	return wild < 0 || bytes.IndexByte(value[:wild], sep) > 0
}

// narrow reports whether S3 takes a range of addresses for a restriction: /8 and
// longer for IPv4, /32 and longer for IPv6.
func narrow(value []byte) bool {
	if p, err := netip.ParsePrefix(string(value)); err == nil {
		if p.Addr().Is4() {
			return p.Bits() >= 8
		}
		return p.Bits() >= 32
	}
	_, err := netip.ParseAddr(string(value))
	return err == nil
}

// owner returns the account that a condition ties to, nil where the key is about
// something else.
func owner(key string, value []byte) []byte {
	switch key {
	case "aws:principalaccount", "s3:dataaccesspointaccount", "aws:principalarn", "s3:dataaccesspointarn":
		return account(value)
	}
	return nil
}

// account returns the account of an ARN, or the account that a value is; nil
// where there is none.
func account(value []byte) []byte {
	if bytes.HasPrefix(value, []byte("arn:")) {
		for range 4 {
			i := bytes.IndexByte(value, ':')
			if i < 0 {
				return nil
			}
			value = value[i+1:]
		}
		i := bytes.IndexByte(value, ':')
		if i < 0 {
			return nil
		}
		value = value[:i]
	}
	if len(value) != 12 {
		return nil
	}
	for _, c := range value {
		if !isDigit(c) {
			return nil
		}
	}
	return value
}

// called reports whether a member's name is want. Names of policy elements are
// compared without case: reading one more is the safe side.
func (t *Trail) called(name []byte, want string) bool {
	return len(name) >= len(want) && strings.EqualFold(string(t.paths.plain(name)), want)
}

// string returns what the string v says, and any other scalar as it stands.
func (t *Trail) string(v []byte) []byte {
	if len(v) > 0 && v[0] == '"' {
		return t.paths.text(within(v))
	}
	return v
}

// home is the account of the bucket, or that which got the record.
func (t *Trail) home() []byte {
	if len(t.row.BucketAccountID) > 0 {
		return t.row.BucketAccountID
	}
	return t.row.RecipientAccountID
}

// foreign reports whether a is an account, and none of the site's.
func (t *Trail) foreign(a []byte) bool {
	home := t.home()
	return len(a) > 0 && len(home) > 0 && !bytes.Equal(a, home) && !t.schema.own[string(a)]
}

package testaws

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// item is the attributes of an item, or the values of an expression.
type item map[string]value

// value is a value as DynamoDB's JSON has it: its type, and what goes with it.
type value struct {
	T    string
	S    string          // S, N and B
	Set  []string        // SS, NS and BS, sorted
	Rest json.RawMessage // M, L, BOOL and NULL
}

func (v value) MarshalJSON() ([]byte, error) {
	switch v.T {
	case "S", "N", "B":
		return json.Marshal(map[string]string{v.T: v.S})
	case "SS", "NS", "BS":
		return json.Marshal(map[string][]string{v.T: v.Set})
	}
	return json.Marshal(map[string]json.RawMessage{v.T: v.Rest})
}

func (v *value) UnmarshalJSON(text []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	for t, raw := range m {
		v.T = t
		switch t {
		case "S", "N", "B":
			return json.Unmarshal(raw, &v.S)
		case "SS", "NS", "BS":
			if err := json.Unmarshal(raw, &v.Set); err != nil || len(v.Set) == 0 {
				return fmt.Errorf("a set must not be empty: %v", err)
			}
			slices.Sort(v.Set)
			if len(slices.Compact(slices.Clone(v.Set))) != len(v.Set) {
				return fmt.Errorf("a set holds a value twice")
			}
			return nil
		}
		v.Rest = raw
	}
	return nil
}

func (it item) size() int {
	n := 0
	for name, v := range it {
		n += len(name) + len(v.S) + len(v.Rest)
		for _, s := range v.Set {
			n += len(s)
		}
	}
	return n
}

// expression evaluates conditions and updates on one item.
type expression struct {
	names  map[string]string
	values item
	item   item
	used   map[string]bool
	tokens []string
	err    error
}

// unused is the error of names and values that no expression mentions.
func (x *expression) unused() error {
	for name := range x.names {
		if !x.used[name] {
			return invalid("ExpressionAttributeNames: %s is unused", name)
		}
	}
	for name := range x.values {
		if !x.used[name] {
			return invalid("ExpressionAttributeValues: %s is unused", name)
		}
	}
	return nil
}

func (x *expression) start(text string) {
	x.err = nil
	if x.used == nil {
		x.used = map[string]bool{}
	}
	x.tokens = tokens.FindAllString(text, -1)
}

// tokens are names, values, words, and whatever else is no space.
var tokens = regexp.MustCompile(`[#:]?[\w.\[\]]+|<>|<=|>=|\S`)

func (x *expression) peek() string {
	if len(x.tokens) == 0 {
		return ""
	}
	return x.tokens[0]
}

func (x *expression) next() string {
	t := x.peek()
	if t != "" {
		x.tokens = x.tokens[1:]
	}
	return t
}

func (x *expression) is(words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(x.peek(), w) {
			return true
		}
	}
	return false
}

func (x *expression) want(token string) {
	if got := x.next(); !strings.EqualFold(got, token) {
		x.fail("%q where %q belongs", got, token)
	}
}

func (x *expression) fail(format string, args ...any) {
	if x.err == nil {
		x.err = invalid("expression: "+format, args...)
	}
	x.tokens = nil
}

// condition tells whether the item fulfils a condition.
func (x *expression) condition(text string) (bool, error) {
	x.start(text)
	ok := x.or()
	if x.err == nil && len(x.tokens) > 0 {
		x.fail("%q left over", x.tokens)
	}
	return ok, x.err
}

func (x *expression) or() bool {
	ok := x.and()
	for x.is("OR") {
		x.next()
		ok = x.and() || ok
	}
	return ok
}

func (x *expression) and() bool {
	ok := x.not()
	for x.is("AND") {
		x.next()
		ok = x.not() && ok
	}
	return ok
}

func (x *expression) not() bool {
	if x.is("NOT") {
		x.next()
		return !x.not()
	}
	if x.is("(") {
		x.next()
		ok := x.or()
		x.want(")")
		return ok
	}
	if x.is("attribute_exists", "attribute_not_exists", "begins_with", "contains", "attribute_type") {
		return x.function(strings.ToLower(x.next()))
	}
	return x.comparison()
}

func (x *expression) function(name string) bool {
	x.want("(")
	a, there := x.operand()
	if strings.HasPrefix(name, "attribute_") && name != "attribute_type" {
		x.want(")")
		return there == (name == "attribute_exists")
	}
	x.want(",")
	b, _ := x.operand()
	x.want(")")
	switch name {
	case "begins_with":
		return there && a.T == b.T && strings.HasPrefix(a.S, b.S)
	case "attribute_type":
		return there && a.T == b.S
	}
	return there && (slices.Contains(a.Set, b.S) || a.T == "S" && strings.Contains(a.S, b.S))
}

func (x *expression) comparison() bool {
	a, there := x.operand()
	switch op := strings.ToUpper(x.next()); op {
	case "BETWEEN":
		low, _ := x.operand()
		x.want("AND")
		high, _ := x.operand()
		return there && x.compare(a, low) >= 0 && x.compare(a, high) <= 0
	case "IN":
		x.want("(")
		found := false
		for x.err == nil {
			b, ok := x.operand()
			found = found || there && ok && equal(a, b)
			if x.next() != "," {
				break
			}
		}
		return found
	case "=", "<>":
		b, ok := x.operand()
		return (there && ok && equal(a, b)) == (op == "=")
	case "<", "<=", ">", ">=":
		b, ok := x.operand()
		if !there || !ok || a.T != b.T {
			return false
		}
		c := x.compare(a, b)
		return op[0] == '<' && c < 0 || op[0] == '>' && c > 0 || len(op) == 2 && c == 0
	default:
		x.fail("%q is no comparison", op)
		return false
	}
}

func equal(a, b value) bool {
	if a.T == "N" && b.T == "N" {
		return number(a).Cmp(number(b)) == 0
	}
	return a.T == b.T && a.S == b.S && slices.Equal(a.Set, b.Set) && string(a.Rest) == string(b.Rest)
}

func (x *expression) compare(a, b value) int {
	if a.T == "N" && b.T == "N" {
		return number(a).Cmp(number(b))
	}
	return strings.Compare(a.S, b.S)
}

func number(v value) *big.Int {
	n, ok := new(big.Int).SetString(v.S, 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

// operand is a name, a value, size() or if_not_exists().
func (x *expression) operand() (value, bool) {
	switch t := x.next(); {
	case strings.EqualFold(t, "size"):
		x.want("(")
		v, there := x.operand()
		x.want(")")
		return value{T: "N", S: fmt.Sprint(max(len(v.S), len(v.Set)))}, there
	case strings.EqualFold(t, "if_not_exists"):
		x.want("(")
		v, there := x.operand()
		x.want(",")
		other, _ := x.operand()
		x.want(")")
		if there {
			return v, true
		}
		return other, true
	case strings.HasPrefix(t, ":"):
		v, ok := x.values[t]
		if !ok {
			x.fail("%s has no value", t)
		}
		x.used[t] = true
		return v, ok
	default:
		v, there := x.item[x.name(t)]
		return v, there
	}
}

func (x *expression) name(t string) string {
	if strings.HasPrefix(t, "#") {
		x.used[t] = true
		name, ok := x.names[t]
		if !ok {
			x.fail("%s has no name", t)
		}
		return name
	}
	if t == "" || strings.ContainsAny(t, ".[]:<>=(),") || slices.Contains(reserved, strings.ToUpper(t)) {
		x.fail("%q is no name of an attribute at the top of an item, or a reserved word", t)
	}
	return t
}

// reserved are some of the words that DynamoDB takes for no name.
var reserved = []string{"COUNT", "DATA", "DATE", "FIRST", "GROUP", "KEY", "LAST", "NAME", "OWNER", "REGION", "SIZE", "SLOT", "STATE", "STATUS", "TIME", "TTL", "UNTIL", "VALUE", "VALUES"}

// update changes is, which holds what the item is so far.
func (x *expression) update(text string, is item) error {
	x.start(text)
	was := maps.Clone(is)
	x.item = was // every part sees the item as it was before
	clause := ""
	for x.err == nil && len(x.tokens) > 0 {
		if x.is("SET", "ADD", "REMOVE", "DELETE") {
			clause = strings.ToUpper(x.next())
		}
		name := x.name(x.next())
		if name == "pk" || name == "sk" {
			x.fail("%s is part of the key", name)
		}
		switch clause {
		case "SET":
			x.want("=")
			is[name] = x.sum()
		case "REMOVE":
			delete(is, name)
		case "ADD", "DELETE":
			v, _ := x.operand()
			x.combine(clause, name, v, is)
		default:
			x.fail("no SET, ADD, REMOVE or DELETE before %q", name)
		}
		if x.is(",") {
			x.next()
		} else if len(x.tokens) > 0 && !x.is("SET", "ADD", "REMOVE", "DELETE") {
			x.fail("%q left over", x.tokens)
		}
	}
	return x.err
}

// sum is an operand, or two with + or - between them.
func (x *expression) sum() value {
	a, there := x.operand()
	if !there {
		x.fail("an attribute that is not there")
	}
	op := x.peek()
	if op != "+" && op != "-" {
		return a
	}
	x.next()
	b, there := x.operand()
	if !there || a.T != "N" || b.T != "N" {
		x.fail("%s of what is no number", op)
		return a
	}
	n := number(a)
	if op == "+" {
		return value{T: "N", S: n.Add(n, number(b)).String()}
	}
	return value{T: "N", S: n.Sub(n, number(b)).String()}
}

// combine adds to a number or a set, or takes from a set.
func (x *expression) combine(clause, name string, v value, is item) {
	old, there := is[name]
	switch {
	case there && old.T != v.T:
		x.fail("%s %s: %s and %s", clause, name, old.T, v.T)
	case v.T == "N" && clause == "ADD":
		n := number(old)
		is[name] = value{T: "N", S: n.Add(n, number(v)).String()}
	case v.Set == nil:
		x.fail("%s of %s", clause, v.T)
	case clause == "ADD":
		set := slices.Concat(old.Set, v.Set)
		slices.Sort(set)
		is[name] = value{T: v.T, Set: slices.Compact(set)}
	default:
		left := slices.DeleteFunc(slices.Clone(old.Set), func(s string) bool { return slices.Contains(v.Set, s) })
		is[name] = value{T: v.T, Set: left}
		if len(left) == 0 {
			delete(is, name)
		}
	}
}

package sigma

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// reference judges records by walking the document as maps and strings: slow,
// plain, and without a line of what it checks. It knows what the property test
// writes, no more.
type reference struct {
	selections map[string]any
	site       map[string][]string
}

// event is a record by field names: string, int, bool, moment, or any from JSON.
type event map[string]any

func (ref *reference) condition(text string, e event) bool {
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text))
	at := 0
	var or func() bool
	term := func() bool {
		w := words[at]
		at++
		switch {
		case w == "(":
			v := or()
			at++
			return v
		case at < len(words) && words[at] == "of":
			pattern := words[at+1]
			at += 2
			n, all := 0, 0
			for name, s := range ref.selections {
				if pattern == "them" && !strings.HasPrefix(name, "_") || pattern != "them" && like(name, pattern) {
					all++
					if ref.selection(s, e) {
						n++
					}
				}
			}
			if w == "all" {
				return n == all
			}
			want, _ := strconv.Atoi(w)
			return n >= want
		}
		return ref.selection(ref.selections[w], e)
	}
	var not func() bool
	not = func() bool {
		if words[at] == "not" {
			at++
			return !not()
		}
		return term()
	}
	and := func() bool {
		v := not()
		for at < len(words) && words[at] == "and" {
			at++
			next := not()
			v = v && next
		}
		return v
	}
	or = func() bool {
		v := and()
		for at < len(words) && words[at] == "or" {
			at++
			next := and()
			v = v || next
		}
		return v
	}
	return or()
}

func (ref *reference) selection(s any, e event) bool {
	switch s := s.(type) {
	case map[string]any:
		for key, value := range s {
			if !ref.item(key, value, e) {
				return false
			}
		}
		return true
	case []any:
		for _, part := range s {
			switch part := part.(type) {
			case map[string]any:
				if ref.selection(part, e) {
					return true
				}
			default:
				for name, v := range e {
					if name == "http_status" || name == "bytes_sent" || name == "authenticated" || name == "request_time" || strings.Contains(name, ".") {
						continue
					}
					if anyElement(v, func(v any) bool { return like(plainText(v), "*"+fmt.Sprint(part)+"*") }) {
						return true
					}
				}
			}
		}
	}
	return false
}

func (ref *reference) item(key string, value any, e event) bool {
	parts := strings.Split(key, "|")
	mods := parts[1:]
	has := func(m string) bool { return slices.Contains(mods, m) }
	got, present := e[parts[0]]
	if got == nil {
		present = false
	}
	if has("exists") {
		return present == value.(bool)
	}
	if value == nil {
		return present == has("neq")
	}
	values, ok := value.([]any)
	if !ok {
		values = []any{value}
	}
	if has("expand") {
		var more []any
		for _, v := range values {
			for _, s := range ref.site[strings.Trim(v.(string), "%")] {
				more = append(more, s)
			}
		}
		values = more
	}
	n := 0
	for _, v := range values {
		if present && anyElement(got, func(got any) bool { return ref.one(mods, v, got, e) }) {
			n++
		}
	}
	result := n > 0
	if has("all") {
		result = n == len(values) && n > 0
	}
	return result != has("neq")
}

// anyElement tries the elements of an array, and of arrays in it.
func anyElement(v any, f func(any) bool) bool {
	list, ok := v.([]any)
	if !ok {
		return v != nil && f(v)
	}
	return slices.ContainsFunc(list, func(v any) bool { return anyElement(v, f) })
}

func (ref *reference) one(mods []string, want, got any, e event) bool {
	text := plainText(got)
	for _, m := range mods {
		switch m {
		case "contains", "startswith", "endswith":
			p := fmt.Sprint(want)
			if m != "startswith" {
				p = "*" + p
			}
			if m != "endswith" {
				p += "*"
			}
			if slices.Contains(mods, "cased") {
				return likeCased(text, p)
			}
			return like(text, p)
		case "re":
			return regexp.MustCompile(want.(string)).MatchString(text)
		case "cidr":
			a, err := netip.ParseAddr(text)
			if _, isText := got.(string); err != nil || a.Zone() != "" || !isText {
				return false
			}
			return netip.MustParsePrefix(want.(string)).Contains(a.Unmap())
		case "lt", "lte", "gt", "gte":
			var w, g float64
			if t, ok := want.(time.Time); ok {
				w = float64(t.UnixMilli())
				ms, ok := got.(moment)
				if !ok {
					return false
				}
				g = float64(ms)
			} else {
				w = toFloat(want)
				switch got := got.(type) {
				case int:
					g = float64(got)
				case json.Number:
					g, _ = got.Float64()
				case string:
					if !decimal.MatchString(got) {
						return false
					}
					f, _ := strconv.ParseFloat(got, 64)
					g = f
				default:
					return false
				}
			}
			return map[string]bool{"lt": g < w, "lte": g <= w, "gt": g > w, "gte": g >= w}[m]
		case "hour", "minute":
			ms, ok := got.(moment)
			if !ok {
				return false
			}
			t := time.UnixMilli(int64(ms)).UTC()
			return map[string]int{"hour": t.Hour(), "minute": t.Minute()}[m] == want.(int)
		case "fieldref":
			other := e[want.(string)]
			return other != nil && lowered(text) == lowered(plainText(other))
		}
	}
	if slices.Contains(mods, "cased") {
		return likeCased(text, fmt.Sprint(want))
	}
	if like(text, fmt.Sprint(want)) {
		return true
	}
	n, isNumber := got.(json.Number)
	switch want.(type) {
	case int, float64:
		if f, err := n.Float64(); isNumber && err == nil {
			return f == toFloat(want)
		}
	}
	return false
}

var decimal = regexp.MustCompile(`\A-?[0-9]+(\.[0-9]+)?\z`)

func toFloat(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case float64:
		return v
	}
	panic(fmt.Sprintf("no number: %v", v))
}

// plainText is a value as patterns see it.
func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case moment:
		t := time.UnixMilli(int64(v)).UTC()
		if v%1000 != 0 {
			return t.Format("2006-01-02T15:04:05.000Z")
		}
		return t.Format("2006-01-02T15:04:05Z")
	case map[string]any:
		raw, _ := json.Marshal(v)
		return string(raw)
	}
	return fmt.Sprint(v)
}

func lowered(s string) string {
	return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, s)
}

func like(s, p string) bool { return likeCased(lowered(s), lowered(p)) }

// likeCased matches wildcards by a regular expression.
func likeCased(s, p string) bool {
	if re := likes[p]; re != nil {
		return re.MatchString(s)
	}
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for i := 0; i < len(p); {
		r := []rune(p[i:])[0]
		n := len(string(r))
		switch {
		case r == '\\' && i+1 < len(p) && strings.ContainsRune(`*?\`, rune(p[i+1])):
			re.WriteString(regexp.QuoteMeta(p[i+1 : i+2]))
			n = 2
		case r == '*':
			re.WriteString(".*")
		case r == '?':
			re.WriteString(".")
		default:
			re.WriteString(regexp.QuoteMeta(string(r)))
		}
		i += n
	}
	likes[p] = regexp.MustCompile(re.String() + `\z`)
	return likes[p].MatchString(s)
}

var likes = map[string]*regexp.Regexp{}

// dice makes rules and records that meet often.
type dice struct{ *rand.Rand }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

func (d dice) word() string {
	var b strings.Builder
	for range d.IntN(5) {
		b.WriteString(pick(d, "a", "B", "b", "ä", "Ä", ".", "/", "1", "k", "K", "ſ"))
	}
	return b.String()
}

func (d dice) pattern() string {
	var b strings.Builder
	for range 1 + d.IntN(5) {
		b.WriteString(pick(d, "a", "B", "ä", "/", "1", "*", "?", `\*`, `\\`, "k"))
	}
	return b.String()
}

func (d dice) value() any {
	switch d.IntN(7) {
	case 0:
		return d.IntN(20)
	case 1:
		return []any{d.word(), d.word(), d.IntN(20), []any{d.word()}}
	case 2:
		return d.IntN(2) == 0
	case 3:
		return map[string]any{"a": d.word()}
	case 4:
		return float64(d.IntN(40)) / 2
	case 5:
		return nil
	}
	return d.word()
}

func (d dice) event() event {
	e := event{}
	some := func(name string, v any) {
		if d.IntN(4) > 0 {
			e[name] = v
		}
	}
	some("operation", pick(d, "REST.GET.OBJECT", "REST.PUT.OBJECT", "rest.get.bucket", "BATCH.DELETE.OBJECT"))
	some("key_name", d.word())
	some("user_agent", d.word())
	some("bucket_name", pick(d, "a", "b", "open-1"))
	some("requester", d.word())
	some("remote_ip", pick(d, "192.0.2.1", "192.0.3.1", "2001:db8::1", "::ffff:192.0.2.3", "x", "1.2.3.04"))
	some("http_status", pick(d, 200, 403, 404, 500))
	some("bytes_sent", d.IntN(30))
	some("authenticated", d.IntN(2) == 0)
	some("request_time", moment(1772497062000+d.Int64N(200_000_000)))
	some("params", map[string]any{"k": d.word()})
	some("params.x", d.value())
	some("params.y", d.value())
	return e
}

func (d dice) item() (string, any) {
	text := func(field string) (string, any) {
		mod := pick(d, "", "", "|contains", "|startswith", "|endswith", "|contains|cased", "|cased", "|contains|all", "|neq", "|startswith|neq", "|re", "|exists", "null", "|fieldref", "|expand")
		switch mod {
		case "|re":
			return field + mod, pick(d, "^a", "b$", "[aB]/", "(?i)K+", ".")
		case "|exists":
			return field + mod, d.IntN(2) == 0
		case "null":
			return field, nil
		case "|fieldref":
			return field + mod, pick(d, "key_name", "requester", "params.y", "http_status")
		case "|expand":
			return field + mod, "%" + pick(d, "public_buckets", "nothing") + "%"
		}
		var list []any
		for range 2 + d.IntN(3) {
			list = append(list, d.pattern())
		}
		if d.IntN(2) == 0 && !strings.Contains(mod, "all") {
			return field + mod, list[0]
		}
		return field + mod, list
	}
	switch d.IntN(12) {
	case 0:
		return "operation" + pick(d, "", "|neq"), pick[any](d, "rest.get.object", "REST.*", []any{"REST.PUT.OBJECT", "BATCH.DELETE.OBJECT"}, "REST.???.OBJECT")
	case 1:
		return "http_status" + pick(d, "", "|neq"), pick[any](d, 200, []any{403, 404}, "4*", "?00")
	case 2:
		return pick(d, "http_status", "bytes_sent", "params.x") + pick(d, "|lt", "|lte", "|gt", "|gte"), pick[any](d, 10, 403, 7.5, 200)
	case 3:
		return "remote_ip|cidr" + pick(d, "", "|neq"), pick[any](d, "192.0.2.0/24", []any{"2001:db8::/32", "192.0.3.1/32"})
	case 4:
		return "authenticated", pick[any](d, true, false, "True")
	case 5:
		return "request_time" + pick(d, "|hour", "|minute"), d.IntN(24)
	case 6:
		return "request_time" + pick(d, "|lt", "|gte"), time.UnixMilli(1772497062000 + d.Int64N(200_000_000)).UTC().Truncate(time.Second)
	case 7:
		return "params.x" + pick(d, "", "|neq"), pick[any](d, 7, 7.5, true, "true", []any{1, 2, 3, "a*"})
	}
	return text(pick(d, "key_name", "user_agent", "requester", "bucket_name", "params", "params.x", "params.y"))
}

func (d dice) selection() any {
	items := func() map[string]any {
		m := map[string]any{}
		for range 1 + d.IntN(2) {
			k, v := d.item()
			m[k] = v
		}
		return m
	}
	switch d.IntN(6) {
	case 0:
		return []any{items(), items()}
	case 1:
		return []any{pick(d, "a", "b?", "ä", "1*k"), d.pattern()}
	}
	return items()
}

func (d dice) condition(names []string, depth int) string {
	if depth > 3 || d.IntN(3) == 0 {
		if d.IntN(4) == 0 {
			return pick(d, "1 of s*", "all of s*", "2 of s*", "3 of s*", "1 of them", "all of them")
		}
		return pick(d, names...)
	}
	a, b := d.condition(names, depth+1), d.condition(names, depth+1)
	return pick(d, a+" and "+b, a+" or "+b, "not "+a, "("+a+" or "+b+") and "+a, "not ("+a+" and "+b+")")
}

// agree loads random rules and compares their matches on random records.
func agree(t *testing.T, seed uint64) {
	d := dice{rand.New(rand.NewPCG(seed, 1))}
	site := Site{"public_buckets": {"open-*", "a"}, "nothing": {}}
	schema := newSchema()
	for name, f := range schema.fields {
		f.Few = d.IntN(2) == 0
		schema.fields[name] = f
	}
	schema.few = d.IntN(2) == 0
	var docs, conditions []string
	var refs []*reference
	for i := range 1 + d.IntN(6) {
		ref := &reference{selections: map[string]any{}, site: site}
		names := []string{"s0", "s1", "s2", "s3", "_s4"}
		for _, n := range names {
			ref.selections[n] = d.selection()
		}
		condition := d.condition(names, 0)
		made := maps.Clone(ref.selections)
		made["condition"] = condition
		doc := map[string]any{
			"title": "T", "id": fmt.Sprint("r", i), "logsource": map[string]any{"service": "s3_server_access"},
			"detection": made,
		}
		text, err := yaml.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		docs, refs, conditions = append(docs, string(text)), append(refs, ref), append(conditions, condition)
	}
	set, problems := load(t, Options{Schemas: []Schema{schema}, Site: site}, docs...)
	if len(problems) > 0 {
		t.Fatalf("seed %d: %v", seed, problems)
	}
	m, tight, fast := set.Matcher("s3_server_access"), set.Matcher("s3_server_access"), set.Matcher("s3_server_access")
	placed := schema.placed()
	tight.room, tight.patience = d.IntN(300), d.IntN(20)
	for n := range 24 {
		e := d.event()
		flat := map[string]any{}
		for name, v := range e {
			if f, _ := schema.Lookup(name); f.Kind == JSON && v != nil {
				raw, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				dec := json.NewDecoder(strings.NewReader(string(raw)))
				dec.UseNumber()
				var again any
				if err := dec.Decode(&again); err != nil {
					t.Fatal(err)
				}
				e[name], v = again, string(raw)
			}
			flat[name] = v
		}
		r := schema.record(flat)
		var got, want []string
		for _, i := range m.Match(r) {
			got = append(got, set.Rules[i].ID)
		}
		for i, ref := range refs {
			id := fmt.Sprint("r", i)
			hit := ref.condition(conditions[i], e)
			if hit {
				want = append(want, id)
			}
			for _, rule := range set.Rules {
				if n < 5 && rule.ID == id && set.Explain(rule, r).Matched != hit {
					t.Errorf("seed %d: %s is explained as %v", seed, id, !hit)
				}
			}
		}
		for range 2 { // the second one goes a way that is known
			if quick := fast.Match(placed.set(r)); !slices.Equal(quick, m.Match(r)) {
				t.Errorf("seed %d: matches %v where fields have places, %v where not", seed, quick, m.Match(r))
			}
		}
		if cramped := len(tight.Match(r)); cramped != len(got) {
			t.Errorf("seed %d: %d matches, %d without room for decisions", seed, len(got), cramped)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: matches %v, reference %v of %v\n%s", seed, got, want, flat, strings.Join(docs, "---\n"))
		}
	}
}

// TestReference: the compiled rules agree with the plain evaluator.
func TestReference(t *testing.T) {
	for seed := range uint64(200) {
		agree(t, seed)
		if t.Failed() {
			return
		}
	}
}

func FuzzReference(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { agree(t, seed) })
}

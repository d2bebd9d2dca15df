package docs

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// stack is template.yaml with the values of one set of parameters put in, as
// CloudFormation would. What only AWS knows stays a placeholder: ${Queue} for
// what Ref gives, ${Queue.Arn} for an attribute.
type stack struct {
	Parameters map[string]parameter
	Resources  map[string]resource
	Outputs    map[string]output
	needs      map[string][]string // resource → what it waits for
}

type parameter struct {
	Type, Description     string
	Default               any
	AllowedPattern        string
	ConstraintDescription string
	AllowedValues         []any
	MinValue, MaxValue    any
}

type resource struct {
	Type                                string
	Condition                           string
	DeletionPolicy, UpdateReplacePolicy string
	Properties                          json.RawMessage
}

type output struct{ Description, Value string }

// template is the stack with the defaults of all parameters.
func template(t *testing.T) stack { return stackWith(t, nil) }

// stackWith is the stack with these parameters, and the defaults of the others.
func stackWith(t *testing.T, parameters map[string]any) stack {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, "template.yaml")), &doc); err != nil {
		t.Fatalf("template.yaml: %v", err)
	}
	tree := plain(t, doc.Content[0]).(map[string]any)
	s := stack{Resources: map[string]resource{}, needs: map[string][]string{}}
	s.decode(t, tree["Parameters"], &s.Parameters)
	values := map[string]any{"AWS::AccountId": "111122223333", "AWS::Region": "eu-central-1", "AWS::Partition": "aws", "AWS::StackName": "sluice"}
	for name, p := range s.Parameters {
		values[name] = p.Default
	}
	for name, v := range parameters {
		if _, ok := s.Parameters[name]; !ok && name != "AWS::Partition" {
			t.Fatalf("template.yaml has no parameter %s", name)
		}
		values[name] = v
	}
	r := &resolver{t: t, values: values, conditions: tree["Conditions"].(map[string]any), exists: map[string]bool{}}
	resources := tree["Resources"].(map[string]any)
	for name, v := range resources {
		c, conditional := v.(map[string]any)["Condition"].(string)
		r.exists[name] = !conditional || r.condition(c)
	}
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		if !r.exists[name] {
			continue
		}
		body := resources[name].(map[string]any)
		r.in, r.needs = name, map[string]bool{}
		for _, d := range list(body["DependsOn"]) {
			r.need(d.(string))
		}
		body["Properties"], _ = r.value(body["Properties"])
		delete(body, "DependsOn")
		var res resource
		s.decode(t, body, &res)
		s.Resources[name], s.needs[name] = res, slices.Sorted(maps.Keys(r.needs))
	}
	r.in, r.needs = "Outputs", map[string]bool{}
	out, _ := r.value(tree["Outputs"])
	s.decode(t, out, &s.Outputs)
	return s
}

func (s stack) decode(t *testing.T, from, into any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("template.yaml: %v", err)
	}
}

// properties decodes the properties of one resource into v.
func (s stack) properties(t *testing.T, name string, v any) {
	t.Helper()
	r, ok := s.Resources[name]
	if !ok {
		t.Fatalf("template.yaml has no resource %s", name)
	}
	if err := json.Unmarshal(r.Properties, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// of is the names of the resources of a type, in order.
func (s stack) of(kind string) []string {
	var names []string
	for name, r := range s.Resources {
		if r.Type == kind {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// plain turns YAML into maps and lists, and !Ref x into {"Ref": x}.
func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	var v any
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		v = m
	case yaml.SequenceNode:
		l := []any{}
		for _, c := range n.Content {
			l = append(l, plain(t, c))
		}
		v = l
	default:
		own := strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!")
		if own {
			v = n.Value
		} else if err := n.Decode(&v); err != nil {
			t.Fatalf("template.yaml:%d: %v", n.Line, err)
		}
	}
	switch tag := strings.TrimPrefix(n.Tag, "!"); {
	case strings.HasPrefix(tag, "!") || tag == "" || tag == n.Tag:
		return v
	case tag == "Ref" || tag == "Condition":
		return map[string]any{tag: v}
	default:
		return map[string]any{"Fn::" + tag: v}
	}
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// resolver is the functions of CloudFormation that the template uses.
type resolver struct {
	t          *testing.T
	values     map[string]any // of parameters
	conditions map[string]any
	exists     map[string]bool // resource → its condition holds
	in         string          // what is resolved, for messages
	needs      map[string]bool
}

// need notes that one resource waits for another.
func (r *resolver) need(name string) {
	if !r.exists[name] {
		// DependsOn of what is not there is no fault, and any other use is: both are
		// told apart by who asks, so only reference reports.
		return
	}
	r.needs[name] = true
}

// reference is a placeholder for a resource or an attribute of one.
func (r *resolver) reference(name string) string {
	resource, _, _ := strings.Cut(name, ".")
	if !r.exists[resource] {
		r.t.Errorf("%s refers to %s, which is not there with these parameters", r.in, name)
	}
	r.need(resource)
	return "${" + name + "}"
}

func (r *resolver) condition(name string) bool {
	v, ok := r.conditions[name]
	if !ok {
		r.t.Fatalf("no condition %s", name)
	}
	b, _ := r.value(v)
	return b.(bool)
}

// value is v with its functions called, and false for AWS::NoValue.
func (r *resolver) value(v any) (any, bool) {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, e := range v {
			if e, ok := r.value(e); ok {
				out = append(out, e)
			}
		}
		return out, true
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if name == "Ref" || name == "Condition" && fmt.Sprintf("%T", arg) == "string" || strings.HasPrefix(name, "Fn::") {
					return r.call(name, arg)
				}
			}
		}
		out := map[string]any{}
		for k, e := range v {
			if e, ok := r.value(e); ok {
				out[k] = e
			}
		}
		return out, true
	}
	return v, true
}

func (r *resolver) call(name string, arg any) (any, bool) {
	if name == "Fn::If" {
		a := arg.([]any)
		if r.condition(a[0].(string)) {
			return r.value(a[1])
		}
		return r.value(a[2])
	}
	if name == "Fn::Sub" {
		return r.sub(arg), true
	}
	a, _ := r.value(arg)
	switch name {
	case "Ref":
		if a == "AWS::NoValue" {
			return nil, false
		}
		if v, ok := r.values[a.(string)]; ok {
			return v, true
		}
		return r.reference(a.(string)), true
	case "Condition":
		return r.condition(a.(string)), true
	case "Fn::GetAtt":
		return r.reference(a.(string)), true
	case "Fn::Base64":
		return base64.StdEncoding.EncodeToString([]byte(a.(string))), true
	case "Fn::Equals":
		l := a.([]any)
		return fmt.Sprint(l[0]) == fmt.Sprint(l[1]), true
	case "Fn::Not":
		return !a.([]any)[0].(bool), true
	case "Fn::And":
		return !slices.Contains(a.([]any), any(false)), true
	case "Fn::Or":
		return slices.Contains(a.([]any), any(true)), true
	case "Fn::Join":
		l := a.([]any)
		var parts []string
		for _, p := range l[1].([]any) {
			parts = append(parts, fmt.Sprint(p))
		}
		return strings.Join(parts, l[0].(string)), true
	case "Fn::Split":
		l := a.([]any)
		out := []any{}
		for p := range strings.SplitSeq(fmt.Sprint(l[1]), l[0].(string)) {
			out = append(out, p)
		}
		return out, true
	}
	r.t.Fatalf("%s: %s is not known to this test", r.in, name)
	return nil, false
}

var inSub = regexp.MustCompile(`\$\{([^}]+)\}`)

func (r *resolver) sub(arg any) string {
	text, own := arg, map[string]any{}
	if l, ok := arg.([]any); ok {
		text, own = l[0], l[1].(map[string]any)
	}
	return inSub.ReplaceAllStringFunc(text.(string), func(m string) string {
		name := m[2 : len(m)-1]
		if rest, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + rest + "}"
		}
		if v, ok := own[name]; ok {
			v, _ := r.value(v)
			return fmt.Sprint(v)
		}
		if v, ok := r.values[name]; ok {
			return fmt.Sprint(v)
		}
		return r.reference(name)
	})
}

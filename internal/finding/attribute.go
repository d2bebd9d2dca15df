package finding

// Attribute is an SNS message attribute, for filter policies of subscribers.
type Attribute struct {
	Name  string
	Type  string // String, Number or String.Array
	Value string
}

// Attributes are what a subscriber can filter by. Empty ones are left out: SNS
// refuses a message with one.
func (f *Finding) Attributes() []Attribute { return nil }

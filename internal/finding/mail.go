package finding

// Mail is the finding for a person: a subject that SNS takes, and plain text in
// which nothing that an attacker wrote becomes a link.
func (f *Finding) Mail() (subject, body string) { return "", "" }

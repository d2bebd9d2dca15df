package finding

// Chat is the finding as a custom notification of Amazon Q Developer in chat
// applications, which drops everything that is not one.
func (f *Finding) Chat() []byte { return nil }

package finding

// OCSF is the finding as an OCSF 1.8.0 Detection Finding (class 2004, profile
// cloud), cleaned, redacted and small enough for SNS. The same finding gives the
// same bytes.
func (f *Finding) OCSF() ([]byte, error) { return nil, nil }

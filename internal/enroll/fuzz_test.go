package enroll

import "testing"

// FuzzPolicy: a bucket's policy is whatever somebody wrote. It is judged or
// refused, and only a statement that permits makes a permission.
func FuzzPolicy(f *testing.F) {
	for _, s := range []string{
		openPolicy, `{"Statement":[]}`, `{"Statement":[{"Effect":"Allow","Principal":{"Service":["logging.s3.amazonaws.com"]},"Action":["s3:*"],"Resource":"*","Condition":{"Null":{"aws:SourceArn":"false"}}}]}`,
		`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":[1,null]},"NotAction":"s3:?et*","NotResource":["**"],"Condition":{"StringNotLikeIfExists":{"aws:SourceVpc":["a","b"]}}}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, document string) {
		target := Target{Name: "example-logs", Region: "eu-central-1", Account: "111122223333", Policy: document}
		target.admits("example-photos", "")
		v, err := judge(document, delivery{resource: "arn:aws:s3:::example-logs/x", context: map[string]string{"aws:sourceaccount": "111122223333"}})
		if v.allowed && (err != nil || !v.named) {
			t.Errorf("%q: %+v, %v", document, v, err)
		}
	})
}

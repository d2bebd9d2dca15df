package link

import (
	"net/url"
	"strings"
	"testing"
)

// escapedEach escapes every byte of a text, as no library does and anybody may.
func escapedEach(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
	}
	return b.String()
}

// TestSigns: signs are known however often they were escaped, and nothing else is.
func TestSigns(t *testing.T) {
	equals, and := "=", "&"
	for range 6 {
		equals, and = url.QueryEscape(equals), url.QueryEscape(and)
		for _, s := range []string{equals, strings.ToLower(equals)} {
			if got := Equals([]byte(s + "abc")); got != len(s) {
				t.Errorf("%s is told as %d bytes", s, got)
			}
		}
		if !And([]byte(and + "abc")) {
			t.Errorf("%s is not told", and)
		}
		for _, s := range []string{equals[:len(equals)-1], and, and[:len(and)-1]} {
			if got := Equals([]byte(s)); got != 0 {
				t.Errorf("%s is told as an equals sign of %d bytes", s, got)
			}
		}
		if And([]byte(equals)) || And([]byte(and[:len(and)-1])) {
			t.Errorf("%s, or a part of %s, is told as an ampersand", equals, and)
		}
	}
	for _, s := range []string{"%", "%3", "%25", "%2525", "%253", "%2d3d", "%d3", "%2 3d"} {
		if Equals([]byte(s)) != 0 || And([]byte(s)) {
			t.Errorf("%s is told as a sign", s)
		}
	}
}

// TestNamesSecret: names are known in any case and however they were escaped, each byte
// of them in its own way.
func TestNamesSecret(t *testing.T) {
	for _, name := range []string{
		"Signature", "signature", "SIGNATURE", "X-Amz-Signature", "&X-Amz-Security-Token", "x-amz-security-token",
		"X-Amz-S3session-Token", "x-amz-s3session-token", "?sessionToken", "no%", "%25",
	} {
		secret := !strings.HasSuffix(name, "%") && !strings.HasSuffix(name, "25")
		forms := []string{name}
		for range 3 {
			all := escapedEach(name)
			for at := range name {
				forms = append(forms, name[:at]+escapedEach(name[at:at+1])+name[at+1:])
				forms = append(forms, name[:at]+url.QueryEscape(url.QueryEscape(escapedEach(name[at:at+1])))+name[at+1:])
			}
			forms = append(forms, all, strings.ToUpper(all), url.QueryEscape(all), url.QueryEscape(url.QueryEscape(all)))
			name = "https://b/k?a=" + name
		}
		for _, f := range forms {
			if got := NamesSecret([]byte(f)); got != secret {
				t.Errorf("%s: is a secret: %v", f, got)
			}
		}
	}
	for _, name := range []string{"", "ignature", "SignatureVersion", "SignedHeaders", "Signatur", "Signatur%5", "Signatur%e65", "Signatur2565",
		"Signatur%25%65x", "token", "X-Amz-Tokens", "versionen", "Security_Tokem", "signatur%2e"} {
		if NamesSecret([]byte(name)) {
			t.Errorf("%q is a secret", name)
		}
	}
}

package finding

import (
	"strings"
	"unicode/utf8"
)

// redacted stands where a secret stood.
const redacted = "REDACTED"

// secrets are the names whose values open something, without what may stand in
// front (X-Amz-Signature) and in lower case.
var secrets = []string{
	"signature", "security-token", "securitytoken", "security_token",
	"sessiontoken", "session_token", "session-token", "secretaccesskey", "secret_access_key",
}

// redact replaces the signatures and session tokens in s: a presigned link in a
// message is a working link until it expires. The rows were redacted when they
// were read, all but the key, which is whatever name somebody gave an object.
//
// It looks at s with every escape undone, however often it was applied (%3D,
// %253D, \u003d), because whoever wrote the link into s chose how.
func redact(s string) string {
	if !strings.ContainsAny(s, "%\\") && !mentionsSecret(s) {
		return s
	}
	v := unescape(s)
	var b strings.Builder
	done := 0 // in s
	for i := 0; i < len(v.text); i++ {
		if c := v.text[i]; c != '=' && c != ':' || !endsInSecret(v.text[:i]) {
			continue
		}
		from := i + 1
		for from < len(v.text) && isQuote(v.text[from]) {
			from++
		}
		to := from
		for to < len(v.text) && !endsSecret(v.text[to]) {
			to++
		}
		if to == from {
			continue
		}
		b.WriteString(s[done:v.at[from]])
		b.WriteString(redacted)
		done, i = v.at[to], to-1
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// mentionsSecret tells whether text without escapes can hold a secret's name.
func mentionsSecret(s string) bool {
	for i := range s {
		for _, word := range [...]string{"signature", "token", "secret"} {
			if c := s[i] | 0x20; c == word[0] && len(s)-i >= len(word) && strings.EqualFold(s[i:i+len(word)], word) {
				return true
			}
		}
	}
	return false
}

// endsSecret tells whether c is behind the value of a secret. None of these
// stands in a signature or a token, which are hexadecimal or base64.
func endsSecret(c byte) bool {
	return c <= ' ' || strings.IndexByte("&\"'<>#,;)]}\\", c) >= 0
}

// isQuote tells whether c may stand between a name, its "=" or ":", and its value.
func isQuote(c byte) bool { return c == ' ' || c == '"' || c == '\'' || c == '\\' }

// endsInSecret tells whether the name in front of a "=" or ":" is a secret's.
func endsInSecret(name []byte) bool {
	n := len(name)
	for n > 0 && isQuote(name[n-1]) {
		n--
	}
	for _, secret := range secrets {
		if n >= len(secret) && strings.EqualFold(string(name[n-len(secret):n]), secret) {
			return true
		}
	}
	return false
}

// view is text with its escapes undone, and where each of its bytes came from.
type view struct {
	text []byte
	at   []int // at[i] is where text[i] begins in the original; one more at the end
}

// unescape undoes percent and \u00 escapes until none is left. Undoing them all
// at once from the left is enough: what an escape gives can only be the "%" or
// "\" of another one, so each step looks back over what it has.
func unescape(s string) view {
	v := view{make([]byte, 0, len(s)), make([]int, 0, len(s)+1)}
	for i := range len(s) {
		v.text, v.at = append(v.text, s[i]), append(v.at, i)
		for v.fold() {
		}
	}
	v.at = append(v.at, len(s))
	return v
}

// fold turns an escape at the end of the view into what it stands for.
func (v *view) fold() bool {
	n := len(v.text)
	length := 0
	switch {
	case n >= 3 && v.text[n-3] == '%':
		length = 3
	case n >= 6 && v.text[n-6] == '\\' && v.text[n-5]|0x20 == 'u' && v.text[n-4] == '0' && v.text[n-3] == '0':
		length = 6
	default:
		return false
	}
	hi, ok1 := unhex(v.text[n-2])
	lo, ok2 := unhex(v.text[n-1])
	c := hi<<4 | lo
	if !ok1 || !ok2 || c >= utf8.RuneSelf {
		return false
	}
	v.text, v.at = append(v.text[:n-length], c), v.at[:n-length+1]
	return true
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

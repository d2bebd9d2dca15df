package s3access

// Shapes of single fields. They are as wide as what S3 has been seen to write,
// and no wider: a split is legal only where every field has its shape, and each
// needless width would make honest lines look forged.

func isStatus(b []byte) bool {
	if len(b) == 1 {
		return b[0] == '-'
	}
	return len(b) == 3 && isDigit(b[0]) && isDigit(b[1]) && isDigit(b[2])
}

// isNumber takes "-" and up to 18 digits, which int64 always holds.
func isNumber(b []byte) bool {
	if len(b) == 1 && b[0] == '-' {
		return true
	}
	if len(b) == 0 || len(b) > 18 {
		return false
	}
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// isErrorCode takes "-" and codes like NoSuchKey; the longest known has 46 letters.
func isErrorCode(b []byte) bool {
	if len(b) == 1 && b[0] == '-' {
		return true
	}
	if len(b) == 0 || len(b) > 64 || !isLetter(b[0]) {
		return false
	}
	for _, c := range b {
		if !isLetter(c) && !isDigit(c) && c != '.' && c != '_' && c != ':' && c != '-' {
			return false
		}
	}
	return true
}

// minHostID is the shortest host id seen (64 characters) and longer than every
// version id (32): it keeps a host id from passing for a version id when a
// split is shifted by one field.
const minHostID = 64

func isTail(f int, b []byte) bool {
	if len(b) == 1 && b[0] == '-' {
		return true
	}
	switch f {
	case fVersion:
		return len(b) < minHostID && only(b, isVersionByte)
	case fHostID:
		return only(b, isHostIDByte)
	case fSigV:
		return len(b) > 4 && len(b) < 10 && string(b[:4]) == "SigV"
	case fCipher:
		return len(b) > 2 && only(b, isCipherByte)
	case fAuth:
		return isLetter(b[0]) && only(b, isLetter)
	case fHost:
		return only(b, notQuote)
	case fTLS:
		return len(b) > 4 && (b[0]|0x20 == 't' && b[1]|0x20 == 'l' && b[2]|0x20 == 's' ||
			b[0]|0x20 == 's' && b[1]|0x20 == 's' && b[2]|0x20 == 'l') &&
			b[3]|0x20 == 'v' && only(b[4:], isDigitOrDot)
	case fAccessPoint:
		return len(b) > 4 && string(b[:4]) == "arn:" && only(b, notQuote)
	case fACL:
		return string(b) == "Yes" || string(b) == "No"
	case fRegion:
		return isLetter(b[0]) && only(b, isRegionByte)
	}
	return false
}

// isPrincipalID takes an IAM unique id such as AIDAEXAMPLEEXAMPLE123.
func isPrincipalID(b []byte) bool {
	if len(b) < 16 || len(b) > 32 || b[0] != 'A' {
		return false
	}
	for _, c := range b {
		if !isUpper(c) && !isDigit(c) {
			return false
		}
	}
	return true
}

func only(b []byte, ok func(byte) bool) bool {
	for _, c := range b {
		if !ok(c) {
			return false
		}
	}
	return len(b) > 0
}

func isDigit(c byte) bool      { return c-'0' <= 9 }
func isUpper(c byte) bool      { return c-'A' < 26 }
func isLetter(c byte) bool     { return (c|0x20)-'a' < 26 }
func isDigitOrDot(c byte) bool { return isDigit(c) || c == '.' }
func notQuote(c byte) bool     { return c != '"' }
func isRegionByte(c byte) bool { return isDigit(c) || c-'a' < 26 || c == '-' }
func isCipherByte(c byte) bool { return isUpper(c) || isDigit(c) || c == '-' || c == '_' }
func isVersionByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '.' || c == '_' || c == '-'
}
func isHostIDByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '+' || c == '/' || c == '=' || c == '_' || c == '-' || c == ' '
}

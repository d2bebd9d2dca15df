package logs

import "unicode/utf8"

// AppendEscaped appends b to dst as the UTF-8 that a Parquet string must be:
// bytes that are not UTF-8 as \xHH, backslashes doubled, so that the bytes can
// be had back. Values that are UTF-8 need no escape; whoever escapes must say so
// beside the value, for `\x41` may also have been delivered like that.
func AppendEscaped(dst, b []byte) []byte {
	const hex = "0123456789ABCDEF"
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(dst, '\\', 'x', hex[b[0]>>4], hex[b[0]&15])
		case r == '\\':
			dst = append(dst, '\\', '\\')
		default:
			dst = append(dst, b[:n]...)
		}
		b = b[n:]
	}
	return dst
}

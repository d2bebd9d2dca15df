package pipeline

import (
	"bytes"
	"unicode/utf8"

	"sluice/internal/logs"
)

// looksLike names what a file that no format reads seems to be, so that a
// person who pointed us at a bucket knows what was left out.
func looksLike(head []byte) string {
	if is := notText(head); is != "" {
		return is
	}
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return "blank"
	case trimmed[0] == '{' || trimmed[0] == '[':
		return "JSON of no format known here"
	case trimmed[0] == '<':
		return "XML or HTML"
	}
	return "text of no format known here"
}

// notText names what a file seems to be that is no text, by its first bytes.
// It is empty for a text.
func notText(head []byte) string {
	if is := logs.Archive(head); is != "" {
		return is
	}
	for _, m := range []struct{ magic, is string }{
		{"PAR1", "a Parquet file"},
		{"ORC", "an ORC file"},
		{"Obj\x01", "an Avro file"},
		{"\x28\xb5\x2f\xfd", "zstd compressed, which no log here is delivered as"},
		{"\xfd7zXZ\x00", "xz compressed, which no log here is delivered as"},
		{"BZh", "bzip2 compressed, which no log here is delivered as"},
		{"\x1f\x8b", "gzip inside gzip"},
		{"\xff\xfe", "UTF-16 text, as some shells write it: logs are UTF-8"},
		{"\xfe\xff", "UTF-16 text, as some shells write it: logs are UTF-8"},
		{"%PDF-", "a PDF file"},
		{"\x89PNG", "an image"},
		{"\xff\xd8\xff", "an image"},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.is
		}
	}
	if bytes.IndexByte(head, 0) >= 0 || mostlyNotText(head) {
		return "binary data"
	}
	return ""
}

// mostlyNotText allows for logs with some bytes that are not UTF-8.
func mostlyNotText(head []byte) bool {
	bad := 0
	for i := 0; i < len(head); {
		r, n := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && n == 1 || r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			bad++
		}
		i += n
	}
	return bad > len(head)/8
}

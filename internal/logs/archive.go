package logs

import "bytes"

// Archive names the archive that a file is by its first bytes, and is empty for
// everything else. An archive that does not compress holds its members' text as it
// is: whoever recognises a format by lines asks first, else a tar of log files is
// read as one, headers and padding glued to records.
func Archive(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "a ZIP archive: unpack it first"
	case isTar(head):
		return "a tar archive: unpack it first"
	}
	return ""
}

// isTar tells a header of a tar archive (POSIX, pax, "ustar Interchange Format"):
// the mode in octal digits 100 bytes in, the magic 257 bytes in. The magic alone
// does not do, for a requester may get it there; 100 bytes into a line is what S3
// writes about the bucket and the time.
func isTar(head []byte) bool {
	const mode, uid, magic = 100, 108, 257
	return len(head) > magic && bytes.HasPrefix(head[magic:], []byte("ustar")) &&
		len(bytes.Trim(head[mode:uid], "01234567 \x00")) == 0
}

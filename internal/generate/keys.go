package generate

import "strconv"

// appendKey appends the real key of rank i in bucket b. The name follows from
// the rank alone, so a quarter of a million keys take no memory.
func (b *bucket) appendKey(dst []byte, i int) []byte {
	h := mix(uint64(i) ^ b.salt)
	two := func(dst []byte, n uint64) []byte { return append(dst, byte('0'+n/10%10), byte('0'+n%10)) }
	hexs := func(dst []byte, n int, x uint64) []byte {
		for range n {
			dst = append(dst, hexLow[x&15])
			x >>= 4
		}
		return dst
	}
	switch b.style {
	case 0: // media
		dst = two(append(dst, "img/2025/"...), 1+h%12)
		dst = hexs(append(dst, '/'), 8, h>>8)
		dst = strconv.AppendInt(append(dst, "/photo-"...), int64(i), 10)
		return append(dst, "_1920x1080.jpg"...)
	case 1: // Hive-style partitions: "=" is encoded
		dst = two(append(dst, "events/dt=2026-01-"...), 1+h%28)
		dst = two(append(dst, "/hour="...), h>>8%24)
		dst = strconv.AppendInt(append(dst, "/part-"...), int64(i), 10)
		dst = hexs(append(dst, '-'), 12, h>>16)
		return append(dst, ".c000.snappy.parquet"...)
	case 2:
		if i == 0 {
			return append(dst, "index.html"...)
		}
		ext := [...]string{".css", ".js", ".svg", ".woff2", ".html"}
		dst = strconv.AppendInt(append(dst, "assets/app-"...), int64(i), 10)
		return append(hexs(append(dst, '.'), 8, h>>8), ext[h%5]...)
	case 3: // people's file names: spaces, umlauts, Japanese, quotes, plus, percent
		names := [...]string{"Müller & Söhne.pdf", "Screen Shot at 9.08.44 AM.png", "見積書.xlsx", `plan "final".docx`, "a+b=c.txt", "100% done.md", "scan.pdf", "IMG_1138.jpeg"}
		dst = strconv.AppendInt(append(dst, "incoming/"...), int64(i), 10)
		dst = hexs(append(dst, '-'), 12, h>>16)
		return append(append(dst, '/'), names[h%uint64(len(names))]...)
	case 4:
		dst = strconv.AppendInt(append(dst, "builds/api/1."...), int64(h%60), 10)
		dst = strconv.AppendInt(append(dst, ".0+build."...), int64(i), 10)
		return append(dst, "/api-linux-arm64.tar.gz"...)
	case 5:
		dst = strconv.AppendInt(append(dst, "exports/customer-"...), int64(1000+i%4000), 10)
		dst = strconv.AppendInt(append(dst, "/Invoice "...), int64(i), 10)
		return append(dst, " (final).pdf"...)
	case 6:
		dst = strconv.AppendInt(append(dst, "train/n0"...), int64(h%1000), 10)
		return append(strconv.AppendInt(append(dst, '/'), int64(i), 10), ".JPEG"...)
	}
	dst = two(append(dst, "db/orders/2026-01-"...), 1+h%28)
	dst = strconv.AppendInt(append(dst, "T03-00-00Z/orders-"...), int64(i), 10)
	return append(dst, ".sql.gz"...)
}

// size returns the bytes of the object of rank i: log-uniform, 256 B to 2 GiB,
// most below a few MiB.
func (b *bucket) size(i int) int64 {
	h := mix(uint64(i) ^ b.salt ^ 0x5ca1e)
	top := 8 + min(h&15, h>>4&31)
	return 1<<top | int64(h>>16)&(1<<top-1)
}

// unreserved are the bytes a client leaves alone in a path.
var unreserved = func() (t [256]bool) {
	for c := range 256 {
		t[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '-' || c == '.' || c == '_' || c == '/'
	}
	return t
}()

// appendPath appends key as clients write it into the request line.
func appendPath(dst, key []byte) []byte { return escape(dst, key, "%") }

// appendTwice appends key as S3 logs it for REST and WEBSITE operations: the
// encoded key, encoded again. "*" and "/" stay.
func appendTwice(dst, key []byte) []byte { return escape(dst, key, "%25") }

func escape(dst, key []byte, lead string) []byte {
	for _, c := range key {
		if unreserved[c] || c == '*' {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, lead...)
		dst = append(dst, hexUp[c>>4], hexUp[c&15])
	}
	return dst
}

// encodeOnce appends key as S3 logs it for BATCH and S3 operations: encoded
// once, in the manner of forms, a space as "+". With slash false it also
// encodes "/", as query values are.
func encodeOnce(dst, key []byte, slash bool) []byte {
	for _, c := range key {
		switch {
		case c == ' ':
			dst = append(dst, '+')
		case c == '/' && !slash || !unreserved[c] && c != '*':
			dst = append(dst, '%', hexUp[c>>4], hexUp[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

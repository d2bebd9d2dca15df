package sigma

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// networks are ranges of addresses, sorted and apart.
type networks []span

type span struct{ first, last netip.Addr }

// parseNetwork reads a network such as 192.0.2.0/24, or a single address.
func parseNetwork(s string) (span, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return span{}, fmt.Errorf("%q is no network such as 192.0.2.0/24", brief(s))
		}
		a = a.Unmap()
		return span{a, a}, nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return span{}, fmt.Errorf("%q is no network such as 192.0.2.0/24", brief(s))
	case p.Masked() != p:
		return span{}, fmt.Errorf("%s has bits behind its prefix; did you mean %s?", p, p.Masked())
	case p.Addr().Is4In6():
		return span{}, fmt.Errorf("%s is IPv4 in IPv6 clothes: write it as IPv4", p)
	}
	return span{p.Addr(), lastOf(p)}, nil
}

// lastOf is the highest address of p.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		switch left := p.Bits() - 8*i; {
		case left <= 0:
			b[i] = 0xFF
		case left < 8:
			b[i] |= 0xFF >> left
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// newNetworks sorts and merges.
func newNetworks(spans []span) networks {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int { return a.first.Compare(b.first) })
	var out networks
	for _, s := range spans {
		if n := len(out); n > 0 && s.first.BitLen() == out[n-1].last.BitLen() && s.first.Compare(out[n-1].last) <= 0 {
			if s.last.Compare(out[n-1].last) > 0 {
				out[n-1].last = s.last
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

func (n networks) contain(a netip.Addr) bool {
	lo, hi := 0, len(n)
	for lo < hi {
		mid := (lo + hi) / 2
		if n[mid].last.Compare(a) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(n) && n[lo].first.Compare(a) <= 0
}

// parseAddr reads an address like netip.ParseAddr, but does not allocate. An
// IPv4 address written as IPv6 is the IPv4 one; zones are no addresses of a log.
func parseAddr(s []byte) (netip.Addr, bool) {
	if len(s) > 45 {
		return netip.Addr{}, false
	}
	for _, c := range s {
		if c == ':' {
			return parseAddr6(s)
		}
	}
	b, ok := parseAddr4(s)
	return netip.AddrFrom4(b), ok
}

func parseAddr4(s []byte) (out [4]byte, ok bool) {
	part, digits, val := 0, 0, 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if digits == 0 || part > 3 {
				return out, false
			}
			out[part] = byte(val)
			part, digits, val = part+1, 0, 0
			continue
		}
		c := s[i]
		if c < '0' || c > '9' || digits > 0 && val == 0 {
			return out, false
		}
		val = val*10 + int(c-'0')
		if digits++; val > 255 {
			return out, false
		}
	}
	return out, part == 4
}

func parseAddr6(s []byte) (netip.Addr, bool) {
	var b [16]byte
	n, gap := 0, -1 // bytes set; where :: stands
	if len(s) >= 2 && s[0] == ':' && s[1] == ':' {
		gap, s = 0, s[2:]
	}
	for len(s) > 0 {
		if n == 16 {
			return netip.Addr{}, false
		}
		val, digits := 0, 0
		for digits < len(s) && digits < 5 {
			d := hexDigit(s[digits])
			if d < 0 {
				break
			}
			val, digits = val<<4|d, digits+1
		}
		if digits == 0 || digits > 4 {
			return netip.Addr{}, false
		}
		if digits < len(s) && s[digits] == '.' { // the last 32 bits as IPv4
			four, ok := parseAddr4(s)
			if !ok || n > 12 {
				return netip.Addr{}, false
			}
			n += copy(b[n:], four[:])
			s = nil
			break
		}
		b[n], b[n+1] = byte(val>>8), byte(val)
		n += 2
		s = s[digits:]
		if len(s) == 0 {
			break
		}
		if s[0] != ':' || len(s) == 1 {
			return netip.Addr{}, false
		}
		if s = s[1:]; s[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, s = n, s[1:]
		}
	}
	switch {
	case gap < 0 && n < 16 || gap >= 0 && n == 16:
		return netip.Addr{}, false
	case gap >= 0:
		tail := n - gap
		copy(b[16-tail:], b[gap:n])
		clear(b[gap : 16-tail])
	}
	return netip.AddrFrom16(b).Unmap(), true
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

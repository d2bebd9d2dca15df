package record

import (
	"bytes"
	"net/netip"

	"sluice/internal/sigma"
)

// Who does something in bulk must not be able to look like many. What a caller
// chooses himself, such as the name of his session or the last 64 bits of an
// IPv6 address, is therefore no part of these two.

// principal is an ARN without the part that its bearer chose: the name of a
// session, of a role or of a federated user. What is no such ARN is itself.
func principal(arn []byte) []byte {
	i := bytes.LastIndexByte(arn, ':') + 1
	resource := arn[i:]
	for _, kind := range [...]string{"assumed-role/", "federated-user/"} {
		if !bytes.HasPrefix(arn, []byte("arn:")) || !bytes.HasPrefix(resource, []byte(kind)) {
			continue
		}
		if kind == "federated-user/" { // the name is chosen, too
			return arn[:i+len(kind)-1]
		}
		if j := bytes.IndexByte(resource[len(kind):], '/'); j >= 0 {
			return arn[: i+len(kind)+j : i+len(kind)+j]
		}
	}
	return arn
}

// network works out what one customer has of the address space.
type network struct {
	last [45]byte // the address that text is of
	n    int
	buf  [24]byte
	text []byte
}

// of returns the /64 of an IPv6 address, an IPv4 address itself, and nil of what
// is no address. It is valid until the next call.
func (w *network) of(address []byte) []byte {
	if len(address) == 0 || len(address) > len(w.last) {
		return nil
	}
	if w.n == len(address) && bytes.Equal(w.last[:w.n], address) {
		return w.text
	}
	w.n, w.text = copy(w.last[:], address), nil
	a, err := netip.ParseAddr(string(address))
	switch {
	case err != nil || a.Zone() != "":
	case a.Unmap().Is4():
		w.text = a.Unmap().AppendTo(w.buf[:0])
	default:
		p, _ := a.Prefix(64) // of an IPv6 address there always is one
		w.text = p.AppendTo(w.buf[:0])
	}
	return w.text
}

func bytesValue(b []byte) sigma.Value {
	return sigma.Value{Kind: sigma.Text, Present: b != nil, Text: b}
}

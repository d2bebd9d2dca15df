package frame

import "math/bits"

// The codes of lengths and how many bits tell apart the values of one (RFC 8878,
// 3.1.1.3.2.1.1).
var (
	literalBits = [36]uint8{
		16: 1, 17: 1, 18: 1, 19: 1, 20: 2, 21: 2, 22: 3, 23: 3, 24: 4, 25: 6,
		26: 7, 27: 8, 28: 9, 29: 10, 30: 11, 31: 12, 32: 13, 33: 14, 34: 15, 35: 16,
	}
	matchBits = [53]uint8{
		32: 1, 33: 1, 34: 1, 35: 1, 36: 2, 37: 2, 38: 3, 39: 3, 40: 4, 41: 4, 42: 5, 43: 7,
		44: 8, 45: 9, 46: 10, 47: 11, 48: 12, 49: 13, 50: 14, 51: 15, 52: 16,
	}
	literalBases = bases(literalBits[:], 0)
	matchBases   = bases(matchBits[:], MinMatch)
	literalCodes = codes(literalBases, 64)
	matchCodes   = codes(matchBases, 128+MinMatch)
)

// The frequencies that decoders assume where a block brings none (RFC 8878,
// 3.1.1.3.2.2); -1 is less than once.
var (
	literalDefaults = [...]int16{
		4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
	}
	matchDefaults = [...]int16{
		1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
	}
	offsetDefaults = [...]int16{
		1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
	}
)

// bases are the least values of codes: each begins where the one before ends.
func bases(width []uint8, first uint32) []uint32 {
	out := make([]uint32, len(width))
	for i, w := range width {
		out[i] = first
		first += 1 << w
	}
	return out
}

// codes are those of values below n.
func codes(base []uint32, n uint32) []uint8 {
	out := make([]uint8, n)
	code := 0
	for v := base[0]; v < n; v++ {
		for code+1 < len(base) && base[code+1] <= v {
			code++
		}
		out[v] = uint8(code)
	}
	return out
}

func literalBase(code uint8) uint32 { return literalBases[code] }
func matchBase(code uint8) uint32   { return matchBases[code] }

func literalCode(n uint32) uint8 {
	if n < uint32(len(literalCodes)) {
		return literalCodes[n]
	}
	return uint8(bits.Len32(n)) + 18
}

func matchCode(n uint32) uint8 {
	if n < uint32(len(matchCodes)) {
		return matchCodes[n]
	}
	return uint8(bits.Len32(n-MinMatch)) + 35
}

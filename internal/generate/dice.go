package generate

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// dice is the one source of chance: seeded, so the same options give the same
// bytes on every machine.
type dice struct{ pcg rand.PCG }

// newDice makes an independent stream per purpose, so that adding a scenario
// does not change the traffic around it.
func newDice(seed int64, purpose uint64) *dice {
	d := &dice{}
	d.pcg.Seed(uint64(seed), mix(purpose))
	return d
}

func (d *dice) bits() uint64 { return d.pcg.Uint64() }

// below returns a number in [0, n).
func (d *dice) below(n int) int {
	hi, _ := bits.Mul64(d.pcg.Uint64(), uint64(n))
	return int(hi)
}

// between returns a number in [lo, hi].
func (d *dice) between(lo, hi int) int { return lo + d.below(hi-lo+1) }

// in is true once in n times.
func (d *dice) in(n int) bool { return d.below(n) == 0 }

// mix scatters the bits of x: the same input gives the same output, which makes
// properties of an object (its name, its size) cost no memory.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// weighted draws an index with given weights in constant time (Walker's alias
// table).
type weighted struct {
	keep  []uint32 // chance of keeping the column, of 1<<32
	other []int32  // what to draw instead
}

func newWeighted(weights []float64) *weighted {
	n := len(weights)
	w := &weighted{keep: make([]uint32, n), other: make([]int32, n)}
	var sum float64
	for _, x := range weights {
		sum += x
	}
	scaled := make([]float64, n)
	var small, large []int32
	for i, x := range weights {
		scaled[i] = x * float64(n) / sum
		if scaled[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		w.keep[s] = uint32(min(scaled[s]*(1<<32), math.MaxUint32))
		w.other[s] = l
		scaled[l] -= 1 - scaled[s]
		if scaled[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) { // what rounding left over
		w.keep[i], w.other[i] = math.MaxUint32, i
	}
	return w
}

func (w *weighted) draw(d *dice) int {
	hi, lo := bits.Mul64(d.pcg.Uint64(), uint64(len(w.keep)))
	if uint32(lo>>32) <= w.keep[hi] {
		return int(hi)
	}
	return int(w.other[hi])
}

// zipf returns the weights 1/rank^s of n ranks: few keys take most requests.
func zipf(n int, s float64) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = math.Pow(float64(i+1), -s)
	}
	return w
}

const (
	base36  = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZIO"
	hexLow  = "0123456789abcdef"
	hexUp   = "0123456789ABCDEF"
	base64s = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

// requestID fills the 16 characters S3 names a request with.
func (d *dice) requestID(dst *[16]byte) {
	for i := 0; i < 16; i += 8 {
		x := d.bits()
		for j := range 8 {
			hi, lo := bits.Mul64(x, 36)
			dst[i+j], x = base36[hi], lo
		}
	}
}

// hostID fills 76 characters: 56 random bytes in base64.
func (d *dice) hostID(dst *[76]byte) {
	for i := 0; i < 70; i += 10 {
		x := d.bits()
		for j := range 10 {
			dst[i+j] = base64s[x&63]
			x >>= 6
		}
	}
	x := d.bits()
	for i := 70; i < 74; i++ {
		dst[i] = base64s[x&63]
		x >>= 6
	}
	dst[74] = "AEIMQUYcgkosw048"[x&15] // the last digit before "=" carries four bits
	dst[75] = '='
}

// text appends n characters of alphabet.
func (d *dice) text(dst []byte, n int, alphabet string) []byte {
	for range n {
		dst = append(dst, alphabet[d.below(len(alphabet))])
	}
	return dst
}

// uuid appends a random UUID.
func (d *dice) uuid(dst []byte) []byte {
	hi, lo := d.bits(), d.bits()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	for i := range 16 {
		if i == 8 || i == 12 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexLow[hi>>60])
		hi <<= 4
	}
	for i := range 16 {
		if i == 0 || i == 4 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexLow[lo>>60])
		lo <<= 4
	}
	return dst
}

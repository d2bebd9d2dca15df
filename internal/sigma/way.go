package sigma

import "slices"

// ways remembers where records ended up that went from decision to decision, by the
// classes of all their fields with a memo. Each step of a way waits for the one before;
// the classes of a record that has its fields at places do not wait for each other, and
// what has one number is looked up together. So a common record takes one step.
type ways struct {
	sights []sight // none: records go step by step
	ends   []wayEnd
}

// classes are those of a record, plus 1, a byte for each memo: enough for all fields of
// access logs that are few.
type classes [4]uint64

// wayEnd is the decision at which records of some classes end. The zero wayEnd is none.
type wayEnd struct {
	classes classes
	at      int32
}

const manyWays = 1 << 10

// sight is where the classes of some memos are seen: of one by its place, of several by
// the number that they have together.
type sight struct {
	memos []int32
	place Place
	again *uint64
	known []seenClasses // by number
	word  int           // of classes, that the memos have a part of
	shift int           // where it begins
}

// seenClasses are those of the values with a number, where they stand in their word.
type seenClasses struct{ number, classes uint64 }

// survey finds out how the classes of records that have their fields at the places of
// all slots are to be seen.
func (m *Matcher) survey() {
	m.sights, m.ends = nil, nil
	if m.placed == nil || len(m.memos) == 0 {
		return
	}
	const bytes = 8
	var all []sight
	for i := range m.memos {
		place := m.slots[m.memos[i].plan.slot].place
		at := -1
		if place.Again != nil {
			at = slices.IndexFunc(all, func(s sight) bool { return s.again == place.Again && len(s.memos) < bytes })
		}
		if at < 0 {
			at = len(all)
			all = append(all, sight{place: place, again: place.Again})
		}
		all[at].memos = append(all[at].memos, int32(i))
	}
	var c classes
	word, shift := 0, 0
	for i := range all {
		s := &all[i]
		if shift+8*len(s.memos) > 64 {
			word, shift = word+1, 0
		}
		if word == len(c) {
			return
		}
		s.word, s.shift = word, shift
		shift += 8 * len(s.memos)
		if s.again != nil {
			s.known = make([]seenClasses, manyNumbers)
		}
	}
	m.sights, m.ends = all, make([]wayEnd, manyWays)
}

// end is the decision at which the record's way ends, or where it cannot go on. It is
// the one that going step by step comes to.
func (m *Matcher) end() int32 {
	c, ok := m.see()
	if !ok {
		at, _ := m.walk()
		return at
	}
	h := (c[0]*0x9e3779b97f4a7c15 ^ c[1]) * 0xe7037ed1a0b428db
	h = ((h^h>>32^c[2])*0x9e3779b97f4a7c15 ^ c[3]) * 0xe7037ed1a0b428db
	end := &m.ends[h>>32%manyWays]
	if end.classes == c {
		return end.at
	}
	at, whole := m.walk()
	if whole {
		*end = wayEnd{c, at}
	}
	return at
}

// walk goes from decision to decision; not whole is a way on which there was no room for
// the next one.
func (m *Matcher) walk() (at int32, whole bool) {
	for m.decisions[at].memo != none {
		next := m.follow(at)
		if next == none {
			return at, false
		}
		at = next
	}
	return at, true
}

// see sees the classes of the record; not ok where a value has none, or records do not
// say where their fields are.
func (m *Matcher) see() (c classes, ok bool) {
	for i := range m.sights {
		s := &m.sights[i]
		var seen uint64
		if s.again != nil {
			if n := *s.again; n != 0 && s.known[n%manyNumbers].number == n {
				seen = s.known[n%manyNumbers].classes
			}
		} else if class := m.memos[s.memos[0]].placed(&s.place); class != none && class+1 < maxClasses {
			seen = uint64(class+1) << s.shift
		}
		if seen == 0 {
			if seen = m.discern(s); seen == 0 {
				return c, false
			}
		}
		c[s.word] |= seen
	}
	return c, len(m.sights) > 0
}

// discern finds the classes that were not to be seen at once, 0 where a value has none.
func (m *Matcher) discern(s *sight) (seen uint64) {
	for i, memo := range s.memos {
		class := m.look(memo).current
		if class == none || class+1 == maxClasses {
			return 0
		}
		seen |= uint64(class+1) << (s.shift + 8*i)
	}
	if s.again != nil && *s.again != 0 {
		s.known[*s.again%manyNumbers] = seenClasses{*s.again, seen}
	}
	return seen
}

package detect

import (
	"time"

	"sluice/internal/logs"
)

// ahead is how much later than its file's delivery a record may be dated: clocks
// and the days of names are not exact.
const ahead = 24 * time.Hour

// passed is the time that has come by the file's records, if they show any.
//
// Where it is known when the file was delivered, that is as late as its last
// record, but no later than the delivery: one record that came late does not hold
// back the time. Else it is when the first record was made. A file whose records
// are dated after it was delivered, or after today, shows nothing: a date is what
// the line says, and whoever forges lines may write another.
func (r *run) passed() (logs.Time, bool) {
	latest := logs.TimeOf(r.now)
	at := r.o.First
	if d := r.o.Delivered; d != 0 {
		latest = min(latest, d)
		at = max(at, min(r.o.Last, latest))
	}
	return at, r.o.First <= latest+logs.Time(ahead.Milliseconds())
}

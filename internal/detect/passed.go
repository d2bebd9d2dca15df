package detect

import (
	"time"

	"sluice/internal/logs"
)

// ahead is how much later than its file's delivery a record may be dated: clocks
// and the days of names are not exact.
const ahead = 24 * time.Hour

// passed says whether the file's records show that time has passed. Those dated
// after the file was delivered, or after today, show nothing: a date is what the
// line says, and whoever forges lines may write another.
func (r *run) passed() bool {
	latest := logs.TimeOf(r.now)
	if at := r.o.Delivered; at != 0 {
		latest = min(latest, at)
	}
	return r.o.First <= latest+logs.Time(ahead.Milliseconds())
}

package pipeline

import (
	"regexp"
	"time"

	"sluice/internal/logs"
)

// stamps are how AWS writes the time of delivery into a file's name: S3 to the
// second, CloudTrail to the minute.
var stamps = []struct {
	form   *regexp.Regexp
	layout string
}{
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}-\d{2}-\d{2}-\d{2}`), "2006-01-02-15-04-05"},
	{regexp.MustCompile(`\d{8}T\d{4}Z`), "20060102T1504Z"},
}

// NameTime is when a file was delivered, as far as its name tells: to the second,
// the minute or the day. In this order files come nearly in the order of what
// happened, so that whoever looks for what belongs together can soon forget.
func NameTime(key string) (logs.Time, bool) {
	for _, s := range stamps {
		all := s.form.FindAllString(key, -1)
		if len(all) == 0 {
			continue
		}
		if t, err := time.Parse(s.layout, all[len(all)-1]); err == nil {
			return logs.TimeOf(t), true
		}
	}
	return dateInKey(key)
}

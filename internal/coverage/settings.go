package coverage

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Settings is what the template decides about looks.
type Settings struct {
	LogBucket   string        // SLUICE_LOG_BUCKET: whose files are converted
	TrailBucket string        // SLUICE_TRAIL_BUCKET: of the stack's trail; "" where it has none
	Silence     time.Duration // SLUICE_SILENCE_HOURS: from how long on a bucket can be silent at all
}

// DefaultSilence is the template's, too.
const DefaultSilence = 24 * time.Hour

// Load reads the settings from an environment and reports every fault at once.
func Load(getenv func(string) string) (Settings, error) {
	s := Settings{LogBucket: getenv("SLUICE_LOG_BUCKET"), TrailBucket: getenv("SLUICE_TRAIL_BUCKET"), Silence: DefaultSilence}
	var faults []error
	if s.LogBucket == "" {
		faults = append(faults, errors.New("SLUICE_LOG_BUCKET: not set: name of the bucket that log files are delivered to"))
	}
	for _, b := range []struct{ name, value string }{{"SLUICE_LOG_BUCKET", s.LogBucket}, {"SLUICE_TRAIL_BUCKET", s.TrailBucket}} {
		if strings.ContainsAny(b.value, "/:") {
			faults = append(faults, fmt.Errorf("%s: %q is no bucket name: no s3://, no ARN, no prefix", b.name, b.value))
		}
	}
	if v := getenv("SLUICE_SILENCE_HOURS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 24*30 {
			faults = append(faults, fmt.Errorf("SLUICE_SILENCE_HOURS: %q is not a number of hours from 1 to 720", v))
		}
		s.Silence = time.Duration(n) * time.Hour
	}
	if len(faults) > 0 {
		return Settings{}, errors.Join(faults...)
	}
	return s, nil
}

// Converted are the buckets whose access logs become rows.
func (s Settings) Converted() []string { return []string{s.LogBucket} }

// Keeps says which buckets must not log, and why: those of the stack itself.
func (s Settings) Keeps(lake string) map[string]string {
	const loop = ": to log it would make logs about logs without end"
	keeps := map[string]string{s.LogBucket: "access logs are delivered here" + loop}
	if s.TrailBucket != "" {
		keeps[s.TrailBucket] = "CloudTrail delivers here" + loop
	}
	if lake != "" {
		keeps[lake] = "the tables are here" + loop
	}
	return keeps
}

package backfill

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Settings is what the template decides for the function.
type Settings struct {
	Queue      string // SLUICE_BACKFILL_QUEUE_URL: where files are announced
	LakeBucket string // SLUICE_LAKE_BUCKET, whose own objects are refused
	LakePrefix string // SLUICE_LAKE_PREFIX: "" or a folder in it, with its slash at the end
}

// Load reads the settings from an environment and reports every fault at once.
func Load(getenv func(string) string) (Settings, error) {
	s := Settings{
		Queue:      getenv("SLUICE_BACKFILL_QUEUE_URL"),
		LakeBucket: getenv("SLUICE_LAKE_BUCKET"),
		LakePrefix: getenv("SLUICE_LAKE_PREFIX"),
	}
	var faults []error
	if u, err := url.Parse(s.Queue); err != nil || u.Host == "" {
		faults = append(faults, fmt.Errorf("SLUICE_BACKFILL_QUEUE_URL: %q is not the URL of a queue", s.Queue))
	}
	if s.LakeBucket == "" || strings.ContainsAny(s.LakeBucket, "/:") {
		faults = append(faults, fmt.Errorf("SLUICE_LAKE_BUCKET: %q is not the name of a bucket", s.LakeBucket))
	}
	if s.LakePrefix != "" && (!strings.HasSuffix(s.LakePrefix, "/") || strings.HasPrefix(s.LakePrefix, "/")) {
		faults = append(faults, fmt.Errorf("SLUICE_LAKE_PREFIX: %q is not a folder: write it like lake/", s.LakePrefix))
	}
	if err := errors.Join(faults...); err != nil {
		return Settings{}, err
	}
	return s, nil
}

package maintain

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Settings is what the template decides about packing.
type Settings struct {
	LakeBucket string // SLUICE_LAKE_BUCKET
	LakePrefix string // SLUICE_LAKE_PREFIX: "" or a folder, with its slash at the end
	Database   string // SLUICE_DATABASE: of Glue
	WorkGroup  string // SLUICE_WORKGROUP: of Athena; "" where packing is off
	// Days is how many days after its end a day is packed; 0 switches packing off.
	Days     int           // SLUICE_PACK_AFTER_DAYS
	First    string        // SLUICE_PROJECTION_START: the first day that queries see
	Keep     time.Duration // SLUICE_LAKE_RETENTION_DAYS: how long rows stay; 0 for ever
	Function string        // AWS_LAMBDA_FUNCTION_NAME, set by Lambda: the dimension of the metrics
}

var database = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Load reads the settings from an environment and reports every fault at once.
func Load(getenv func(string) string) (Settings, error) {
	s := Settings{
		LakeBucket: getenv("SLUICE_LAKE_BUCKET"), LakePrefix: getenv("SLUICE_LAKE_PREFIX"), Database: getenv("SLUICE_DATABASE"),
		WorkGroup: getenv("SLUICE_WORKGROUP"), First: getenv("SLUICE_PROJECTION_START"), Function: getenv("AWS_LAMBDA_FUNCTION_NAME"),
	}
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	if s.LakeBucket == "" || strings.ContainsAny(s.LakeBucket, "/:") {
		fault("SLUICE_LAKE_BUCKET: %q is no name of a bucket", s.LakeBucket)
	}
	if s.LakePrefix != "" && !strings.HasSuffix(s.LakePrefix, "/") {
		fault("SLUICE_LAKE_PREFIX: %q does not end in a slash", s.LakePrefix)
	}
	if !database.MatchString(s.Database) {
		fault("SLUICE_DATABASE: %q is no name of a database: lower case letters, digits and underscores", s.Database)
	}
	if _, err := time.Parse(time.DateOnly, s.First); err != nil {
		fault("SLUICE_PROJECTION_START: %q is no day such as 2024-01-01", s.First)
	}
	days := func(name string) int {
		n, err := strconv.Atoi(getenv(name))
		if err != nil || n < 0 || n > 36500 {
			fault("%s: %q is not a number of days from 0 to 36500", name, getenv(name))
		}
		return n
	}
	s.Days = days("SLUICE_PACK_AFTER_DAYS")
	s.Keep = time.Duration(days("SLUICE_LAKE_RETENTION_DAYS")) * 24 * time.Hour
	if s.Days > 0 && s.WorkGroup == "" {
		fault("SLUICE_WORKGROUP: not set: name of the workgroup of Athena that packs")
	}
	if len(faults) > 0 {
		return Settings{}, errors.Join(faults...)
	}
	return s, nil
}

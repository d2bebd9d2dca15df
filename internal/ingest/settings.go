package ingest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Settings is what the template decides for the function.
type Settings struct {
	LakeBucket string // SLUICE_LAKE_BUCKET: where the tables are
	LakePrefix string // SLUICE_LAKE_PREFIX: "" or a folder in it, with its slash at the end
	Stage      string // SLUICE_STAGE: directory for unfinished objects; the function's own, emptied at start
	LargeFile  int64  // SLUICE_LARGE_FILE_BYTES: a file of more bytes, as delivered, is a batch of its own
	Function   string // AWS_LAMBDA_FUNCTION_NAME, set by Lambda: the dimension of the metrics
}

const defaultLargeFile = 128 << 20

// Load reads the settings from an environment and reports every fault at once.
func Load(getenv func(string) string) (Settings, error) {
	s := Settings{
		LakeBucket: getenv("SLUICE_LAKE_BUCKET"),
		LakePrefix: getenv("SLUICE_LAKE_PREFIX"),
		Stage:      getenv("SLUICE_STAGE"),
		LargeFile:  defaultLargeFile,
		Function:   getenv("AWS_LAMBDA_FUNCTION_NAME"),
	}
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	switch {
	case s.LakeBucket == "":
		fault("SLUICE_LAKE_BUCKET", "not set: name of the bucket that holds the tables")
	case strings.ContainsAny(s.LakeBucket, "/:"):
		fault("SLUICE_LAKE_BUCKET", "%q is no bucket name: no s3://, no ARN, no prefix", s.LakeBucket)
	}
	if strings.HasPrefix(s.LakePrefix, "/") || strings.Contains(s.LakePrefix, "//") {
		fault("SLUICE_LAKE_PREFIX", "%q has an empty folder name: write it like logs/lake/", s.LakePrefix)
	} else if s.LakePrefix != "" && !strings.HasSuffix(s.LakePrefix, "/") {
		s.LakePrefix += "/"
	}
	if s.Stage == "" {
		s.Stage = os.TempDir()
	}
	if v := getenv("SLUICE_LARGE_FILE_BYTES"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n <= 0 {
			fault("SLUICE_LARGE_FILE_BYTES", "%q is not a number of bytes above 0", v)
		}
		s.LargeFile = n
	}
	if s.Function == "" {
		s.Function = "local"
	}
	if len(faults) > 0 {
		return Settings{}, errors.Join(faults...)
	}
	return s, nil
}

package cli

import (
	"errors"

	"sluice/internal/coverage"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/query"
)

// tables lists what a lake holds, for queries.
func tables() ([]query.Table, error) {
	access, err1 := query.TableOf(s3access.Format.Table)
	trail, err2 := query.TableOf(cloudtrail.Format.Table)
	rejected, err3 := query.TableOf(logs.RejectedTable)
	findings, err4 := query.TableOf(finding.Table)
	buckets, err5 := query.TableOf(coverage.Table)
	return []query.Table{access, trail, findings, rejected, buckets}, errors.Join(err1, err2, err3, err4, err5)
}

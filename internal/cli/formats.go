package cli

import (
	"errors"

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
	return []query.Table{access, trail, rejected}, errors.Join(err1, err2, err3)
}

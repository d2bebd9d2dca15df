// Package formats is the list of the log formats Sluice converts. A new format
// is a folder below internal/logs and a line here.
package formats

import (
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/pipeline"
)

// Routes returns every format, in the order in which a file is offered to them.
func Routes() []pipeline.Route {
	return []pipeline.Route{
		pipeline.To(cloudtrail.Format),
		pipeline.To(s3access.Format),
	}
}

package coverage

import "sluice/internal/logs"

// Row is one bucket as one look found it, in the table coverage.
type Row struct {
	// When the bucket was looked at, UTC.
	CheckedTime logs.Time `col:"checked_time"`
	// Account of the bucket.
	Account logs.Text `col:"account,dict"`
	// Region of the bucket; NULL where it is not known.
	Region logs.Text `col:"region,dict"`
	// The bucket.
	BucketName logs.Text `col:"bucket_name,dict"`
	// logging, waiting, silent, elsewhere, off, exempt, other_region or unknown.
	Status logs.Text `col:"status,dict"`
	// Status of the look before; NULL for a bucket that it did not find.
	StatusBefore logs.Text `col:"status_before,dict"`
	// TRUE for a bucket that the look before did not find; NULL at the first look of all.
	IsNew logs.Bool `col:"is_new"`
	// Why it has the status, where that needs words.
	Detail logs.Text `col:"detail,dict"`
	// Where it sends its access logs; NULL where it does not log.
	LogBucket logs.Text `col:"log_bucket,dict"`
	// What the keys of its log files begin with.
	LogPrefix logs.Text `col:"log_prefix,dict"`
	// Whole hours since the last hour of which lines were converted; NULL where none ever were, or its logs do not come here.
	SilentHours logs.Int `col:"silent_hours"`
	// Hours without lines that are usual for it; NULL while it has no habit, that is lines on fewer than 10 of 30 days.
	UsualHours logs.Int `col:"usual_hours"`
	// Longest gap between two hours with lines, in the 30 days before the last of them.
	LongestGapHours logs.Int `col:"longest_gap_hours"`
	// Days with lines, of the 30 before the last of them.
	ActiveDays logs.Int `col:"active_days"`
}

// Table says how looks lie in the lake.
var Table = logs.Table[Row]{
	Name: "coverage",
	Time: func(r *Row) logs.Time { return r.CheckedTime },
	Sort: []string{"bucket_name"},
}

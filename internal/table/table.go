// Package table writes rows into partitioned Parquet objects: one schema
// source, the `col` tags of the row struct.
//
// It stages objects in a directory and knows nothing of lakes: who asked for
// the objects moves them to where they become visible.
package table

// Object is one finished Parquet file.
type Object struct {
	Name  string // s3_access_logs/dt=2026-11-22/<batch>-0000.parquet: slash-separated, relative to the lake
	Path  string // the staged file
	Rows  int64
	Bytes int64
}

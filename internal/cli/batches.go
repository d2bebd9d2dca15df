package cli

import (
	"cmp"
	"slices"

	"sluice/internal/pipeline"
)

// A batch is a run of files in sorted order within both of these, so that
// grouping, and with it every object's name and bytes, depends on the files
// alone: not on the number of workers, nor on which batch was ready first.
const (
	maxBatchBytes = 256 << 20
	maxBatchFiles = 4096
)

// group puts files, in their order, into batches.
func group(files []pipeline.Object, maxBytes int64, maxFiles int) [][]pipeline.Object {
	var (
		batches [][]pipeline.Object
		from    int
		bytes   int64
	)
	for i, o := range files {
		size := o.Size
		if size < 0 {
			size = maxBytes // unknown: alone
		}
		if i > from && (bytes+size > maxBytes || i-from == maxFiles) {
			batches = append(batches, files[from:i])
			from, bytes = i, 0
		}
		bytes += size
	}
	if from < len(files) {
		batches = append(batches, files[from:])
	}
	return batches
}

// remaining is what of the batches of files is not yet done. An interrupted run
// is continued in the batches that it had; files that are new among old ones
// are grouped with each other instead of making small objects.
func remaining(files []pipeline.Object, done func(pipeline.Object) bool) (batches [][]pipeline.Object, already int64) {
	var loose []pipeline.Object
	for _, b := range group(files, maxBatchBytes, maxBatchFiles) {
		left := slices.DeleteFunc(slices.Clone(b), done)
		already += int64(len(b) - len(left))
		if len(left) == len(b) {
			batches = append(batches, b)
		} else {
			loose = append(loose, left...)
		}
	}
	batches = append(batches, group(loose, maxBatchBytes, maxBatchFiles)...)
	slices.SortFunc(batches, func(a, b []pipeline.Object) int {
		return cmp.Or(cmp.Compare(a[0].Bucket, b[0].Bucket), cmp.Compare(a[0].Key, b[0].Key))
	})
	return batches, already
}

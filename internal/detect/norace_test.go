//go:build !race

package detect_test

// scale divides the number of seeds under the race detector.
const scale = 1

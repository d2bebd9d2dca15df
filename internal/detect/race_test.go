//go:build race

package detect_test

// scale divides the number of seeds where the race detector makes each ten times
// as long: the simulation is one goroutine at a time, so it has none to find.
const scale = 20

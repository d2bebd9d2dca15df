//go:build cgo && unix

package bench

import (
	"fmt"
	"iter"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// holdEnv makes a run fail that measures a ratio beyond its threshold.
const holdEnv = "SLUICE_BENCH_HOLD"

// noise is by how much a ratio of CPU times or of memory may be beyond its goal: on a
// machine that others use, medians of pairs still move by a tenth and more.
const noise = 1.3

// threshold is the most that a ratio may be in the short form (make bench-short).
type threshold struct {
	name string // by which benchmarks tell it, and the unit in their output
	goal float64
	most float64
	debt string // why most is not the goal with room for noise, where it is not
}

// thresholds are the goals with room for noise, and without where there is none: bytes
// and objects are the same in each run. Where not even noise*goal is met yet, it is
// what was measured on 2026-11-23 and a tenth: a debt, to be lowered as it is paid.
var thresholds = []threshold{
	owed("logged-cpu/duckdb", loggedGoal, 0.49*1.1),
	owed("watched-cpu/duckdb", watchedGoal, 1.12*1.1),
	exact("logged-bytes/duckdb", sizeGoal),
	near("logged-cpu/newlines", parseGoal),
	near("logged-cpu/sha256", parseSumGoal),
	near("cpu/newlines", parseRowGoal),
	exact("allocs/line", allocsGoal),
	near("trail-cpu/gunzip", trailGunzipGoal),
	near("trail-cpu/duckdb", trailDuckGoal),
	near("files-cpu/one-file", filesGoal),
	exact("files-objects", filesObjectsGoal),
	near("query-bytes/text", readGoal),
	near("query-cpu/text", askGoal),
	near("MiB", peakGoal/mib),
	near("days-MiB", peakGoal/mib),
	near("start-cpu-ms", startGoal), // no ratio: the median of many starts
	exact("zip-MiB", zipGoal/mib),
}

// near is a threshold with room for noise.
func near(name string, goal float64) threshold { return threshold{name, goal, noise * goal, ""} }

// exact is a threshold of what is the same in each run.
func exact(name string, goal float64) threshold { return threshold{name, goal, goal, ""} }

// owed is a threshold as far from its goal as we are.
func owed(name string, goal, most float64) threshold {
	return threshold{name, goal, most, "not met yet: held where it is"}
}

// keeper says which ratios passed their thresholds.
type keeper struct {
	thresholds []threshold
	said       []ratio // in the order in which they were measured
}

type ratio struct {
	name  string
	value float64
}

var held = keeper{thresholds: thresholds}

// say tells a ratio to the keeper and to the output of the benchmark.
func say(b *testing.B, name string, value float64) {
	held.say(name, value)
	b.ReportMetric(value, name)
}

func (j *keeper) say(name string, value float64) { j.said = append(j.said, ratio{name, value}) }

// within says whether a ratio keeps to its threshold. What is no number does not.
func (j *keeper) within(r ratio) bool {
	i := slices.IndexFunc(j.thresholds, func(t threshold) bool { return t.name == r.name })
	return i < 0 || r.value <= j.thresholds[i].most
}

// turns runs a benchmark. Where one of its ratios passed the threshold, and that
// matters, it runs once more: the better one counts.
func (j *keeper) turns(loop func() bool, matters bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		for loop() {
			from := len(j.said)
			if !yield(1) {
				return
			}
			if again := slices.ContainsFunc(j.said[from:], func(r ratio) bool { return !j.within(r) }); again && matters && !yield(2) {
				return
			}
		}
	}
}

// turns is the loop of a benchmark whose ratios are held.
func turns(b *testing.B) iter.Seq[int] { return held.turns(b.Loop, os.Getenv(holdEnv) != "") }

// debts says of what is owed how much, and where less would do by now.
func (j *keeper) debts() (all []string) {
	for _, t := range j.thresholds {
		best := math.Inf(1)
		for _, r := range j.said {
			if r.name == t.name {
				best = min(best, r.value)
			}
		}
		if t.debt == "" || math.IsInf(best, 1) {
			continue
		}
		line := fmt.Sprintf("%s: %s, goal %s, threshold %s", t.name, decimals(best, 4), decimals(t.goal, 4), decimals(t.most, 4))
		if paid := max(noise*t.goal, best*1.1); paid < t.most*0.9 {
			line += "; it can be lowered to " + decimals(paid, 4)
		}
		all = append(all, line)
	}
	return all
}

// faults are the thresholds that were passed, each time, and those of which nothing
// is known: a ratio that nobody measures any more holds nothing.
func (j *keeper) faults() (all []string) {
	for _, t := range j.thresholds {
		var said []string
		kept := false
		for _, r := range j.said {
			if r.name == t.name {
				kept = kept || j.within(r)
				said = append(said, decimals(r.value, 4))
			}
		}
		switch {
		case said == nil:
			all = append(all, fmt.Sprintf("%s: not measured, threshold %s", t.name, decimals(t.most, 4)))
		case !kept:
			all = append(all, fmt.Sprintf("%s: %s, threshold %s", t.name, strings.Join(said, " and "), decimals(t.most, 4)))
		}
	}
	return all
}

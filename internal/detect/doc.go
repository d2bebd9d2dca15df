// Package detect turns rows into findings: rules are matched, hits are grouped
// within a file, counted by event time over all files, and what crosses a
// threshold is told once.
//
//	row → Watcher: match, group → Observed → Engine: count, cross, claim → Outlet
//
// The set of findings is a function of the data: however rows are split into
// files, in whatever order and however often files come, and however many
// workers apply them, the same incidents are found under the same uids. What may
// differ is which file's records a message shows, and how large an incident was
// when it was told. Four things bend that, and each is documented where it is
// done: a file with more groups of one rule than MaxGroups, or than its memory
// holds; Limits.Groups, which bounds what a flood makes a file write; value_avg,
// which a late record can make untrue; and first_seen, for which a late file can
// make an earlier day the first.
package detect

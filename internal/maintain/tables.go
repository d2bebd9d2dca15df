// Package maintain is what the function that packs closed days does when it is
// called: once a day it packs (internal/pack), and when the stack is deployed it
// makes the tables that packed rows go to, or says why packing cannot be switched
// off.
package maintain

import (
	"errors"
	"slices"

	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/pack"
	"sluice/internal/table"
)

// Where packed rows and the notes about them are in the lake's bucket: beside the
// lake, so that what deletes old objects of tables leaves them.
const (
	packedFolder = "packed/"
	// NotesFolder is where who looks for packed rows finds what became of objects.
	NotesFolder = packedFolder + "notes/"
)

// Tables are those that are packed, by the folders of their live objects, which
// are the names that people ask. The others have an object a day or less.
func Tables(lakeBucket string) (map[string]pack.Table, error) {
	all := map[string]pack.Table{}
	var faults []error
	add := func(name string, sort []string, columns []table.Column, err error) {
		faults = append(faults, err)
		all[name] = pack.Table{
			Live: name + "_live", Packed: name + "_packed", Folder: "s3://" + lakeBucket + "/" + packedFolder + name + "/",
			Columns: columns, Sort: sort,
		}
	}
	columns, err := table.Columns[s3access.Row]()
	add(s3access.Format.Name, s3access.Format.Sort, columns, err)
	columns, err = table.Columns[cloudtrail.Row]()
	add(cloudtrail.Format.Name, cloudtrail.Format.Sort, columns, err)
	columns, err = table.Columns[logs.Rejected]()
	add(logs.RejectedTable.Name, logs.RejectedTable.Sort, columns, err)
	return all, errors.Join(faults...)
}

// names are the tables in the order in which they are packed.
func names(tables map[string]pack.Table) []string {
	var all []string
	for name := range tables {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

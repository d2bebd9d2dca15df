package query

import (
	"fmt"
	"strings"
)

// Page is docs/queries.md: every named query and every view as its file has it.
func Page() (string, error) {
	all, err := All()
	if err != nil {
		return "", err
	}
	views, err := Views()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(pageTop)
	b.WriteString("| name | question |\n|---|---|\n")
	for _, q := range all {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", q.Name, q.Name, q.Title)
	}
	b.WriteString(pageViews)
	for _, v := range views {
		fmt.Fprintf(&b, "### %s\n\n%s.\n\n%s\n\n```sql\n%s\n```\n\n", v.Name, v.Title, prose.Replace(v.About), v.SQL)
	}
	b.WriteString("## Queries\n")
	for _, q := range all {
		fmt.Fprintf(&b, "\n### %s\n\n**%s** %s\n\n", q.Name, q.Title, prose.Replace(q.About))
		b.WriteString("| parameter | default | what it is |\n|---|---|---|\n")
		for _, p := range q.Params {
			value := "empty"
			if p.Default != "" {
				value = "`" + p.Default + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, value, p.About)
		}
		if q.Notes != "" {
			fmt.Fprintf(&b, "\n%s\n", prose.Replace(q.Notes))
		}
		fmt.Fprintf(&b, "\n```sql\n%s\n```\n", q.SQL)
	}
	return b.String(), nil
}

// prose keeps Markdown from taking a name with underscores for emphasis.
var prose = strings.NewReplacer("_", `\_`, "*", `\*`, "<", "&lt;")

const pageTop = `<!-- Made from internal/query/queries and internal/query/views by make generate: change it there. -->

# Named queries

Questions with a name, as SQL that Athena and the embedded DuckDB both run, over
the tables of [tables.md](tables.md) and the views below. On a laptop:

` + "```sh" + `
sluice query --list
sluice query errors -p from=2026-11-01 -p limit=5
sluice query errors -p from=2026-11-01 --sql    # the SQL, to be run in Athena
` + "```" + `

What stands behind a colon is a parameter. Every query names a range of days,
because ` + "`dt`" + ` decides what is read, and so what it costs: on a laptop all days
unless you say fewer. In Athena the stack has saved all of them in its workgroup
(*Saved queries* in the editor), reading the last week; what to change stands
behind its name in a comment.

` + "`make trino`" + ` asks each of them, and the views, of a real Trino, the engine that
Athena is built on, through the tables of the template, and holds every value
against DuckDB's. What each [reads](performance.md#what-a-question-reads) was
measured there.

`

const pageViews = `
## Views

Views compute what they show, from the tables and each time they are asked. Name
` + "`dt`" + ` in a query of a view, too: it is handed on to the tables. Other conditions
are not always, so give the two that compare rows, ` + "`s3_requests`" + ` and
` + "`s3_access_logs_distinct`" + `, few days at a time.

`

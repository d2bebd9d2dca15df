package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sluice/internal/ledger"
	"sluice/internal/logs/s3access"
)

// question is what the row of a line is found by.
func (l *line) question(key string) Question {
	return Question{Day: l.day, RequestID: l.id, Key: key, LogKey: l.file.Key}
}

// SQL asks Athena, or another reader of the lake, for the rows.
func (q Question) SQL() string {
	return fmt.Sprintf("SELECT * FROM %s WHERE dt = %s AND request_id = %s AND key_name = %s AND log_key = %s",
		s3access.Format.Name, text(q.Day), text(q.RequestID), text(q.Key), text(q.LogKey))
}

func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// converted waits until the file is in the lake, and returns what the ledger says
// of it; nil where that was not to be had.
func (r *run) converted(ctx context.Context, found *line, again string) (*ledger.Status, error) {
	const step = "batch"
	if r.History == nil {
		_, err := r.say(step, Unknown, "--table NAME, the StateTable of the stack, tells; or in Athena: "+found.question(r.Probe.Key()).SQL(), "nobody was asked what became of the file")
		return nil, err
	}
	var in *ledger.Status
	why := ""
	err := r.wait(ctx, "for its batch", func() (bool, error) {
		all, err := r.History.File(ctx, found.file.Bucket, found.file.Key)
		if err != nil {
			return false, err
		}
		why = "no function has had the file yet"
		for _, s := range all {
			switch c := s.File.Counts; {
			case s.In && c != nil && c.Rows == 0:
				why = fmt.Sprintf("the file is in batch %s with no row and %d rejects", s.Batch.ID, c.Rejected)
			case s.In && s.Batch.State != ledger.Finished:
				why = fmt.Sprintf("batch %s is decided, and its objects are not in place yet", s.Batch.ID)
			case s.In:
				in = &s
			case s.Batch != nil:
				why = fmt.Sprintf("batch %s has the file and is %s", s.Batch.ID, s.Batch.State)
			}
		}
		return in != nil, nil
	})
	switch {
	case errors.Is(err, errWaiting):
		_, err = r.say(step, Waiting, again+"; sluice status s3://"+found.file.Bucket+"/"+found.file.Key+" and the dead-letter queue say more", "%s", why)
		return nil, err
	case err != nil:
		return nil, err
	}
	said := "in batch " + in.Batch.ID
	if c := in.File.Counts; c != nil {
		said += fmt.Sprintf(": %d lines, %d rows, %d rejects", c.Lines, c.Rows, c.Rejected)
	}
	_, err = r.say(step, OK, "", "%s", said)
	return in, err
}

// row reads what the ledger says is there: it is the row that people ask for.
func (r *run) row(ctx context.Context, found *line, batch *ledger.Status) (bool, error) {
	const step = "row"
	q := found.question(r.Probe.Key())
	inAthena := "in Athena: " + q.SQL()
	if r.Lake == nil {
		return r.say(step, Unknown, "--lake-bucket NAME, the LakeBucket of the stack, reads it; or "+inAthena, "nobody looked into the lake")
	}
	var rows []Row
	var in []string
	for _, o := range batch.Objects {
		if !strings.HasPrefix(o.Name, s3access.Format.Name+"/dt="+q.Day+"/") {
			continue
		}
		got, err := r.Lake.Rows(ctx, o, q)
		if errors.Is(err, ErrUnreadable) {
			return r.say(step, Unknown, inAthena, "%v", err)
		}
		if err != nil {
			return false, err
		}
		in = append(in, o.Name)
		rows = append(rows, got...)
	}
	switch {
	case len(in) == 0:
		return r.say(step, Failed, "report it: sluice status --batch "+batch.Batch.ID+" has what was committed", "batch %s has no object of the table %s on %s", batch.Batch.ID, s3access.Format.Name, q.Day)
	case len(rows) != found.n:
		return r.say(step, Failed, "report it, with the file: each line must be one row; "+inAthena, "%d rows of the request in %s, and its file has it %d times", len(rows), strings.Join(in, ", "), found.n)
	}
	said := "in " + strings.Join(in, ", ")
	if found.n > 1 {
		said = fmt.Sprintf("%d, for S3 delivered the line as often, %s", found.n, said)
	}
	return r.end(Check{Step: step, State: OK, Detail: said, Next: inAthena, Row: rows[0]})
}

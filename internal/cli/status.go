package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice/internal/ledger"
)

type statusCommand struct {
	File  string `arg:"" optional:"" name:"file" help:"Delivered file: a path, or s3://bucket/key."`
	Batch string `placeholder:"ID" help:"Tell of this batch, and of all files in it."`
	Since string `placeholder:"TIME" help:"List the batches from then on: a day such as 2026-03-02, or a time such as 2026-03-02T08:30:00Z."`
	Lake  string `default:"lake" placeholder:"DIR" help:"Lake whose ledger to ask (default: lake). With --table it may be s3://bucket/lake/, the folder of the tables: then it is also told which objects are packed."`
	Table string `placeholder:"NAME" help:"Ask the function's ledger in this DynamoDB table instead: the StateTable of the stack."`
	JSON  bool   `name:"json" help:"Print the answer as one JSON document, with all files of a batch."`
}

// Help is what "sluice status --help" says below the summary.
func (statusCommand) Help() string {
	return `A file is converted: all of its lines are rows or rejects in a batch that was committed; skipped: it holds no log records; failed: nothing of it is in the lake, and it is tried again when it is delivered again; converting: a function has it; free: whoever had it gave it back. Of a file with several contents each is told. Where names the objects of its batch, in which its rows are beside those of other files.
Without file, --batch and --since it lists the batches of the last day.

Exit codes: 0 known; 1 an error; 2 wrong usage; 3 not known.`
}

// lastDay is how far back status looks unless told otherwise.
const lastDay = 24 * time.Hour

func (c *statusCommand) Run(ctx context.Context, a *app) error {
	asked := 0
	for _, s := range []string{c.File, c.Batch, c.Since} {
		if s != "" {
			asked++
		}
	}
	if asked > 1 {
		return usage(errors.New("a file, --batch and --since are three questions: ask one"))
	}
	h, err := c.history(ctx, a)
	if err != nil {
		return err
	}
	var answer statusAnswer
	switch {
	case c.File != "":
		if err = c.file(ctx, h, &answer); err == nil {
			err = c.packed(ctx, a, &answer)
		}
	case c.Batch != "":
		err = c.batch(ctx, h, &answer)
	default:
		err = c.since(ctx, h, &answer)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = answer.writeJSON(a.stdout)
	} else {
		err = answer.write(a.stdout)
	}
	if err == nil && answer.empty() {
		err = coded{fmt.Errorf("%s knows nothing of %s", c.where(), c.what()), exitUnknown}
	}
	return err
}

// history is the memory that is asked.
func (c *statusCommand) history(ctx context.Context, a *app) (*ledger.History, error) {
	if c.Table != "" {
		r, err := a.records(ctx, c.Table)
		if err != nil {
			return nil, err
		}
		return ledger.NewHistory(ledger.NewRecordStore(r, nil)), nil
	}
	if strings.HasPrefix(c.Lake, "s3://") {
		return nil, usage(errors.New("what became of files in S3 is in a DynamoDB table: --table NAME, the StateTable of the stack"))
	}
	_, err := os.Stat(filepath.Join(c.Lake, "_sluice"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no lake at %s\nsluice convert PATH -o DIR makes one, and --lake DIR says where it is", c.Lake)
	}
	if err != nil {
		return nil, fmt.Errorf("lake: %w", err)
	}
	return ledger.NewHistory(ledger.InDir(c.Lake)), nil
}

func (c *statusCommand) file(ctx context.Context, h *ledger.History, answer *statusAnswer) error {
	names, err := c.names()
	if err != nil {
		return err
	}
	for _, n := range names {
		all, err := h.File(ctx, n.bucket, n.key)
		if err != nil {
			return err
		}
		for _, s := range all {
			answer.Files = append(answer.Files, c.fateOf(s))
		}
		if len(all) > 0 {
			return nil
		}
	}
	return nil
}

type fileName struct{ bucket, key string }

// names are what a ledger may call the file: on a laptop it is known by its
// absolute path, without links.
func (c *statusCommand) names() ([]fileName, error) {
	if at, ok := strings.CutPrefix(c.File, "s3://"); ok {
		bucket, key, _ := strings.Cut(at, "/")
		if bucket == "" || key == "" {
			return nil, usage(fmt.Errorf("%q is no file in S3: write it like s3://bucket/key", c.File))
		}
		return []fileName{{bucket, key}}, nil
	}
	if c.Table != "" {
		return nil, usage(errors.New("with --table, a file is named like s3://bucket/key"))
	}
	if st, err := os.Stat(c.File); err == nil && st.IsDir() {
		return nil, usage(fmt.Errorf("%s is a folder: name a file in it, or none to see the batches of the last day", c.File))
	}
	names := []fileName{{"", c.File}}
	real, err := realPath(c.File)
	if err != nil {
		return nil, err
	}
	for _, p := range []string{real, filepath.ToSlash(real)} {
		if n := (fileName{"", p}); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names, nil
}

func (c *statusCommand) batch(ctx context.Context, h *ledger.History, answer *statusAnswer) error {
	b, commit, err := h.Batch(ctx, c.Batch)
	if errors.Is(err, ledger.ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	answer.whole = true
	answer.Batches = []batchFate{batchOf(b)}
	for _, f := range commit.Files {
		fate := fileOf(f)
		fate.Batch = b.ID
		answer.Files = append(answer.Files, fate)
	}
	slices.SortFunc(answer.Files, func(x, y fileFate) int { return strings.Compare(x.File, y.File) })
	for _, o := range commit.Objects {
		answer.Objects = append(answer.Objects, objectFate{c.path(o.Name), o.Rows, o.Bytes})
	}
	return nil
}

func (c *statusCommand) since(ctx context.Context, h *ledger.History, answer *statusAnswer) error {
	now := time.Now()
	from := now.Add(-lastDay)
	if c.Since != "" {
		at, _, err := moment("--since", c.Since)
		if err != nil {
			return err
		}
		from = at.Go()
	}
	for b, err := range h.Since(ctx, from, now.Add(time.Hour)) { // clocks differ
		if err != nil {
			return err
		}
		answer.Batches = append(answer.Batches, batchOf(b))
	}
	// A lake on a laptop knows its batches by id only.
	slices.SortStableFunc(answer.Batches, func(x, y batchFate) int { return x.at().Compare(y.at()) })
	return nil
}

// path is where an object of the lake is.
func (c *statusCommand) path(name string) string {
	if strings.HasPrefix(c.Lake, "s3://") {
		return strings.TrimSuffix(c.Lake, "/") + "/" + name
	}
	if c.Table != "" {
		return name
	}
	return filepath.Join(c.Lake, filepath.FromSlash(name))
}

func (c *statusCommand) where() string {
	if c.Table != "" {
		return "the table " + c.Table
	}
	return "the lake at " + c.Lake
}

func (c *statusCommand) what() string {
	switch {
	case c.File != "":
		return "the file " + c.File
	case c.Batch != "":
		return "the batch " + c.Batch
	case c.Since != "":
		return "batches since " + c.Since
	}
	return "batches of the last day; --since TIME looks further back"
}

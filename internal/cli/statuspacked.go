package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sluice/internal/maintain"
	"sluice/internal/pack"
)

// packedFate is what became of an object whose day was packed.
type packedFate struct {
	Object  string    `json:"object"`
	Table   string    `json:"table"` // that has its rows now
	Since   time.Time `json:"since"`
	Removed bool      `json:"removed"`           // the object itself is gone
	Expired bool      `json:"expired,omitempty"` // the rows, too: they were kept for long enough
}

func (p packedFate) text() string {
	name := p.Object[strings.LastIndex(p.Object, "/")+1:]
	if p.Expired {
		return fmt.Sprintf("%s: its rows were kept for long enough, and were deleted from %s", name, p.Table)
	}
	text := fmt.Sprintf("%s: its rows are in %s since %s", name, p.Table, shortTime(p.Since))
	if p.Removed {
		return text + ", and the object is removed"
	}
	return text + "; the object is removed later"
}

// packed looks in the notes of a lake in S3 which objects of the answer are packed.
func (c *statusCommand) packed(ctx context.Context, a *app, answer *statusAnswer) error {
	at, ok := strings.CutPrefix(c.Lake, "s3://")
	if !ok {
		return nil
	}
	bucket, prefix, _ := strings.Cut(strings.TrimSuffix(at, "/"), "/")
	if prefix != "" {
		prefix += "/"
	}
	tables, err := maintain.Tables(bucket)
	if err != nil {
		return err
	}
	lake, err := a.packing(ctx, bucket, prefix)
	if err != nil {
		return err
	}
	for i := range answer.Files {
		f := &answer.Files[i]
		for _, object := range f.Objects {
			name := strings.TrimPrefix(object, c.path(""))
			table, _, _ := strings.Cut(name, "/")
			t, packs := tables[table]
			if !packs {
				continue
			}
			found, packed, err := pack.Find(ctx, lake, lake, name)
			if err != nil {
				return err
			}
			if packed {
				f.Packed = append(f.Packed, packedFate{Object: object, Table: t.Packed, Since: found.Since.UTC(), Removed: !found.There, Expired: found.Expired})
			}
		}
	}
	return nil
}

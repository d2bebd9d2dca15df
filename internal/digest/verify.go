package digest

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// ErrMissing is the error about a file that is not there.
var ErrMissing = errors.New("missing")

// Source is where the files are: a bucket, or a folder with a copy of one. Keys
// are slash-separated, and below what was asked for.
type Source interface {
	// List gives all keys in their order.
	List(ctx context.Context) iter.Seq2[string, error]
	// Open reads a file. Metadata are those of the object, by name in lower case,
	// nil where files have none, as outside of S3. ErrMissing is among the errors.
	Open(ctx context.Context, key string) (body io.ReadCloser, metadata map[string]string, err error)
}

// ErrNoKey is the error about a public key that nobody has.
var ErrNoKey = errors.New("no such public key")

// Keys finds the public keys of AWS.
type Keys interface {
	// Key returns the key with a fingerprint, in use in a Region at a time; ErrNoKey
	// is among the errors.
	Key(ctx context.Context, region, fingerprint string, from, to time.Time) (*rsa.PublicKey, error)
}

// Options chooses what is verified.
type Options struct {
	// Since and Until bound the ends of digests, both included; zero for no bound.
	Since, Until time.Time
	// SkipLogs verifies the digests only, and not the files they name.
	SkipLogs bool
	// Progress is told of each file, if it is not nil.
	Progress func(digests, logs int)
	// Workers read so many log files at the same time; 0 is one.
	Workers int
}

// maxProblems is how many problems are listed.
const maxProblems = 10_000

// Verify verifies everything that a source holds: each digest, in the order of
// their names, by its signature and by the one before, each log file that it names
// by its hash, and then whether every log file was named. It keeps 16 bytes a log
// file, and reads as streams.
//
// An error is about the source or the keys; what is wrong with files is in the
// result.
func Verify(ctx context.Context, src Source, keys Keys, o Options) (*Result, error) {
	v := &verifier{src: src, keys: keys, o: o, chains: map[string]*chain{}, named: map[[16]byte]bool{}, seen: map[string]*covered{}}
	for key, err := range src.List(ctx) {
		if err != nil {
			return nil, err
		}
		if n, ok := nameOf(key); ok {
			if err := v.digest(ctx, key, n); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range v.order {
		v.end(c)
		v.result.Chains = append(v.result.Chains, c.Chain)
	}
	if !o.SkipLogs {
		for key, err := range src.List(ctx) {
			if err != nil {
				return nil, err
			}
			if folder, region, ok := logRegion(key); ok {
				v.log(key, folder, region)
			}
		}
		v.tails()
	}
	if v.result.Problems == nil {
		v.result.Problems = []Problem{}
	}
	return &v.result, nil
}

type verifier struct {
	src    Source
	keys   Keys
	o      Options
	result Result

	chains map[string]*chain
	order  []*chain
	named  map[[16]byte]bool   // log files that digests name, by hash of the key
	seen   map[string]*covered // by folder and Region
	shift  *shift              // between keys of the source and those in digests
	logs   int
	total  int
}

// chain is the state of a sequence of digests: the one before.
type chain struct {
	Chain
	last    *Digest
	lastKey string
	proof   string // signature of last, "" where it is not known yet
	bare    bool   // last is where files have no metadata, and so no signature
	region  string
	home    string
}

// covered is the time that the digests of a Region are about, for log files.
type covered struct {
	from, to time.Time
	latest   time.Time // of the log files that came after to
	late     string    // the key of that one
}

func (v *verifier) problem(kind Kind, key, format string, args ...any) {
	if len(v.result.Problems) == maxProblems {
		v.result.More++
		return
	}
	v.result.Problems = append(v.result.Problems, Problem{kind, key, fmt.Sprintf(format, args...)})
}

// digest verifies one digest and what it names.
func (v *verifier) digest(ctx context.Context, key string, n name) error {
	if !v.o.Since.IsZero() && n.end.Before(v.o.Since) || !v.o.Until.IsZero() && n.end.After(v.o.Until) {
		return nil
	}
	c := v.chains[n.chain]
	if c == nil {
		c = &chain{Chain: Chain{Name: n.chain}, region: n.region, home: n.home}
		v.chains[n.chain] = c
		v.order = append(v.order, c)
	}
	d, meta, err := v.open(ctx, key)
	signature := meta["signature"]
	c.Digests++
	v.total++
	if v.o.Progress != nil {
		v.o.Progress(v.total, v.logs)
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		v.problem(Unreadable, key, "%v", err)
		return nil
	}
	if v.shift == nil {
		v.shift = shiftOf(key, d.Object)
		v.result.Bucket = d.Bucket
	}
	if d.Bucket != v.result.Bucket {
		v.problem(Moved, key, "it was delivered into %s, and others here into %s", d.Bucket, v.result.Bucket)
	}
	if want, ok := v.shift.local(d.Object); !ok || want != key {
		v.problem(Moved, key, "it was delivered as %s", d.Object)
	}
	if n.backfill {
		// It stands alone: nothing is said of a digest before.
		if err := v.prove(ctx, c, d, key, signature); err != nil {
			return err
		}
	} else {
		if err := v.link(ctx, c, d, key, signature); err != nil {
			return err
		}
		c.bare = meta == nil
	}
	v.cover(n, d)
	return v.files(ctx, c, d)
}

func (v *verifier) open(ctx context.Context, key string) (d *Digest, meta map[string]string, err error) {
	body, meta, err := v.src.Open(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	defer body.Close()
	if d, err = parse(body); err != nil {
		return nil, nil, err
	}
	if a := meta["signature-algorithm"]; a != "" && a != signatureAlgorithm || d.Algorithm != signatureAlgorithm {
		return nil, nil, fmt.Errorf("signed by %q and %q, only %s is known", a, d.Algorithm, signatureAlgorithm)
	}
	return d, meta, nil
}

// link holds a digest against the one before, whose signature it repeats.
func (v *verifier) link(ctx context.Context, c *chain, d *Digest, key, signature string) error {
	before := c.last
	switch {
	case before == nil:
		c.From = d.Start // what was before is not here, or was never
	case d.PreviousObject == nil:
		if d.Start.After(before.End) {
			v.problem(Gap, key, "no digest is about the time from %s to %s: validation or logging was switched off and on again", stamp(before.End), stamp(d.Start))
		} else {
			v.problem(Unlinked, key, "it says that no digest was before, and there is one")
		}
	case *d.PreviousObject != before.Object:
		v.problem(MissingLink, *d.PreviousObject, "the digest of %s names it, and it is not here", stamp(d.End))
	case d.PreviousHash == nil || d.PreviousSignature == nil || !strings.EqualFold(*d.PreviousHash, before.hash):
		v.problem(Modified, c.lastKey, "the digest of %s has another hash of it", stamp(d.End))
	case c.proof != "" && !strings.EqualFold(*d.PreviousSignature, c.proof):
		v.problem(Unlinked, c.lastKey, "the digest of %s has another signature of it", stamp(d.End))
	case d.Start.After(before.End):
		v.problem(Gap, key, "no digest is about the time from %s to %s", stamp(before.End), stamp(d.Start))
	}
	// A copy has no metadata: there the next digest tells the signature of this.
	if before != nil && c.proof == "" {
		if d.PreviousObject != nil && *d.PreviousObject == before.Object && d.PreviousSignature != nil {
			if err := v.prove(ctx, c, before, c.lastKey, *d.PreviousSignature); err != nil {
				return err
			}
		} else {
			v.problem(BadSignature, c.lastKey, "its signature is neither with it nor in the next digest")
		}
	}
	if signature != "" {
		if err := v.prove(ctx, c, d, key, signature); err != nil {
			return err
		}
	}
	c.last, c.lastKey, c.proof, c.To = d, key, signature, d.End
	return nil
}

// end says of a last digest without a signature that nothing proves it. A copy
// must lack it. In S3 it is with the object, unless that was written anew: then
// the digest may be anybody's.
func (v *verifier) end(c *chain) {
	switch {
	case c.last == nil || c.proof != "":
	case !c.bare:
		v.problem(BadSignature, c.lastKey, "it has no signature, as it had when CloudTrail delivered it to S3: it was written anew")
	default:
		v.problem(Unproven, c.lastKey, "the last digest of a copy: its signature is in the metadata of the object in S3 only, so that nothing proves it here")
	}
}

// prove verifies a signature.
func (v *verifier) prove(ctx context.Context, c *chain, d *Digest, key, signature string) error {
	if signature == "" {
		v.problem(BadSignature, key, "it has no signature")
		return nil
	}
	public, err := v.keys.Key(ctx, c.region, d.Fingerprint, d.Start, d.End)
	if errors.Is(err, ErrNoKey) && c.home != "" && c.home != c.region {
		public, err = v.keys.Key(ctx, c.home, d.Fingerprint, d.Start, d.End)
	}
	if errors.Is(err, ErrNoKey) {
		v.problem(NoKey, key, "fingerprint %s, Region %s", d.Fingerprint, c.region)
		return nil
	}
	if err != nil {
		return fmt.Errorf("public key %s of %s: %w", d.Fingerprint, c.region, err)
	}
	if err := d.check(public, signature); err != nil {
		v.problem(BadSignature, key, "%v", err)
		return nil
	}
	c.Valid++
	return nil
}

// cover notes the time that the digests of a Region are about.
func (v *verifier) cover(n name, d *Digest) {
	at := v.seen[n.folder+n.region]
	if at == nil {
		at = &covered{from: d.Start, to: d.End}
		v.seen[n.folder+n.region] = at
	}
	if d.Start.Before(at.from) {
		at.from = d.Start
	}
	if d.End.After(at.to) {
		at.to = d.End
	}
}

// log holds a log file against what digests named.
func (v *verifier) log(key, folder, region string) {
	if v.named[idOf(key)] {
		return
	}
	at, ok := delivered(key)
	span := v.seen[folder+region]
	switch {
	case span == nil || ok && at.Before(span.from):
		v.result.Earlier++
	case ok && !at.Before(span.to.Add(-slack)):
		v.result.Later++
		if at.After(span.latest) {
			span.latest, span.late = at, key
		}
	default:
		v.problem(Extra, key, "no digest names it")
	}
}

// overdue is by how much a digest may be later than the hour that it is about.
const overdue = 3 * time.Hour

// tails says where log files go on for hours and digests do not: who removes the
// newest digests takes with them what says that a log file is gone.
func (v *verifier) tails() {
	if !v.o.Until.IsZero() {
		return // those after it were not looked at
	}
	for _, region := range slices.Sorted(maps.Keys(v.seen)) {
		if at := v.seen[region]; at.latest.After(at.to.Add(overdue)) {
			v.problem(Gap, at.late, "no digest is about the time after %s, and log files were delivered until %s", stamp(at.to), stamp(at.latest))
		}
	}
}

// slack is by how much the time in a log file's name, which is of minutes, may be
// before its delivery: a file may still be on its way when a digest is made.
const slack = 15 * time.Minute

func idOf(key string) (id [16]byte) {
	sum := sha256.Sum256([]byte(key))
	copy(id[:], sum[:])
	return id
}

// delivered is the time in the name of a log file.
func delivered(key string) (time.Time, bool) {
	file := key[strings.LastIndexByte(key, '/')+1:]
	for part := range strings.SplitSeq(file, "_") {
		if t, err := time.Parse("20060102T1504Z", part); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

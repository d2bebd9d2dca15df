// Package cli is sluice on a laptop: the same pipeline as the Lambda function,
// from files to a lake in a directory, and questions to that lake.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"sluice/internal/clean"
	"sluice/internal/digest"
	"sluice/internal/ledger"
	"sluice/internal/maintain"
)

// Exit codes. They are part of what scripts may rely on, and --help names them.
const (
	exitOK      = 0 // all done
	exitError   = 1 // nothing, or not all, was done; the message says what to do
	exitUsage   = 2 // the command line is wrong
	exitPartial = 3 // done, but some files could not be read; all others are converted
	exitUnknown = 3 // of status: nothing is known of what was asked for
)

const about = `S3 server access logs and CloudTrail logs in, partitioned Parquet out, questions in SQL.

Exit codes: 0 all done; 1 an error, nothing or not all was done; 2 wrong usage; 3 done, but some files could not be read (the others are converted). Scan says with 11 to 15 how grave is what it found.`

// commands is the command line.
type commands struct {
	Convert  convertCommand  `cmd:"" help:"Convert delivered log files into a lake of Parquet files."`
	Status   statusCommand   `cmd:"" help:"Tell what became of a delivered file: its batch, rows, rejects, where they are."`
	Enroll   enrollCommand   `cmd:"" help:"Switch access logging of buckets on, or give back what was before."`
	Query    queryCommand    `cmd:"" help:"Ask a lake in SQL, or one of the named queries."`
	Report   reportCommand   `cmd:"" help:"Make one page of a lake: charts, tables, findings, to open in a browser."`
	Scan     scanCommand     `cmd:"" help:"Look for incidents in log files: findings by rule, each once."`
	Rules    rulesCommand    `cmd:"" help:"List, show, check, test and explain the rules of scan."`
	Coverage coverageCommand `cmd:"" help:"Tell which buckets of an account log, where to, and which have fallen silent."`
	Verify   verifyCommand   `cmd:"" help:"Prove that a bucket's logs arrive, or that CloudTrail's are what it delivered."`
	Inspect  inspectCommand  `cmd:"" help:"Show one line of an access log with every field named."`
	Generate generateCommand `cmd:"" help:"Make realistic log files to try things out on."`

	Backfill backfillCommand `cmd:"" help:"Have years of old log files converted by the stack: what it would be, then a job."`

	Version kong.VersionFlag `help:"Show the version."`
}

// app is what every command is given: the streams, and what is known of them.
type app struct {
	stdin  io.Reader
	stdout screen
	stderr screen

	connect func(context.Context) (remote, error)                           // to S3
	records func(ctx context.Context, table string) (ledger.Records, error) // of the function
	buckets func(context.Context) (accountBuckets, error)                   // of the account
	account func(ctx context.Context, table string) (*account, error)       // and what is remembered of its buckets
	archive func(context.Context) (archive, error)                          // old files in S3
	jobs    func(ctx context.Context, region string) (batchJobs, error)     // of S3 Batch Operations
	prober  func(context.Context) (*prober, error)
	packing func(ctx context.Context, bucket, prefix string) (maintain.Lake, error) // of a lake in S3
	trail   func(ctx context.Context, bucket, prefix string) (digest.Source, digest.Keys, error)
}

// Run runs the command line args and returns the exit code. It ends early, with
// nothing half done, on an interrupt.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first interrupt asks, a second one insists.
	defer context.AfterFunc(ctx, stop)()
	a := &app{stdin: stdin, stdout: screenOf(stdout), stderr: screenOf(stderr), connect: connectS3, records: connectTable, buckets: connectBuckets}
	a.account = connectAccount
	a.archive, a.jobs = connectArchive, connectJobs
	a.trail, a.prober, a.packing = connectTrail, connectProber, connectPacking
	return a.run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) int {
	a.stdin = &patient{ctx: ctx, from: a.stdin}
	exited := -1
	parser, err := kong.New(new(commands),
		kong.Name("sluice"), kong.Description(about),
		kong.Vars{"version": version()},
		kong.Writers(a.stdout, a.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(a),
		// Kong leaves the program after --help and --version; a test must not.
		kong.Exit(func(code int) {
			if exited < 0 {
				exited = code
			}
		}))
	if err != nil {
		return a.fail(fmt.Errorf("BUG: command line: %w", err))
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		return a.fail(usage(fmt.Errorf("%w; see %s --help", err, meant(err))))
	}
	err = command.Run()
	if ctx.Err() != nil && (errors.Is(err, context.Cause(ctx)) || errors.Is(err, context.Canceled)) {
		err = errors.New("interrupted") // whoever did it need not be told by which signal
	}
	return a.fail(err)
}

// meant is the command that a wrong command line names, as far as it goes.
func meant(err error) string {
	name := "sluice"
	if wrong := (*kong.ParseError)(nil); errors.As(err, &wrong) && wrong.Context != nil {
		for _, p := range wrong.Context.Path {
			if p.Command != nil {
				name += " " + p.Command.Name
			}
		}
	}
	return name
}

// coded is an error with an exit code of its own.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

// exit is an exit code about which everything has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func usage(err error) error { return coded{err, exitUsage} }

// fail says what went wrong and returns the exit code for it. Messages quote
// paths and keys, which are somebody else's words.
func (a *app) fail(err error) int {
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[exit](err); ok {
		return int(e)
	}
	for i, line := range strings.Split(strings.TrimSpace(err.Error()), "\n") {
		if i == 0 {
			line = "sluice: " + line
		}
		fmt.Fprintln(a.stderr, clean.Line(line))
	}
	if c, ok := errors.AsType[coded](err); ok {
		return c.code
	}
	return exitError
}

// warn tells what a person should know and what is no error.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintln(a.stderr, clean.Line("sluice: warning: "+fmt.Sprintf(format, args...)))
}

// version is what the build knows of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "sluice, version unknown"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	if rev := set["vcs.revision"]; rev != "" && !strings.Contains(v, rev[:min(12, len(rev))]) {
		v += " " + rev[:min(12, len(rev))]
		if set["vcs.modified"] == "true" {
			v += " (modified)"
		}
	}
	return fmt.Sprintf("sluice %s %s %s/%s", v, info.GoVersion, set["GOOS"], set["GOARCH"])
}

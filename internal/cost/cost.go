// Package cost computes what log files cost to convert in AWS: figures that were
// measured here times list prices. It makes no request, and nothing that it says
// was ever billed.
package cost

// Prices in dollars: list prices of us-east-1, written down on 2026-11-23.
const (
	LambdaGBSecond   = 0.0000133334 // arm64
	LambdaRequest    = 0.20 / 1e6
	S3Get            = 0.0004 / 1e3 // HEAD, too
	S3Put            = 0.005 / 1e3
	S3GBMonth        = 0.023
	SQSRequest       = 0.40 / 1e6
	DynamoWrite      = 0.625 / 1e6
	DynamoRead       = 0.125 / 1e6
	DynamoGBMonth    = 0.25
	LogGB            = 0.50
	BatchOperations  = 0.25 // a job
	BatchOperationsF = 1.00 / 1e6
)

// Measured, and written down in docs/performance.md, which a test holds against
// these: seconds of CPU on one x86 core, and bytes.
const (
	ConvertSeconds      = 2.31e-6 // a line
	ThousandFileSeconds = 0.34    // 1,000 files of 110 lines
	GetSeconds          = 102e-6  // a GET of a file of 73 KB
	LineBytes           = 669.5   // of an access log, as delivered
	RowBytes            = 107.1   // in Parquet
)

// Measured on 2026-11-23 on two shared x86 cores: BenchmarkWatch, BenchmarkApply
// (100 lines) and TestCosts (ordinary traffic, 110 lines a file) of
// internal/detect with all shipped rules, TestCost of internal/awsio with 100
// files a batch.
const (
	watchSeconds  = 1.20e-6 // CPU a line
	applySeconds  = 1.38e-6 // CPU a line, in files of 100 lines
	writesPerLine = 0.22    // items written for counters and claims, of up to 1 KB
	readsPerLine  = 0.18    // queries of counters, of up to 4 KB
	ledgerPerFile = 1.3     // write units
	logLineBytes  = 450     // a file, with its part of the metrics
	// LedgerBytes is what the ledger remembers of a file for ever, with DynamoDB's
	// 100 bytes an item.
	LedgerBytes    = 700.0
	sqsPerFile     = 1.2 // sent alone, received and deleted by ten
	objectsPerTime = 4   // Parquet objects a batch: two days, and those of rejects and findings
)

// Assumed, because nothing local can measure it.
const (
	waitPerFile   = 0.012 // seconds of waiting for DynamoDB and S3, four files counted and 48 fetched at once
	waitUncounted = 0.002 // the same, none counted
	waitPerBatch  = 1.0   // to start, to commit
)

// Load is what is converted.
type Load struct {
	Lines, Files, Batches float64
	MemoryMB              float64 // of the function
	RowsOnly              bool    // no rule looks
}

// Bill is what that costs, by what is paid for, in dollars.
type Bill struct {
	Function float64 // time and invocations
	Convert  float64 // of Function: CPU to fetch and convert, all but findings and waiting
	Requests float64 // to S3 and SQS
	State    float64 // counters of findings, ledger
	Ledger   float64 // a month of its storage
	Log      float64 // of the function
	Parquet  float64 // a month of its storage

	seconds, writes float64
}

// Total is the sum.
func (b Bill) Total() float64 {
	return b.Function + b.Requests + b.State + b.Ledger + b.Log + b.Parquet
}

// Of is what converting a load costs: the formula in docs/operations.md.
func Of(l Load) Bill {
	perFile := max(0, ThousandFileSeconds/1000-110*ConvertSeconds)
	convert := l.Lines*ConvertSeconds + l.Files*(perFile+GetSeconds)
	seconds := convert + l.Files*waitUncounted + l.Batches*waitPerBatch
	writes, reads := l.Files*ledgerPerFile, 0.0
	if !l.RowsOnly {
		seconds += l.Lines*(watchSeconds+applySeconds) + l.Files*(waitPerFile-waitUncounted)
		writes += l.Lines * writesPerLine
		reads = l.Lines * readsPerLine
	}
	gb := l.MemoryMB / 1024
	return Bill{
		Function: seconds*gb*LambdaGBSecond + l.Batches*LambdaRequest,
		Convert:  convert * gb * LambdaGBSecond,
		Requests: l.Files*(S3Get+sqsPerFile*SQSRequest) + l.Batches*objectsPerTime*2*S3Put, // put out of sight, then copied
		State:    writes*DynamoWrite + reads*DynamoRead,
		Ledger:   l.Files * LedgerBytes / 1e9 * DynamoGBMonth,
		Log:      l.Files * logLineBytes / 1e9 * LogGB,
		Parquet:  l.Lines * RowBytes / 1e9 * S3GBMonth,
		seconds:  seconds, writes: writes,
	}
}

// Command sluice turns delivered S3 access logs and CloudTrail logs into
// partitioned Parquet on a laptop, and answers questions about them.
package main

import (
	"os"

	"sluice/internal/cli"
)

func main() {
	os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

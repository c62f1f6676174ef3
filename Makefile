# Every habit of the project is a target. Each makes .venv by itself; nothing outside the checkout is touched.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# A new order of the tests with every commit, the same one whenever that commit is tested again.
SEED := $(shell git rev-list --count HEAD 2>/dev/null || echo 0)
# The same seed changes the same answers.
FUZZ_SEED ?= 1
# How many plans of faults, kills and restatements are carried out on each store.
TORTURE_SEEDS ?= 20
PYTEST := $(BIN)/pytest --numprocesses auto --dist worksteal --randomly-seed $(SEED)

.PHONY: install demo cluster-demo test test-all fuzz torture lint format typecheck names audit docs bench snapshot dev clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m compileall -q chatmart extractors transforms warehouse pipelines sandbox tests  # pip compiles no editable
	touch $@

demo: install
	$(BIN)/chatmart demo

# PostgreSQL, an object store, a Dask scheduler and two workers on this machine; all of it ends with the command.
cluster-demo: install
	$(BIN)/python -m tools.cluster_demo

test: install
	$(PYTEST) -m "not long"

test-all: test
	$(PYTEST) -m long

fuzz: install
	$(BIN)/python -m tests.fuzz --mutations 20000 --seed $(FUZZ_SEED)

torture: install
	$(BIN)/python -m tests.torture --seeds $(TORTURE_SEEDS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: install
	$(BIN)/mypy

names: install
	$(BIN)/python tools/check_names.py --list

audit: install
	$(BIN)/python tools/audit.py

docs: install
	$(BIN)/python tools/make_docs.py

snapshot: install
	$(BIN)/python -m tests.support.definitions

bench: install
	$(BIN)/python -m benchmarks.compare --write

dev: install
	$(BIN)/chatmart dev

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis data/demo

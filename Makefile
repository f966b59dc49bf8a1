# Everything a checkout needs; `make demo` and `make test` do all the set-up themselves.
# Paths are relative throughout, so that the checkout may lie in a folder with spaces in its name.

# The interpreter to use, such as python3.13; by default the first suitable one.
PYTHON :=

# What a caller's shell may carry over, and what would lead the environment astray, or have every
# process of the tests compile the package anew.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV PIP_PREFIX PIP_TARGET PIP_USER PYTHONDONTWRITEBYTECODE

BIN := .venv/bin

# Any Python 3 may start the set-up, which looks for a suitable one itself.
FIND_PYTHON = for python in python3 python3.14 python3.13 python3.12 python3.11 python ""; do \
	"$$python" -I -c "from __future__ import annotations" 2>/dev/null && break; done; \
	"$${python:?- install Python 3.11 or newer, for none was found}"
SET_UP = $(FIND_PYTHON) -I tools/bootstrap.py --python "$(PYTHON)"

.PHONY: test crash demo check lint fmt bench profile bench-postgres test-pythons clean runtime dev mutants model screenshots

test: dev
	$(BIN)/python -m pytest $(ARGS)

demo: runtime
	$(BIN)/jobrunner demo

check: lint
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

lint: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

fmt: dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Workers, schedulers and enqueuers killed over and over; the last line is how fast a rescue is.
KILLS := 500
crash: dev
	$(BIN)/python -W error -m tests.crash --kills $(KILLS) $(ARGS)

# Each guard is removed in turn: a test must fail. `make mutants ARGS="settle --jobs 1"` for some.
mutants: dev
	$(BIN)/python tools/mutants.py $(ARGS)

# The model at length; it tells what it has tried.
MODEL := 300x30
model: dev
	MODEL=$(MODEL) $(BIN)/python -m pytest -n0 --timeout=0 tests/storage/test_model.py $(ARGS)

# Beside SQLite's limits and the peers, each in an environment of its own; half an hour.
# `make bench ARGS="drain latency"` for some loads, `ARGS=--quick` for a smoke test.
bench: dev
	$(BIN)/python -m benchmarks $(ARGS)

# The same of those on PostgreSQL alone.
bench-postgres: dev
	$(BIN)/python -m benchmarks --ground postgres $(ARGS)

# Where the time of a task goes, by parts. `make profile ARGS="drain chain"` for some loads.
profile: dev
	$(BIN)/python -m benchmarks.profile $(ARGS)

# The pictures of docs/images, of a real run; two minutes.
screenshots: dev
	$(BIN)/python tools/screenshots.py $(ARGS)

# The whole suite on every CPython 3.11 to 3.14 of this machine, each in an environment of its own.
test-pythons:
	@$(FIND_PYTHON) tools/test_pythons.py

clean:
	rm -rf .venv .venv-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find jobrunner migrations tests -name __pycache__ -prune -exec rm -rf {} +

runtime:
	@$(SET_UP)

dev:
	@$(SET_UP) --extras dev

# The two commands of the README, and the documentation. Everything is installed into
# .venv; a file in .venv/.made remembers what already is.
#
#   make demo PYTHON=python3.12      with another Python (3.11 or newer)
#   make demo TORCH=torch            with the newest torch
#   make mutants ROOM=editing        small mistakes that the tests of a room notice
#   make faults                      the long part of the catalogue of faults

PYTHON ?= python3
TORCH ?= torch==2.13.0
NUMBER ?= 32

BIN := .venv/bin
MADE := .venv/.made
PIP := $(BIN)/python -m pip --disable-pip-version-check

# An older processor: other instructions add numbers in another order.
OLDER := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 \
	NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR=$(CURDIR)/.venv/.older-processor
COMPUTE := $(addprefix tests/,meanshift instances labels tracking rshn)

.PHONY: demo test quick faults coverage mutants docs clean

# Segment and track a simulated movie; look at it in napari if there is a screen.
demo: $(MADE)/package
	@if .ci/has-screen; then $(BIN)/fastershift demo --gui; else $(BIN)/fastershift demo; fi

# Lint, check types, check the manifest and run all tests. Tests of windows have a
# process of their own, without other load, with a screen for each worker; the tests
# after them share the cores. What is computed is tested once more as an older processor
# computes it.
test: $(MADE)/test
	.ci/system-packages $$(cat .ci/window-packages)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/npe2 validate fastershift
	OMP_NUM_THREADS=1 .ci/with-screen $(BIN)/pytest -m gui -n 2 --dist worksteal
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not gui and not faults" -n 2
	$(OLDER) OMP_NUM_THREADS=1 $(BIN)/pytest -m "not gui and not slow" -n 2 $(COMPUTE)

# Tests that need no window and little time.
quick: $(MADE)/test
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not gui and not slow" -n 2

# What becomes of damaged files, full disks and killed processes, at length.
faults: $(MADE)/test
	OMP_NUM_THREADS=1 $(BIN)/pytest -m faults -n 2 tests/faults

# Which statements and branches of each room the tests run.
coverage: $(MADE)/test
	.ci/with-screen $(BIN)/pytest -m gui --cov --cov-report=
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not gui and not faults" -n 2 --cov --cov-append --cov-report=
	$(BIN)/python scripts/coverage_table.py

# Which small mistakes in a room its tests notice.
mutants: $(MADE)/test
	$(BIN)/python scripts/mutants.py "$(ROOM)" --number $(NUMBER)

# Build the site into site/.
docs: $(MADE)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv site dist build demo-output .mypy_cache .pytest_cache .ruff_cache
	rm -rf .hypothesis .mutants .coverage
	find src tests docs scripts -name __pycache__ -prune -exec rm -rf {} +

$(MADE)/environment:
	.ci/environment "$(PYTHON)" .venv
	@mkdir -p $(MADE) && touch $@

# torch first: its pinned version is then not replaced by a newer and larger one.
$(MADE)/package: pyproject.toml $(MADE)/environment
	$(PIP) install "$(TORCH)"
	$(PIP) install -e ".[all]"
	@touch $@

$(MADE)/test: $(MADE)/package
	$(PIP) install --group test --group lint
	@touch $@

$(MADE)/docs: $(MADE)/package
	$(PIP) install --group docs
	@touch $@

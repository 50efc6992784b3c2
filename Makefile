# make demo    4 MPI ranks tune a scikit-learn model
# make test    ruff, mypy, the documentation and pytest
# make check   pytest alone
# make docs    the documentation, into site/
# Both make .venv first; they need Python >= 3.11 with venv, and nothing else.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SETTINGS := setup.cfg pyproject.toml constraints.txt

# One BLAS thread a process: ranks, not threads, share the cores.
export OMP_NUM_THREADS ?= 1

.PHONY: help demo test check lint docs format bench clean

help:
	@sed -n 's/^# make/make/p' Makefile

demo: $(VENV)/.demo
	$(BIN)/mpirun -n 4 $(BIN)/python examples/train.py

test: lint docs check

check: $(VENV)/.test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tests/test_prose.py

docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp stands for a set of installed extras and is renewed when the settings change. The tests' set holds the demo's.
$(VENV)/.demo: $(SETTINGS) | $(VENV)/.made
	@echo "Installing HyperSpace with its MPI library into $(VENV) ..."
	@$(PIP) --no-build-isolation --editable ".[mpi]"
	@touch $@

$(VENV)/.test: $(SETTINGS) | $(VENV)/.made
	@echo "Installing HyperSpace with the test extras into $(VENV); torch is large, this takes minutes ..."
	@$(PIP) --no-build-isolation --editable ".[mpi,dnn,evolve,plot,parquet,examples,docs,test]"
	@touch $(VENV)/.demo $@

$(VENV)/.bench: $(SETTINGS) | $(VENV)/.made
	@echo "Installing HyperSpace with all extras into $(VENV); torch is large, this takes minutes ..."
	@$(PIP) --no-build-isolation --editable ".[all]"
	@touch $(VENV)/.demo $(VENV)/.test $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "HyperSpace needs Python 3.11 or newer; name one: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) setuptools
	@touch $@

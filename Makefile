# `make` lists the targets. Each one makes its own environment in .venv; nothing needs to be active.

PYTHON ?= python3
JOBS ?= 2
ARGS ?=
NETWORK ?=

VENV := .venv
BIN := $(VENV)/bin
LCE := .venv-lce
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The environment is .venv alone, whatever the shell has set up for other projects.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help demo test test-all operators options onnx-suite lint format typecheck golden fuzz bench lce clean zoo

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12 chooses the interpreter, ARGS='-k threshold' goes to the command."

demo: $(VENV)/.demo ## Compile the MNIST network, run it, compare with ONNX Runtime
	$(BIN)/python -m bnnc.tools.demo $(ARGS)

test: $(VENV)/.dev ## Run the tests, a sample of large products (two processes; JOBS=1 for one)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

test-all: $(VENV)/.dev ## Run every test
	$(BIN)/python -m pytest --all -n $(JOBS) --dist loadgroup $(ARGS)

lint: $(VENV)/.dev ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## Format the sources and fix what can be fixed safely
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

typecheck: $(VENV)/.dev ## Check the types
	$(BIN)/pyright --pythonpath $(BIN)/python

golden: $(VENV)/.dev ## Rewrite the golden files; read the diff before committing it
	$(BIN)/python -m pytest --update-golden -n $(JOBS) --dist loadgroup $(ARGS)

fuzz: $(VENV)/.dev ## Compare 2,000 random networks with ONNX Runtime (ARGS='--graphs 100')
	PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

bench: $(VENV)/.bench ## Measure speed next to other runtimes; rewrite docs/performance.md
	$(BIN)/python -m bnnc.tools.bench --document . $(patsubst %,--lce-python %,$(wildcard $(LCE)/bin/python)) $(ARGS)

lce: ## Make the environment with Larq Compute Engine, which make bench then measures too
	$(PYTHON) -m venv $(LCE)
	$(LCE)/bin/python -m pip --disable-pip-version-check --quiet install \
	  tensorflow-cpu==2.16.1 tf-keras==2.16.0 larq==0.13.3 larq-compute-engine==0.16.0

operators: $(VENV)/.dev ## Rewrite docs/operators.md from the import rules
	$(BIN)/python -m bnnc.tools.operator_docs docs/operators.md

options: $(VENV)/.dev ## Rewrite docs/options.md from the options
	$(BIN)/python -m bnnc.tools.option_docs docs/options.md

onnx-suite: $(VENV)/.dev ## Run the ONNX project's backend tests and rewrite docs/onnx-suite.md
	$(BIN)/python -m pytest --update-golden -n $(JOBS) --dist loadgroup tests/frontend/test_onnx_suite.py $(ARGS)

zoo: $(VENV)/.dev ## Compile and verify the networks of tests/zoo at full size; NETWORK=mlp for one
	cd tests && $(abspath $(BIN))/python -m zoo $(NETWORK) $(ARGS)

clean: ## Remove the environment, caches and build output
	rm -rf $(VENV) $(LCE) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp is remade when pyproject.toml changes; dev holds all that demo holds.

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.10 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "$(PYTHON) is older than 3.10: choose another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); \
	       echo "$(PYTHON) -m venv failed: install it (Debian, Ubuntu: apt install python3-venv)" >&2; \
	       exit 1; }

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing bnnc for the demo into $(VENV) (about a minute, once)"
	@$(PIP) install -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing bnnc for development into $(VENV) (a few minutes, once)"
	@$(PIP) install -e '.[dev]'
	@touch $(VENV)/.demo $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	@echo "Installing bnnc and the peers it is measured against into $(VENV)"
	@$(PIP) install -e '.[bench]'
	@touch $(VENV)/.demo $@

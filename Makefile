# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CHECKOV := .venv-checkov

export WARDKEEPER_CHECKOV := $(CURDIR)/$(CHECKOV)/bin/checkov

.DEFAULT_GOAL := help
.PHONY: help demo up down test lint format bench crds chart lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## a real control plane, the operator and workflows: made, attacked, removed; LEVEL=netpol: pods, packets
	@$(BIN)/python -m tests.cluster demo $(if $(LEVEL),--level $(LEVEL))

up: $(READY) ## the same cluster with the operator, left running; LEVEL=netpol: with a real node
	@$(BIN)/python -m tests.cluster up $(if $(LEVEL),--level $(LEVEL))

down: $(READY) ## stop what `make up` started
	@$(BIN)/python -m tests.cluster down

test: $(READY) $(CHECKOV)/.ready ## everything: unit, component, end to end on the real control plane
	@E2E_BUILD=1 $(BIN)/python -m pytest -n auto --maxprocesses=4 --no-loadscope-reorder $(ARGS)

lint: $(READY) ## style, types, layers, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy operator/wardkeeper tests
	@$(BIN)/lint-imports
	@$(BIN)/python -m wardkeeper.api.generate --check

format: $(READY) ## put code into the house style
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: $(READY) ## speed and memory on the real control plane, as ratios against a floor; writes docs/benchmarks.md
	@E2E_BUILD=1 $(BIN)/python -m tests.bench $(ARGS)

crds: $(READY) ## make crds/ and the generated pages of docs/ from the API models
	@$(BIN)/python -m wardkeeper.api.generate --write

chart: $(READY) ## write the chart's README.md and the page of metrics and alerts anew
	@$(BIN)/python -m tests.chart.documentation
	@$(BIN)/python -m wardkeeper.shell.metrics_page charts/wardkeeper/files/rules.yaml > docs/metrics.md

lock: $(READY) ## resolve the dependencies anew
	@for set in "runtime.lock" "dev.lock --extra dev --extra kubeconfig"; do \
	  set -- $$set; file=$$1; shift; \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header pyproject.toml -o requirements/$$file $$@ --upgrade || exit 1; \
	done
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header requirements/checkov.in -o requirements/checkov.lock --upgrade

clean: ## remove the virtual environments
	rm -rf $(VENV) $(CHECKOV)

$(READY): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Wardkeeper needs Python 3.11 or newer; found $$($(PYTHON) --version 2>&1)." \
	    "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "preparing $(VENV) (once, under a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q --disable-pip-version-check uv
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync -q --require-hashes requirements/dev.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --no-deps --editable .
	@touch $@

$(CHECKOV)/.ready: requirements/checkov.lock $(READY)
	@echo "preparing $(CHECKOV) (once)"
	@$(BIN)/uv venv -q --allow-existing --python $(BIN)/python $(CHECKOV)
	@VIRTUAL_ENV=$(CHECKOV) $(BIN)/uv pip sync -q --require-hashes requirements/checkov.lock
	@touch $@

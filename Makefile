# `make` alone prints the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PLUGINS := $(wildcard plugins/*)
EDITABLE := -e ".[quickstart,dev]" $(addprefix -e ,$(PLUGINS))

.PHONY: help demo test test-slow check format docs install
.DEFAULT_GOAL := help

help:  ## Print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## Create .venv with core and all plugins

$(STAMP): pyproject.toml constraints.txt $(addsuffix /pyproject.toml,$(PLUGINS))
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(EDITABLE)
	touch $@

demo: $(STAMP)  ## Adapt a model to biomedical text and compare it with its base
	$(BIN)/domainbert adapt --domain bio

test: $(STAMP)  ## Run the tests (minutes)
	$(BIN)/python -m pytest

test-slow: $(STAMP)  ## Run the slow tests too
	$(BIN)/python -m pytest -m "slow or not slow"

check: $(STAMP)  ## Lint, check types and the layers of the core
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(STAMP)  ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP)  ## Write the generated pages and build the site in build/docs
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/site.py

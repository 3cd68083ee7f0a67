# What a developer types; `make` alone lists it. It needs Python 3.11 or newer, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CHROMIUM ?= $(firstword $(shell command -v chromium chromium-browser google-chrome) /usr/bin/chromium)
export CHROMIUM
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo dev test test-heavy screenshots check schema lock audit

help: ## List what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv with everything in it; PYTHON=... names another interpreter.

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Likeness needs Python 3.11 or newer, and $(PYTHON) is none: install it, or make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	  exit 1; }
	@echo "Installing into $(VENV): about 2 GB, a minute or two."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --progress-bar on -c requirements.lock -e '.[dev]'
	@touch $@

demo: $(STAMP) ## Run the gallery with sample pictures.
	@$(BIN)/likeness demo

dev: $(STAMP) ## Run the gallery with debug logs; templates and static files are read anew for each page.
	@LIKENESS_LOG_LEVEL=debug $(BIN)/likeness up

test: $(STAMP) ## Run the tests; LIKENESS_TEST_DATA names a folder of real pictures for those that want some.
	@test -x "$(CHROMIUM)" || echo "No Chromium: the browser tests are skipped. apt-get install chromium, or make test CHROMIUM=/path/to/it"
	@$(BIN)/python -m pytest -m "not heavy"

test-heavy: $(STAMP) ## Run the tests that take minutes.
	@$(BIN)/python -m pytest -m heavy

screenshots: $(STAMP) ## Take a picture of every page into screenshots/, in a gallery of its own; needs Chromium.
	@$(BIN)/python -m scripts.screenshots

check: $(STAMP) ## Check format, lint, types, imports, banned calls, and that schema.sql is what the migrations make.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/python scripts/lint_banned.py
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/python scripts/dump_schema.py --check

schema: $(STAMP) ## Write migrations/schema.sql anew: the readable model of the database.
	$(BIN)/python scripts/dump_schema.py

lock: $(STAMP) ## Write requirements.lock anew from pyproject.toml.
	$(BIN)/python scripts/lock.py

audit: $(STAMP) ## Look for known vulnerabilities in the locked versions; needs the network.
	$(BIN)/python scripts/audit.py

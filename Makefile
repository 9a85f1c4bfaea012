# Set-up, demonstration and tests of a checkout; every target does the set-up it needs. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
# Packages, this checkout and the pulumi command line: each is done again only when what it was made from changes.
PACKAGES := $(VENV)/.packages
TOOLCHAIN := $(VENV)/.toolchain
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/launchway
# Tests of one file stay with one worker (tests/conftest.py).
WORKERS ?= 2
PYTEST_ARGS ?=
# Images are built on Linux only (docs/testing.md).
LANES := not real and not live$(if $(filter Linux,$(shell uname -s)),, and not images)

.PHONY: help setup demo demo-clean test test-real lint bench lock clean-cache

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r name what; do \
	    printf '%-12s %s\n' "$$name" "$$what"; done

setup: $(PACKAGES) $(TOOLCHAIN)  ## make .venv with everything in it, and a working pulumi

$(PY):
	@python=$$(tools/find-python.sh) && echo "making $(VENV) with $$python" && "$$python" -m venv $(VENV)

$(PACKAGES): requirements.lock pyproject.toml | $(PY)
	@echo "installing the packages of requirements.lock, each checked by its hash (a minute or more the first time)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(PY) -m pip check --disable-pip-version-check
	@touch $@

$(TOOLCHAIN): $(PACKAGES) $(shell find tools/toolchain -name '*.py' -o -name 'go.*')
	@$(PY) -m tools.toolchain --into $(BIN)
	@touch $@

demo: setup  ## a landing zone and a training job on this machine, without any account
	@$(PY) -m tools.demo

demo-clean:  ## destroy what the demo made, and remove every trace of it
	@if [ -x $(PY) ]; then $(PY) -m tools.demo --clean; else echo "no $(VENV) here: this checkout has made nothing"; fi

lint: setup  ## ruff and mypy
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

test: lint  ## every lane but the real provider and live accounts
	@$(PY) -m tools.checkov
	@$(PY) -m tools.azure_ai_ml
	@$(PY) -m tools.containers
	@$(PY) -m tools.postgres
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile -m "$(LANES)" $(PYTEST_ARGS)

test-real: setup  ## the real AWS provider against the local AWS (the official plugin, or the one in AWS_PLUGIN)
	@$(PY) -m tests.real.plugin
	@$(PY) -m pytest -m real $(PYTEST_ARGS)

bench: setup  ## start-up and preview times, as ratios; the ledger's pace beside procrastinate's
	@$(PY) bench/cli.py
	@$(PY) bench/runtime.py
	@$(PY) bench/pulumi.py
	@$(PY) bench/ledger.py

lock: $(PY)  ## resolve requirements.lock anew (docs/dependencies.md)
	@PYTHON=$(PY) tools/lock.sh

clean-cache:  ## remove what is kept between checkouts: built tools, and those of others that judge ours
	rm -rf "$(CACHE)"

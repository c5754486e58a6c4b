# Two commands set everything up on a machine with Python 3.11 or later: `make demo`, `make test`.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	{ echo $$python; break; }; done)

RUN_ENV := $(VENV)/.stamp-run
DEV_ENV := $(VENV)/.stamp-dev
WHEEL_ENV := build/wheel-env

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types docs wheel clean

help:  ## Show what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(RUN_ENV)  ## Animate a portrait with shipped motion and weights; print where the video is
	$(BIN)/python tools/demo.py

test: $(DEV_ENV)  ## Run the tests
	$(BIN)/python -m pytest

lint: $(DEV_ENV)  ## Check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(DEV_ENV)  ## Put the code in form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(DEV_ENV)  ## Write docs/cli.md from the commands' own help
	$(BIN)/python tools/make_cli_docs.py

wheel: | $(BIN)/python  ## Install the wheel into an environment of its own and ask every command for help
	rm -rf build dist
	$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir dist .
	$(BIN)/python -m venv $(WHEEL_ENV)
	$(WHEEL_ENV)/bin/python -m pip --disable-pip-version-check install --quiet \
		--constraint constraints.txt dist/*.whl
	cd $(WHEEL_ENV) && for command in animate template look prepare train evaluate bench doctor weights verify; do \
		bin/reenact $$command --help > /dev/null || exit 1; done

clean:  ## Remove the environment and everything built
	rm -rf $(VENV) build dist

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; none was found."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN_ENV): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	touch $@

$(DEV_ENV): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	touch $@ $(RUN_ENV)

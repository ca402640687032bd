# make setup   the environment .venv with exact versions
# make demo    fetch what the demo needs, run it, print the comparison table (first run: minutes; again: seconds)
# make test    the whole test suite, offline
# make board  the leaderboard pages, from the numbers in leaderboards/
# make check   what CI runs: lint, types, dependency rule, tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test board lint check clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: setup
	$(BIN)/lapca-bench fetch --experiment demo
	$(BIN)/lapca-bench run --experiment demo --out demo

test: setup
	$(BIN)/python -m pytest

board: setup
	$(BIN)/lapca-bench board build --out site

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

clean:
	rm -rf $(VENV) build dist *.egg-info demo site

# make setup   the environment .venv with exact versions
# make demo    a first table in a minute, after 95 MB of weights: three systems, a figure, a page to open
# make demo-full  five systems on help pages in 14 languages: fetch what they need, run, print the table (minutes)
# make test    the whole test suite, offline
# make base-install  `pip install .` for Python 3.11 to 3.13, where they are: every verb answers or names its extra
# make bench   speed and memory against each peer: benchmarks/RESULTS.md (an hour on two cores)
# make board  the leaderboard pages, from the numbers in leaderboards/
# make lapca-small  train LAPCA-R small as the shipped one was, and run it beside its start model (an hour or two)
# make axe     axe-core, with which the browser tests check accessibility (they skip without it); needs npm
# make faults  kill -9 at every write of every verb, and count what is survived (long)
# make properties  ten thousand new examples of every property (long)
# make fuzz    a million damaged files for the readers, 100,000 forged submissions (long)
# make audit   known vulnerabilities of the exact versions (needs an advisory service); make sbom: what is installed
# make lock    requirements.lock, with the hash of every package for this platform
# make check   what CI runs: lint, types, dependency rule, tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
AXE := build/axe-core-4.14.1

.PHONY: lapca-small setup demo demo-full test base-install bench board axe faults properties fuzz audit sbom lock lint check clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: setup
	$(BIN)/lapca-bench fetch --quiet --experiment quickstart
	$(BIN)/lapca-bench quickstart --out demo

demo-full: setup
	$(BIN)/lapca-bench fetch --experiment demo
	$(BIN)/lapca-bench run --experiment demo --out demo-full

test: setup
	$(BIN)/python -m pytest -rs --durations=15 $(PYTEST)

# The base install, `pip install .`, in an environment of its own for every Python that is here: every verb answers.
base-install:
	$(PYTHON) tests/base_install/harness.py

bench: setup
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m benchmarks

board: setup
	$(BIN)/lapca-bench board build --out site $(addprefix --results ,$(wildcard leaderboards/results))

# The recipe `small` from text to a system that runs, then `small-ft` from its weights on. LAPCA_BENCH_DATA must hold
# XOR-TyDi's question pairs (xor-tydi/) and the corpora that docs/lapca.md lists (training/).
SMALL := lapca-small
SMALL_CORPORA := help-pages package-descriptions interface-texts

lapca-small: setup
	@test -d "$(LAPCA_BENCH_DATA)/training" || { echo "set LAPCA_BENCH_DATA to a folder with training/, the corpora that docs/lapca.md lists"; exit 2; }
	@test -d "$(LAPCA_BENCH_DATA)/xor-tydi" || { echo "set LAPCA_BENCH_DATA to a folder with xor-tydi/, XOR-TyDi's question pairs (ar-en/ar.txt, ...)"; exit 2; }
	$(BIN)/lapca-bench fetch me5-small-q4 me5-tokenizer $(SMALL_CORPORA)
	for corpus in $(SMALL_CORPORA); do $(BIN)/lapca-bench mine --recipe small --corpus $$corpus --out $(SMALL)/$$corpus.parquet || exit 1; done
	$(BIN)/lapca-bench mine --recipe small --corpus "$(LAPCA_BENCH_DATA)/xor-tydi" --out $(SMALL)/questions.parquet
	for seed in 1 2 3; do $(BIN)/lapca-bench pretrain --recipe small --seed $$seed $(foreach name,$(SMALL_CORPORA) questions,--pairs $(SMALL)/$(name).parquet) --out $(SMALL)/seed-$$seed || exit 1; done
	$(BIN)/lapca-bench delta $(SMALL)/seed-1 $(SMALL)/seed-2 $(SMALL)/seed-3 --scale 0.65 --out $(SMALL)/model
	$(BIN)/lapca-bench pretrain --recipe small-ft --set encoder.delta="$(CURDIR)/$(SMALL)/model/delta.safetensors" --texts "$(LAPCA_BENCH_DATA)" --out $(SMALL)/small-ft
	$(BIN)/lapca-bench delta $(SMALL)/small-ft --bits 4 --out $(SMALL)/model-ft
	$(BIN)/lapca-bench run --system me5-small-q4 --system $(SMALL)/model/card.toml --system $(SMALL)/model-ft/card.toml --collection xquad-r/mixed --keep 100 --out $(SMALL)/results

axe: $(AXE)/axe.min.js

$(AXE)/axe.min.js:
	mkdir -p $(AXE)
	npm pack --silent axe-core@4.14.1 --pack-destination $(AXE)
	echo "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745  $(AXE)/axe-core-4.14.1.tgz" | sha256sum --check --quiet
	tar -xzf $(AXE)/axe-core-4.14.1.tgz -C $(AXE) --strip-components=1 package/axe.min.js package/LICENSE
	touch $@

faults: setup
	$(BIN)/python tests/faults/harness.py

properties: setup
	LAPCA_BENCH_EXAMPLES=nightly $(BIN)/python -m pytest tests/property

fuzz: setup
	$(BIN)/python tests/fuzz/harness.py
	$(BIN)/python tests/fuzz/submissions.py

audit: setup build/audit
	build/audit/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

sbom: setup build/audit
	build/audit/bin/cyclonedx-py environment $(BIN)/python --output-file build/sbom.json

lock: setup
	mkdir -p build
	$(BIN)/python -m pip install --quiet --dry-run --ignore-installed --report build/report.json -c constraints.txt '.[dev]'
	$(BIN)/python tools/lock.py build/report.json requirements.lock

build/audit:
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet pip-audit cyclonedx-bom

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

clean:
	rm -rf $(VENV) build dist *.egg-info demo demo-full site

# Each target does its own set-up: a fresh clone needs a Python and a package index, nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Each verdict starts processes, and compiling attnspec in each would double what a short one takes.
unexport PYTHONDONTWRITEBYTECODE

PYTHONS ?= python3.13 python3.12 python3.11 python3
PYTHON := .venv/bin/python
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check --no-input
INSTALLED := .venv/.installed
JOBS ?= 2

# The peers that are judged within minutes; `make peers` judges all of them.
QUICK := attention multihead optimizer recurrent scores seq2seq text transformer

# The families whose test vectors are packed.
VECTORS ?= attention multihead optimizer position recurrent scores self_attention transformer

DEVICE ?= cuda

.PHONY: help verify peers vectors test gpu bench lint format pages site docs clean

help: ## say what the targets do
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

verify: $(INSTALLED) ## judge other people's software against the equations
	@echo "== attnspec verify, the quick peers"
	@OMP_NUM_THREADS=1 .venv/bin/attnspec verify $(QUICK:%=attnspec_peers.%) \
		--known impls/attnspec_peers/departures.toml --jobs $(JOBS)

peers: $(INSTALLED) ## install Keras, Flax and the other libraries, and judge all peers; takes an hour
	@echo "== install the libraries"
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[libraries]'
	@echo "== attnspec verify attnspec_peers"
	@OMP_NUM_THREADS=1 .venv/bin/attnspec verify attnspec_peers \
		--known impls/attnspec_peers/departures.toml --jobs $(JOBS)

vectors: $(INSTALLED) ## write the test vectors of all families and pack them, build/vectors.tar.gz; takes an hour
	@echo "== attnspec vectors"
	@rm -rf build/vectors && mkdir -p build
	@OMP_NUM_THREADS=1 .venv/bin/attnspec vectors $(VECTORS) --out build/vectors
	@tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C build -cf - vectors | gzip -n > build/vectors.tar.gz
	@ls -l build/vectors.tar.gz

test: lint ## lint, then the tests, those marked broad too (not those marked slow or gpu)
	@echo "== pytest"
	@OMP_NUM_THREADS=1 $(PYTHON) -m pytest -m "not slow and not gpu" -rs --durations=40

gpu: $(INSTALLED) ## the tests of PyTorch's implementations and peers on a CUDA device, with a table; "not run" without one
	@echo "== pytest -m gpu"
	@OMP_NUM_THREADS=1 timeout 600 $(PYTHON) -m pytest -m gpu -n auto -q -rs --device $(DEVICE) tests/test_device.py

bench: $(INSTALLED) ## measure the implementations beside other software, and how the cost of judging grows; see .benchmarks
	@echo "== benchmarks/implementations.py, with one thread, then with two"
	@OMP_NUM_THREADS=1 $(PYTHON) benchmarks/implementations.py
	@OMP_NUM_THREADS=2 $(PYTHON) benchmarks/implementations.py
	@echo "== benchmarks/growth.py"
	@OMP_NUM_THREADS=1 $(PYTHON) benchmarks/growth.py

lint: $(INSTALLED) ## the formatter's check, ruff, and mypy --strict
	@echo "== ruff format"
	@$(PYTHON) -m ruff format --check --quiet . || { echo "  to mend   make format" >&2; exit 1; }
	@echo "== ruff"
	@$(PYTHON) -m ruff check .
	@echo "== mypy"
	@$(PYTHON) -m mypy

format: $(INSTALLED) ## format the code
	@$(PYTHON) -m ruff format .

pages: $(INSTALLED) ## write the Markdown pages of the equations, of the API, of the sources and of the peers anew
	@echo "== docs/generate.py"
	@$(PYTHON) docs/generate.py
	@echo "== docs/reference.py"
	@$(PYTHON) docs/reference.py
	@echo "== docs/sources.py"
	@$(PYTHON) docs/sources.py
	@echo "== docs/peers.py"
	@$(PYTHON) docs/peers.py

site: $(INSTALLED) ## build the documentation site, build/website/html, and judge what it shows verdicts on
	@echo "== docs/website/build.py"
	@OMP_NUM_THREADS=1 $(PYTHON) docs/website/build.py

docs: pages site ## both: the Markdown pages and the site

clean: ## remove the environment, the caches and what was built
	@echo "== clean"
	@rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp: what comes after it runs only once for a given pyproject.toml and constraints.txt.
# torch goes first and alone, so that pip settles on one build of it before anything else asks for it.
# hatchling goes before the project, which is then built with the pinned one (--no-build-isolation).
$(INSTALLED): pyproject.toml constraints.txt
	@usable='import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'; \
	if ! $(PYTHON) -c "$$usable" 2>/dev/null; then \
		for python in $(PYTHONS) none; do \
			if [ "$$python" = none ] || "$$python" -c "$$usable" 2>/dev/null; then break; fi; \
		done; \
		if [ "$$python" = none ]; then \
			echo "no Python to work with" >&2; \
			echo "  given     $(PYTHONS)" >&2; \
			echo "  expected  Python 3.11 or later, with its venv and ensurepip modules" >&2; \
			echo "  to mend   install one, or name yours: make PYTHONS=/path/to/python3" >&2; \
			exit 1; \
		fi; \
		echo "== .venv, with $$("$$python" --version)"; \
		"$$python" -m venv --clear .venv; \
	fi
	@echo "== install PyTorch"
	@$(PIP) install -c constraints.txt torch
	@echo "== install attnspec with its extras"
	@$(PIP) install -c constraints.txt hatchling
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[torch,peers,dev]'
	@touch $@

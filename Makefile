# Two commands: `make chat` (install, ingest, serve) and `make test`. `make help` lists the rest.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 7860
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
export HF_HUB_OFFLINE = 1

.PHONY: help chat test check lint types ingest evals bench clean browser

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/'

chat: $(VENV)/.installed ingest  ## install, bring the index up to date, serve (PORT=…, HOST=…)
	$(BIN)/python app.py --host $(HOST) --port $(PORT)

ingest: $(VENV)/.installed  ## bring the index up to date with the corpus
	$(BIN)/python ingest.py

test: $(VENV)/.installed-test browser  ## install what tests need and run them all
	$(BIN)/python -m pytest

check: lint types test  ## lint, types, tests

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

evals: $(VENV)/.installed-evals ingest  ## the release gate: ask the blind cases, report, pass or fail (ARGS=…)
	$(BIN)/python -m evals $(ARGS)

bench: $(VENV)/.installed-test  ## measure speed and size as ratios to a stock chain
	$(BIN)/python -m bench

browser: $(VENV)/.installed-test
	@command -v chromium chromium-browser google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
	  $(BIN)/python -m playwright install chromium || \
	  { echo "The browser tests need Chromium. Install it: apt-get install -y chromium" >&2; exit 1; }

clean:  ## remove the environment and the index
	rm -rf $(VENV) index

# A stamp is written only when everything before it went well, so an interrupted run is repeated.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) "$$(grep '^torch==' constraints.txt)"
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-evals: $(VENV)/.installed
	$(PIP) --editable '.[evals]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) --editable '.[test]'
	@touch $@

# Thin: everything real is in hwflow/. Two commands matter: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
DESIGN ?= designs/econ_t/design.yaml
# Files of tests run side by side in so many workers.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# PNR=1 adds place and route with nextpnr (long).
PNR_SET := $(if $(PNR),--set synth.place_and_route=true,)

.PHONY: demo test test-all setup lint types check clean help

help:
	@echo "make demo      set up and build the ECON-T encoder: train, RTL, proof, synthesis, report"
	@echo "make test      set up and run the tests"
	@echo "make test-all  the long tests too"
	@echo "make check     lint, types and import layers"

setup: $(STAMP)

# The stamp is as new as what was installed, so a second run sets nothing up.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("hwflow needs Python 3.11 or newer, found " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@for tool in gcc g++ make perl; do command -v $$tool >/dev/null || \
	  { echo "missing $$tool: apt-get install build-essential perl"; exit 3; }; done
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)
	$(BIN)/hwflow build $(DESIGN) $(PNR_SET)

test: $(STAMP)
	$(PYTEST) -m "not long"

test-all: $(STAMP)
	$(PYTEST)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint types

clean:
	rm -rf build

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

ZOO := $(patsubst tests/models/environments/%.txt,.zoo/%/.ready,$(wildcard tests/models/environments/*.txt))

.PHONY: demo test test-all zoo setup lint types check clean help

help:
	@echo "make demo      set up and build the ECON-T encoder: train, RTL, proof, synthesis, report"
	@echo "make test      set up and run the tests"
	@echo "make test-all  the long tests too"
	@echo "make zoo       environments of other frameworks, then the models they make"
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

# The frameworks whose models are imported, each list in an environment of its own.
zoo: $(STAMP) $(ZOO)
	$(BIN)/python -m pytest tests/models

.zoo/%/.ready: tests/models/environments/%.txt
	$(PYTHON) -m venv .zoo/$*
	.zoo/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint types

clean:
	rm -rf build

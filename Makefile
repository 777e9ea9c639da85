# On a fresh machine `make demo` and `make test` set up all they need. Nothing is done twice. `make help` lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps
export KOLLEGA_HOME ?= $(CURDIR)/var

.PHONY: peers help install demo test-tools test test-long test-postgresql test-milvus test-all coverage lint everyday bench load docs figures screenshot translations \
  adaptation alignment rerank lock browser clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-14s%s\n", $$1, $$2 }'

# Where a build of PyTorch for CPUs lies in a folder that pip knows (find-links), that one is wanted: pip itself prefers
# the index as soon as it checks hashes, and for x86-64 an index usually has the build for GPUs, which does not run alone.
define NO_TORCH
PyTorch does not start: the package index has only the build for GPUs, perhaps. Take the build for CPUs of the version
that is in requirements.lock, then go on:
  $(BIN)/pip install --no-deps --force-reinstall --extra-index-url ADDRESS_OF_THE_BUILDS_FOR_CPUS torch==VERSION+cpu
  make install
endef
export NO_TORCH

install: $(VENV)/.installed  ## install what running Kollega needs, into .venv

$(VENV)/.installed: requirements.lock pyproject.toml
	command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: set PYTHON=/path/to/python3"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@awk '/^[a-z]/ { torch = /^torch==/ } torch' requirements.lock > $(VENV)/torch.lock
	@$(PIP) --require-hashes --no-index -r $(VENV)/torch.lock 2>/dev/null || true
	$(PIP) --require-hashes -r requirements.lock
	@$(BIN)/python -c "import torch" 2>/dev/null || { echo "$$NO_TORCH"; exit 1; }
	$(PIP) --no-build-isolation -e .
	$(BIN)/kollega prepare
	touch $@

demo: install  ## load a demo organisation, index it and serve it
	$(BIN)/kollega demo --serve

test-tools: $(VENV)/.test-tools browser  ## install what the tests need on top of it, and run nothing

$(VENV)/.test-tools: requirements-test.lock $(VENV)/.installed
	$(PIP) --require-hashes -r requirements-test.lock
	touch $@

# Each of the two processes computes on one core: otherwise the threads of PyTorch and NumPy wait for each other.
# Tests write many small databases: they lie in memory when there is room for them, otherwise on disk. Each run has a
# folder of its own and removes it, so that several can run at once.
MEMORY := /dev/shm
LEAST_ROOM := 2000000
pytest = folder=$${TMPDIR:-/tmp}; \
  if [ -w $(MEMORY) ] && [ "$$(df --output=avail -k $(MEMORY) | tail -n 1)" -ge $(LEAST_ROOM) ]; then folder=$(MEMORY); fi; \
  base=$$(mktemp -d "$$folder/kollega-tests-XXXXXX"); \
  trap 'rm -rf "$$base"' EXIT; trap 'exit 130' INT; trap 'exit 143' TERM; \
  OMP_NUM_THREADS=1 COVERAGE_FILE=$$base/coverage $(BIN)/pytest --basetemp=$$base/files -n 2 --dist loadfile
# The long runs: 10,000 cases of "nobody sees what they may not read" and of "what may not be read changes nothing", more
# requests that try to break the API, more damaged files and killed processes.
LONG := KOLLEGA_LEAK_CASES=10000 KOLLEGA_FUZZ_EXAMPLES=100 KOLLEGA_DAMAGE_CASES=60 KOLLEGA_KILLS=40
LONG_TESTS := tests/test_leaks.py tests/test_non_interference.py tests/test_disclosure.py \
  tests/test_damage.py tests/test_kills.py tests/web/test_form_fuzz.py tests/web/api/test_openapi.py tests/indexer/delivery/test_news_mail_kills.py
COVERAGE := --cov --cov-report=term:skip-covered

test: test-tools  ## run the tests; TESTS=tests/test_leaks.py runs one file
	@$(pytest) $(TESTS)

test-long: test-tools  ## run the tests that have long runs, with those
	@export $(LONG); $(pytest) --timeout=1500 $(LONG_TESTS)

# Tests outside of these run commands on a home directory, or a server, and so on SQLite: they are not ready for it.
ON_POSTGRESQL := tests/recommender tests/indexer/commands tests/indexer/evaluation tests/indexer/indexing tests/indexer/loading \
  tests/indexer/jobs/test_execute.py tests/indexer/jobs/test_runner.py tests/indexer/delivery/test_deliver.py \
  tests/web/admin tests/web/scim tests/web/api tests/web/chat tests/web/desk tests/web/documents tests/web/files tests/web/inbox tests/web/insights \
  tests/web/mcp tests/web/people tests/web/requests tests/web/search tests/web/sign_in \
  tests/web/test_app.py tests/web/test_double_clicks.py tests/web/test_errors.py tests/web/test_form_fuzz.py \
  tests/web/test_health.py tests/web/test_limits.py tests/web/test_measuring.py tests/web/test_once.py \
  tests/test_kills.py tests/test_leaks.py

test-postgresql: test-tools  ## run the tests that use a database on PostgreSQL; TESTS= as for test
	@export KOLLEGA_TEST_DATABASE=postgresql; $(pytest) $(or $(TESTS),$(ON_POSTGRESQL))

# What asks the index, and what must not be learned from it; tests of local files would be the same as without Milvus.
ON_MILVUS := tests/test_leaks.py tests/test_non_interference.py tests/recommender/test_recommender.py

test-milvus: test-tools  ## run the tests that ask the index with the index in Milvus; TESTS= as for test
	@export KOLLEGA_TEST_INDEX=milvus; $(pytest) $(or $(TESTS),$(ON_MILVUS))

test-all: test-tools  ## run the tests with the long runs, and print the coverage; then those of a database on PostgreSQL
	@export $(LONG); $(pytest) --timeout=1500 $(COVERAGE)
	@export KOLLEGA_TEST_DATABASE=postgresql; $(pytest) $(ON_POSTGRESQL)

coverage: test-tools  ## run the tests and print how much of the code they run
	@$(pytest) $(COVERAGE) $(TESTS)

# The browser tests drive Debian's Chromium; without it and without the rights to install it they are skipped.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get install -qq -y chromium >/dev/null 2>&1 \
	  || { apt-get update -qq && apt-get install -qq -y chromium >/dev/null 2>&1; }; }; } \
	  || echo "chromium is not installed: the browser tests will be skipped"

lint: $(VENV)/.test-tools  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

everyday: $(VENV)/.test-tools  ## measure the answers to everyday questions on the demo organisation: PLOT=FILE
	$(BIN)/python -m tests.everyday.measure $(if $(PLOT),--plot $(PLOT))

bench: $(VENV)/.test-tools  ## measure speed and memory; try 100,000 cases of each leak test, 200 damages, 200 kills, 1,000 mails
	$(BIN)/python -m tests.benchmarks.speed
	$(BIN)/python -m tests.benchmarks.imports
	$(BIN)/python -m tests.benchmarks.held_fixed
	@export KOLLEGA_LEAK_CASES=100000 KOLLEGA_DAMAGE_CASES=200 KOLLEGA_KILLS=200 KOLLEGA_MAILS=1000; \
	  $(pytest) --timeout=0 -n 0 -q -s tests/test_leaks.py tests/test_non_interference.py tests/test_damage.py \
	  tests/test_kills.py tests/indexer/delivery/test_news_mail_kills.py

peers: $(VENV)/.peers-tools  ## measure speed and quality beside other engines: SETS=FOLDER of evaluation sets, PEERS="--pages 1000"
	@test -n "$(SETS)" || { echo "Say where the evaluation sets are: make peers SETS=FOLDER"; exit 1; }
	$(BIN)/python -m tests.benchmarks.peers $(SETS) $(PEERS)

$(VENV)/.peers-tools: requirements-peers.lock $(VENV)/.test-tools
	$(PIP) --require-hashes -r requirements-peers.lock
	touch $@

load: $(VENV)/.load-tools  ## measure the server under load
	$(BIN)/python -m tests.benchmarks.load

$(VENV)/.load-tools: requirements-load.lock $(VENV)/.test-tools
	$(PIP) --require-hashes -r requirements-load.lock
	touch $@

docs: $(VENV)/.test-tools  ## write the generated pages: commands and settings
	$(BIN)/python docs/generate_pages.py

figures: $(VENV)/.test-tools  ## write the figures of the documentation from tests/benchmarks/results
	$(BIN)/python docs/generate_figures.py

screenshot: test-tools  ## take the picture in README.md, from the demo
	$(BIN)/python docs/take_screenshot.py

translations: install  ## collect the texts of the pages, and compile their translations
	mkdir -p var
	cd web && ../$(BIN)/pybabel -q extract -F babel.cfg -k Sentence -k _setting:2 --no-location -w 120 \
	  -o ../var/messages.pot . ../recommender ../indexer \
	  && ../$(BIN)/pybabel -q update -i ../var/messages.pot -d translations -N -w 120 && ../$(BIN)/pybabel -q compile -d translations

# Finnish and English are aligned with parallel text and dictionaries from Debian packages, which needs apt-get.
PARALLEL := libreoffice-help-fi libreoffice-help-en-us libreoffice-l10n-fi dict-freedict-fin-eng dict-freedict-eng-fin \
  dict-freedict-fin-swe dict-freedict-swe-fin
unpack = mkdir -p var/parallel && cd var/parallel && apt-get download -qq $(1) \
	  && for package in *.deb; do dpkg-deb -x "$$package" . && rm "$$package"; done
alignment: install  ## make alignment.npz and dictionary.json.gz, which ship (see NOTICE)
	$(call unpack,$(PARALLEL))
	$(BIN)/python -m indexer.research.alignment var/parallel
	$(BIN)/python -m indexer.research.dictionary var/parallel

# Half an hour on two cores that compute in bfloat16. PAIRS is a gzipped file of help titles and passages, SETS the folder
# of the evaluation sets. Afterwards: make alignment, make rerank, python -m indexer.research.demo_vectors.
ORGANISATIONS := indexer/research/organisations
TAUGHT_ON := factory insurance software
FITTED_ON := factory insurance municipality retail software university
FITTED_ON_SETS := se_quantum se_dba_meta se_matheducators noanswer_clinc150 similar_banking77 fi_libreoffice_help

adaptation: install  ## teach the packaged model: make adaptation PAIRS=... SETS=...
	@test -n "$(PAIRS)" -a -n "$(SETS)" || { echo "Say where the texts are: make adaptation PAIRS=FILE SETS=FOLDER"; exit 1; }
	$(BIN)/python -m indexer.research.adaptation $(PAIRS) $(SETS) recommender/encoder/adaptation.npz \
	  $(addprefix $(ORGANISATIONS)/,$(TAUGHT_ON))

rerank: install  ## fit the second look at the first results, and measure it by leaving organisations out: SETS=...
	@test -n "$(SETS)" || { echo "Say where the evaluation sets are: make rerank SETS=FOLDER"; exit 1; }
	$(BIN)/python -m indexer.research.fit_rerank $(addprefix $(ORGANISATIONS)/,$(FITTED_ON)) \
	  $(addprefix $(SETS)/,$(FITTED_ON_SETS)) --write

UV := uv==0.13.9
lock:  ## write the requirements*.lock; UPGRADE=1 takes the newest versions
	test -x var/lock/bin/uv || $(PYTHON) -m venv var/lock
	var/lock/bin/pip install --quiet --disable-pip-version-check $(UV)
	var/lock/bin/python indexer/research/lock.py $(if $(UPGRADE),--upgrade)

clean:  ## remove what was installed and built; the data in var stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

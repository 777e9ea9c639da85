# make demo, make test: each sets up all it needs. Nothing is done twice.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export KOLLEGA_HOME ?= $(CURDIR)/var

.PHONY: install demo test lint bench load adaptation alignment translations lock browser clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: set PYTHON=/path/to/python3"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: install
	$(BIN)/kollega demo --serve

test: install browser
	$(BIN)/pytest -n 2 --dist loadfile

# The browser tests drive Debian's Chromium; without it and without the rights to install it they are skipped.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get install -qq -y chromium >/dev/null 2>&1 \
	  || { apt-get update -qq && apt-get install -qq -y chromium >/dev/null 2>&1; }; }; } \
	  || echo "chromium is not installed: the browser tests will be skipped"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m tests.benchmarks.speed
	KOLLEGA_LEAK_CASES=100000 $(BIN)/pytest -q -s tests/test_leaks.py

# locust and what only it needs stay out of the install that everybody gets.
load: $(VENV)/.load-installed
	$(BIN)/python -m tests.benchmarks.load

$(VENV)/.load-installed: requirements-load.lock | install
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-load.lock
	touch $@

# What lets Finnish and English meet comes from parallel text and dictionaries in Debian packages (it needs apt-get).
PARALLEL := libreoffice-help-fi libreoffice-help-en-us libreoffice-l10n-fi dict-freedict-fin-eng dict-freedict-eng-fin
unpack = mkdir -p var/parallel && cd var/parallel && apt-get download -qq $(1) \
	  && for package in *.deb; do dpkg-deb -x "$$package" . && rm "$$package"; done
alignment: install
	$(call unpack,$(PARALLEL))
	$(BIN)/python -m indexer.research.alignment var/parallel
	$(BIN)/python -m indexer.research.dictionary var/parallel

# What the packaged model learns on top of its weights (half an hour on two cores, or an hour). Then: make alignment, reindex --full.
TEXTS := $(PARALLEL) evolution-common gnucash-common kmymoney-common network-manager-gnome system-config-printer-common \
  nautilus-data gnome-control-center-data pidgin-data mediawiki wordnet-base debian-handbook debian-faq \
  debian-reference-en maint-guide developers-reference installation-guide-amd64
adaptation: install
	$(call unpack,$(TEXTS))
	$(BIN)/python -m indexer.research.adaptation var/parallel

translations: install
	cd web && ../$(BIN)/pybabel -q extract -F babel.cfg --no-location -w 120 -o ../var/messages.pot . \
	  && ../$(BIN)/pybabel -q update -i ../var/messages.pot -d translations -N -w 120 && ../$(BIN)/pybabel -q compile -d translations

# Writes the versions that are installed now, after trying them out: pip install -U ..., make test, make lock.
# Those in requirements-load.lock are kept out, and changed by hand.
lock:
	$(BIN)/pip list --format=freeze --exclude kollega --exclude pip --exclude-editable \
	  $$(sed 's/^/--exclude /; s/==.*//' requirements-load.lock) | sed 's/+cpu$$//' > requirements.lock

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache

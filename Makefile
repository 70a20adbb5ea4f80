# SPDX-License-Identifier: Apache-2.0
# `make` runs what continuous integration runs; `make help` lists the rest. Needs make and Python 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# Tests that may run beside others use this many processes, one more than the two cores of a small machine: some of them wait.
JOBS ?= 3
# Browser test suites as their authors write them, which the tests measure: their runners have an environment of their own.
SUITES := tests/suites
# Spark is too large for every run of the tests: `make spark`.
SPARK := tests/spark
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)
LOCK_LICHEN := $(LOCK) pyproject.toml --extra journeys --extra demo --extra imports --extra server --group build

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all help install install-dev browser suites containers prometheus postgresql compiler spark demo check static style types imports constants locks docs test golden pages pictures bench lock wheel clean

all: static test ## everything that continuous integration runs (the default)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@tools/system.sh venv "$(PYTHON)" "$(VENV)"

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing Lichen into $(VENV)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "installing the development tools into $(VENV)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.runtime ## create .venv and install Lichen with its pinned dependencies

install-dev: $(VENV)/.dev ## the same with the development tools

browser: ## find Chromium, or install Debian's when root
	@tools/system.sh browser

$(SUITES)/.venv/.installed: $(SUITES)/requirements.lock
	@tools/system.sh venv "$(PYTHON)" $(SUITES)/.venv
	@echo "installing the Python test runners of $(SUITES)"
	@$(SUITES)/.venv/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $(SUITES)/requirements.lock
	@touch $@

suites: browser $(SUITES)/.venv/.installed ## install the test runners that tests measure (Playwright, Selenium, Cypress...)
	@tools/system.sh suites $(SUITES)

demo: install browser ## measure the bundled loan portal and write lichen-report.html
	@$(BIN)/lichen demo

# `make -k check` goes on after the first finding.
check: static docs ## style, types, import rules, constants, locks and documentation

# What `make test` does not run itself.
static: style types imports constants locks

style: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

types: install-dev
	$(BIN)/mypy

imports: install-dev
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry --config pyproject.toml src

constants: install-dev
	$(BIN)/python tools/check_constants.py

locks: install-dev
	$(BIN)/python tools/check_locks.py

docs: install-dev ## check the documentation alone
	$(BIN)/python -m pytest -q tests/docs

containers: ## install Docker and Podman for the tests, when root on Debian
	@tools/system.sh containers

prometheus: ## install Prometheus for the tests, when root on Debian
	@tools/system.sh prometheus

postgresql: ## install PostgreSQL for the tests, when root on Debian
	@tools/system.sh postgresql

compiler: ## install a C compiler for the tests, when root on Debian
	@tools/system.sh compiler

$(SPARK)/.venv/.installed: $(SPARK)/requirements.lock
	@tools/system.sh venv "$(PYTHON)" $(SPARK)/.venv
	@echo "installing Spark into $(SPARK)/.venv"
	@$(SPARK)/.venv/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $(SPARK)/requirements.lock
	@touch $@

spark: install-dev $(SPARK)/.venv/.installed ## install Spark (800 MB, needs Java 17), read a ledger and import bills with it
	$(BIN)/python -m pytest -q tests/e2e/test_spark.py tests/e2e/test_bills_spark.py

test: install-dev browser suites containers prometheus postgresql compiler ## all tests
	$(BIN)/python tools/run_tests.py --jobs $(JOBS)

golden: install-dev ## rewrite the golden files, then read the difference
	$(BIN)/python -m pytest -q --update-golden $$(grep -rlw golden --include='test_*.py' tests)
	@git --no-pager diff --stat -- tests/golden

pages: install-dev ## rewrite the pages that are made from the code, then read the difference
	@for tool in model_pages argument laboratory course; do echo "== $$tool"; $(BIN)/python "tools/$$tool.py" || exit 1; done
	$(BIN)/python -m lichen.config.document > docs/configuration.md
	$(BIN)/python -m lichen.service.portfolio_files.document > docs/portfolio.md
	@git --no-pager diff --stat -- docs

pictures: install-dev browser ## measure the portal and take the pictures of docs/pictures
	$(BIN)/python tools/pictures.py

bench: install browser ## run the benchmarks
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

lock: install-dev ## resolve the locks again (UPGRADE=1: to the newest versions)
	$(LOCK_LICHEN) --output-file requirements.lock
	$(LOCK_LICHEN) --extra postgres --group dev --output-file requirements-dev.lock
	$(LOCK) $(SUITES)/requirements.in --output-file $(SUITES)/requirements.lock
	$(LOCK) $(SPARK)/requirements.in --output-file $(SPARK)/requirements.lock
	@$(BIN)/python tools/check_locks.py

wheel: install ## build the wheel into dist/
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

clean: ## remove what make built
	rm -rf "$(VENV)" dist build node_modules $(SUITES)/.venv $(SUITES)/node_modules $(SPARK)/.venv lichen-report.html

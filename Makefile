# From a fresh clone: `make dashboard` to look at a cell, `make test` to see it proven. `make help` lists the rest.

PYTHON ?= python3
PORT ?= 8866
ARGS ?=
# Another PyTorch than the pinned one: a version, or what pip shall be given, its options included, such as
#   make dashboard TORCH="torch==2.13.0 --index-url ADDRESS"
# It is remembered until .venv is removed.
TORCH ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
# Names of files and folders: a folder is younger than the wheel when a file has left it.
SOURCES := $(shell find ionwidgets notebooks -name __pycache__ -prune -o -print) README.md LICENSE pyproject.toml
TORCH_WANTED := $(if $(filter 1% 2% 3% 4% 5% 6% 7% 8% 9%,$(firstword $(TORCH))),torch==$(TORCH),$(TORCH))

# Away from the checkout (-P and PYTHONSAFEPATH: here and in the processes that tests start), so that `import ionwidgets`
# finds the installed wheel. A missing browser fails the tests that need one.
PYTEST := cd tests && env -u PYTHONPATH PYTHONSAFEPATH=1 IONWIDGETS_REQUIRE_BROWSER=1 ../$(BIN)/python -P -m pytest

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help venv wheel install dashboard test test-slow bench score lint check format networks pictures hooks clean python-tools test-tools FORCE

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do \
		printf '  make %-10s %s\n' "$$name" "$$what"; done
	@echo 'Variables: PORT=$(PORT), PYTHON=$(PYTHON), TORCH="torch==VERSION [pip options]", ARGS="more arguments for pytest, the score or the dashboard"'

# ---- the environment ----

# Prints what pyproject.toml asks for: "run" for the package itself and its build, or the name of an extra.
define REQUIREMENTS
import sys, tomllib
with open("pyproject.toml", "rb") as file:
    settings = tomllib.load(file)
project = settings["project"]
extra = sys.argv[1]
run = settings["build-system"]["requires"] + project["dependencies"]
print("\n".join(run if extra == "run" else project["optional-dependencies"][extra]))
endef
export REQUIREMENTS

# Installs the Debian packages in $$missing where we are root, says what to do where we are not.
define BRING
if [ -n "$$missing" ]; then \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's$$missing"; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else \
		echo "Missing:$$missing. On Debian: sudo apt-get install -y$$missing; then call make again." >&2; exit 1; \
	fi; \
fi
endef

# libgomp: without it numba falls back to threads that abort the process when two of ours call a kernel at once.
python-tools:
	@missing=; \
	if ! command -v $(PYTHON) >/dev/null; then missing=" python3 python3-venv"; \
	elif ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then missing=" python3-venv"; fi; \
	[ ! -x /sbin/ldconfig ] || /sbin/ldconfig -p | grep libgomp.so.1 >/dev/null || missing="$$missing libgomp1"; \
	$(BRING)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "ionwidgets needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version): make PYTHON=python3.11 ..." >&2; \
		exit 1; }

# What Myokit's own solver, the tests' oracle, is built with, and the browser.
test-tools:
	@missing=; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v gcc >/dev/null || missing="$$missing gcc libc6-dev"; \
	[ -e /usr/include/cvodes/cvodes.h ] || missing="$$missing libsundials-dev"; \
	[ -e "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || missing="$$missing python3-dev"; \
	$(BRING)

$(VENV)/.made: | python-tools
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.torch: FORCE | $(VENV)/.made
	@wanted='$(TORCH_WANTED)'; \
	if [ ! -e $@ ] || { [ -n "$$wanted" ] && [ "$$wanted" != "$$(cat $@)" ]; }; then echo "$$wanted" > $@; fi

$(VENV)/constraints.txt: constraints.txt $(VENV)/.torch
	@if [ -n "$$(cat $(VENV)/.torch)" ]; then grep -v '^torch==' constraints.txt > $@; else cp constraints.txt $@; fi

$(VENV)/.run: pyproject.toml $(VENV)/constraints.txt
	@echo "Installing the pinned packages (about 2 GB on disk; some minutes the first time)"
	@if [ -n "$$(cat $(VENV)/.torch)" ]; then $(PIP) install $$(cat $(VENV)/.torch); fi
	@$(BIN)/python -c "$$REQUIREMENTS" run > $(VENV)/run.txt
	@$(PIP) install --constraint $(VENV)/constraints.txt --requirement $(VENV)/run.txt
	@touch $@

$(VENV)/.test $(VENV)/.dev: $(VENV)/.%: $(VENV)/.run
	@echo "Installing the $* tools"
	@$(BIN)/python -c "$$REQUIREMENTS" $* > $(VENV)/$*.txt
	@$(PIP) install --constraint $(VENV)/constraints.txt --requirement $(VENV)/$*.txt
	@touch $@

venv: $(VENV)/.run ## make .venv with the packages that constraints.txt pins

# ---- the package ----

# Built with the pinned hatchling of .venv, not with the newest in a folder of pip's own.
dist/.built: $(SOURCES) $(VENV)/.run
	@rm -rf dist
	@$(PIP) wheel --no-deps --no-index --no-build-isolation --wheel-dir dist .
	@touch $@

$(VENV)/.installed: dist/.built
	@$(PIP) install --force-reinstall --no-deps --no-index dist/ionwidgets-*.whl
	@touch $@

wheel: dist/.built ## build the wheel into dist/
	@ls dist/*.whl

install: $(VENV)/.installed ## build the wheel and install it into .venv, again when a source has changed

# Else the first look at a model would wait for its kernel.
$(VENV)/.warm: $(VENV)/.installed
	@echo "Compiling the kernels of the library (some 15 s, the first time only)"
	@$(BIN)/python -m ionwidgets.simulation.warm
	@touch $@

dashboard: install $(VENV)/.warm ## serve the workbench on 127.0.0.1, PORT 8866
	@$(BIN)/ionwidgets dashboard --port $(PORT) $(ARGS)

# ---- the proof ----

test: test-tools install $(VENV)/.test ## test the installed wheel, in a browser too
	@$(PYTEST) $(ARGS)

test-slow: test-tools install $(VENV)/.test ## the tests marked slow
	@$(PYTEST) -m "slow and not bench" $(ARGS)

bench: test-tools install $(VENV)/.test ## measure speed beside peers, and print the tables
	@$(PYTEST) -m bench -s -q --no-header $(ARGS)

# From the folder tests, so that it is the wheel that is scored. Recordings are made once and kept in .score/.
score: test-tools install $(VENV)/.test ## score discovery on cells with a known change, some twenty minutes
	@cd tests && env -u PYTHONPATH ../$(BIN)/python -m discovery.score --folder ../.score $(ARGS)

pictures: test-tools install $(VENV)/.test ## take the pictures of the pages from the real app
	@cd tests && env -u PYTHONPATH PYTHONPATH=. ../$(BIN)/python -P -m browser.pictures ../ionwidgets/server/pictures

lint: $(VENV)/.dev ## format, style and types
	@$(BIN)/ruff format --check --quiet || { echo "make format puts this right" >&2; exit 1; }
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy

check: lint test ## what the gate runs: lint, then test

format: $(VENV)/.dev ## put the format and what ruff can mend right
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

# With -m from here it is the checkout that is imported, and its folder gnn/networks that is written.
networks: $(VENV)/.run ## train every network that ships, some minutes; ARGS="MODEL ..." for some of them
	@$(BIN)/python -m ionwidgets.gnn.ship $(ARGS)

hooks: $(VENV)/.dev ## have git check a commit before it is made
	@$(BIN)/pre-commit install

clean: ## remove .venv, dist and every cache
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/.hypothesis .benchmarks tests/.benchmarks
	find ionwidgets tests -name __pycache__ -type d -prune -exec rm -rf {} +

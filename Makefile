# `make` alone says what there is. Needs Python 3.11, git and make; everything else goes into .venv.

PYTHON ?= python3.11
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The stages' commands say `python` and `dvc`; both are those of .venv.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# No usage statistics: Prefect and MLflow, DVC, Prefect's server, MLflow.
export DO_NOT_TRACK := true
export DVC_NO_ANALYTICS := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1

READY := .venv/ready
INSTALL := pip install --quiet --no-input
EVERYWHERE := not slow and not gpu
# One process for each core and one thread in each; a file's tests stay together, so that what they
# share is made once. Files go in the order of tests/conftest.py: xdist's own begins with those that
# have most tests, which are the quickest, and would end with one core at work.
PYTEST := OMP_NUM_THREADS=1 pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# Prefect's server, and what works for it. The server listens to this machine alone and keeps a
# SQLite database in PREFECT_HOME; PREFECT_SERVER_DATABASE_CONNECTION_URL names a PostgreSQL instead.
server: export PREFECT_HOME ?= $(CURDIR)/.aepipe/prefect
server: export PREFECT_SERVER_API_HOST ?= 127.0.0.1
# Seconds. SQLite has one writer at a time, and on a busy machine the others wait longer than 10.
server: export PREFECT_SERVER_DATABASE_TIMEOUT ?= 60
worker deploy: export PREFECT_API_URL ?= http://127.0.0.1:4200/api
# A worker asks for work each second: Prefect's 10 would be waited for at every stage.
worker: export PREFECT_WORKER_QUERY_SECONDS ?= 1
worker: export AEPIPE_ROOT ?= $(CURDIR)
POOL ?= aepipe
LIMIT ?= 1
# One worker serves one GPU, which is all that it and its stages see; a pool that is not for CUDA
# sees none. Without GPU= a worker of the pool cuda sees what its environment says.
GPU ?= $(if $(filter cpu,$(POOL)),none)

.PHONY: help run test check static browser format catalogue mlflow schema audit lock clean server \
  worker deploy bench bench-gpu torture fuzz

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' \
	  | awk -F '\t' '{ printf "  make %-9s %s\n", $$1, $$2 }'

run: $(READY) ## Run what is not up to date of the pipeline, register the models, show the figures
	aepipe check
	dvc repro
	aepipe register
	aepipe summary

test: $(READY) static browser ## Check format, lint, types and import contracts, then run the tests (minutes)
	$(PYTEST) -m "$(EVERYWHERE)"

check: $(READY) static ## The same with the fast tests only (a few minutes)
	$(PYTEST) -m "$(EVERYWHERE) and not pipeline"

static: $(READY)
	ruff format --check --quiet .
	ruff check --quiet .
	mypy
	lint-imports

# The tests of the page skip, and say so, where there is none and none can be installed.
BROWSERS := chromium chromium-browser google-chrome chrome
browser: ## Install Debian's Chromium for the tests of the report, where this is root and there is none
	@for name in $(BROWSERS); do command -v $$name > /dev/null && exit 0; done; \
	  test "$$(id -u)" = 0 && command -v apt-get > /dev/null || exit 0; \
	  echo "installing Chromium"; apt-get update -qq && apt-get install -qq --yes \
	  --no-install-recommends chromium fonts-dejavu-core > /dev/null \
	  || echo "no Chromium: the tests of the page in a browser will be skipped" >&2

format: $(READY) ## Put the code into its one format
	ruff format .
	ruff check --fix .

catalogue: $(READY) ## Train every kind of the catalogue on the digits, and print a line each (minutes)
	aepipe catalogue --train

# Other libraries go into build/bench, without what they ask for: most of it is in .venv already, in
# other versions than they pin. FULL=1 measures every network, batch and precision. Threads that wait
# shall sleep, as in stages.
bench: export OMP_WAIT_POLICY ?= PASSIVE
bench: $(READY) build/bench/ready ## Measure this machine and what aepipe makes of it (5 minutes; FULL=1 for all)
	PYTHONPATH=build/bench python -m benchmarks $(if $(FULL),--full)

build/bench/ready: benchmarks/peers.txt
	$(INSTALL) --no-deps --target build/bench --upgrade --requirement benchmarks/peers.txt
	@touch $@

bench-gpu: ## The same on a CUDA machine, with the python at hand: needs torch, numpy and scikit-learn
	$(PYTHON) -m benchmarks --device cuda --full

# A registry that several machines share has its database and its files elsewhere: set these two.
mlflow: export MLFLOW_BACKEND_STORE_URI ?= sqlite:///$(CURDIR)/mlruns/mlflow.db
mlflow: export MLFLOW_ARTIFACTS_DESTINATION ?= $(CURDIR)/mlruns/served
mlflow: export MLFLOW_HOST ?= 127.0.0.1
mlflow: $(READY) ## Serve MLflow with runs and models, to this machine alone, at port 5000
	mkdir -p mlruns
	mlflow server

SEEDS ?= 0-21
torture: $(READY) ## Disturb the pipeline in every way, seed by seed, and run again: make torture SEEDS=0-9 (hours)
	python -m tests.torture --seeds $(SEEDS)

SECONDS_EACH ?= 200
fuzz: $(READY) ## Search for files that a reader does not refuse in words (ten minutes; installs atheris)
	python -c 'import atheris' 2> /dev/null || $(INSTALL) atheris
	for reader in idx archive params; do python -m tests.wall.fuzz $$reader $(SECONDS_EACH); done

schema: $(READY) ## Write params.schema.json, with which editors complete and check params.yaml
	aepipe schema --output params.schema.json

audit: $(READY) ## Look up known weaknesses of the pinned packages; needs a network
	.ci/audit

# .venv is made anew only when it is missing; pip leaves alone what already has the right version.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "no $(PYTHON) on the PATH; install Python 3.11, or" \
	  "name it: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv: two to five minutes, this first time"
	$(INSTALL) --requirement requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

server: $(READY) ## Start Prefect's server, with its pages at http://127.0.0.1:4200
	mkdir -p "$$PREFECT_HOME"
	prefect server start

worker: $(READY) ## Work for a pool of the server: make worker POOL=cuda GPU=0
	$(if $(GPU),CUDA_VISIBLE_DEVICES=$(GPU:none=)) prefect worker start --pool $(POOL) \
	  --type process --install-policy never --limit $(if $(GPU:none=),1,$(LIMIT)) \
	  --name "$$(hostname)-$(POOL)$(if $(GPU:none=),-gpu$(GPU))"

deploy: $(READY) ## Put the deployments of prefect.yaml, and their pools, on the server
	python -m flows.deploy

# In a fresh environment, so that nothing stays that no range asks for. The heading is kept.
lock: ## Resolve the ranges of pyproject.toml anew and write requirements.lock
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/$(INSTALL) setuptools '.[pipeline,export,develop]'
	{ grep '^#' requirements.lock; \
	  build/lock/bin/pip freeze --all --exclude pip --exclude aepipe \
	  | sed -E 's/\+[a-z0-9.]+$$//' | grep -vE '^(nvidia-|cuda-|triton)'; } > build/requirements.lock
	mv build/requirements.lock requirements.lock
	rm -rf build/lock

clean: ## Remove what tools leave behind; results, cache and .venv stay
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache
	find aepipe flows tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

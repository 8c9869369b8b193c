# Onoma. `make` lists the targets. Needs Python 3.11 or newer; the Kafka tests need JDK 17 and Maven too.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= $(shell for candidate in python3 python3.13 python3.12 python3.11; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$candidate && break; done)
DATA ?= ../shared/data
PROTOTYPE ?= ../shared/prototypes/wordhash_recipe.py
ENV := .venv
TRAIN_ENV := .venv-train
BENCH_ENV := .venv-bench
BENCH = --data $(DATA) --work build/bench $(QUICK)
ASYNCAPI := tools/asyncapi/node_modules/.package-lock.json
PIP_OPTIONS := --quiet --disable-pip-version-check

.PHONY: help setup demo test check test-deploy image test-train train train-smoke bench faults wheel docs requirements format clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(ENV)/dev.done ## Make .venv with all that developing needs, but not torch

demo: $(ENV)/demo.done ## Show the whole job on an embedded broker
	@$(ENV)/bin/onoma demo

test: $(ENV)/dev.done ## Run the tests; those on Kafka where JDK 17 and Maven are there
	@$(ENV)/bin/python -m pytest -m "not train and not deploy and not node and not long" $(PYTEST)

check: $(ENV)/dev.done ## Lint, format, types, direction of imports, generated parts
	$(ENV)/bin/ruff check .
	$(ENV)/bin/ruff format --check .
	$(ENV)/bin/mypy worker tests benchmarks docs/generate.py deploy/helm/generate.py deploy/monitoring
	$(ENV)/bin/python -m docs.generate --check
	$(ENV)/bin/python -m benchmarks.page --check
	$(ENV)/bin/python -m tests.faults.page --check
	$(ENV)/bin/lint-imports --no-logo

test-deploy: $(ENV)/deploy.done $(ASYNCAPI) ## Render the chart in every shape, try rules and dashboards on a real Prometheus, and check what comes out
	@REQUIRE_DEPLOY=1 $(ENV)/bin/python -m pytest -m "deploy or node" $(PYTEST)

image: ## Build the image localhost/onoma (needs root, buildah and mmdebstrap)
	@deploy/image/build.sh localhost/onoma

test-train: $(TRAIN_ENV)/train.done ## Run the tests of training, in an environment with torch
	@REQUIRE_TRAIN=1 $(TRAIN_ENV)/bin/python -m pytest -m train $(PYTEST)

train: $(TRAIN_ENV)/train.done ## Train the shipped model anew from DATA into ./build/model (RESUME=--resume)
	$(TRAIN_ENV)/bin/onoma train --recipe recipes/default.yaml --data $(DATA) --out build/model $(RESUME)

train-smoke: $(TRAIN_ENV)/train.done ## Run all of training on a few sentences, in two minutes
	$(TRAIN_ENV)/bin/onoma train --recipe recipes/smoke.yaml --data $(DATA) --out build/smoke

bench: $(ENV)/dev.done $(TRAIN_ENV)/train.done $(BENCH_ENV)/bench.done ## Measure everything, for hours (QUICK=--quick tries it)
	$(TRAIN_ENV)/bin/python -m benchmarks.encoders $(BENCH) S M L
	for question in pipeline worker fairness lengths processes latency bits emulated start memory gazetteer \
		gazetteer_quality gazetteer_stream list_swap; do \
		$(ENV)/bin/python -m benchmarks.$$question $(BENCH) || exit 1; done
	$(TRAIN_ENV)/bin/python -m benchmarks.prototype $(BENCH) --prototype $(PROTOTYPE)
	$(TRAIN_ENV)/bin/python -m benchmarks.roofline $(BENCH) --model default --model S --model M
	$(TRAIN_ENV)/bin/python -m benchmarks.encoder_forms $(BENCH) S M L
	for question in peers agents; do \
		$(ENV)/bin/python -m benchmarks.$$question $(BENCH) --python $(BENCH_ENV)/bin/python || exit 1; done

faults: $(ENV)/dev.done ## Play faults on a real Kafka and record them, for an hour (FAULTS="kills --runs 20")
	$(ENV)/bin/python -m tests.faults.run $(FAULTS)
	$(ENV)/bin/python -m tests.faults.stalls
	$(ENV)/bin/python -m tests.faults.membership
	$(ENV)/bin/python -m pytest -m long $(PYTEST)
	$(ENV)/bin/python -m tests.faults.page

wheel: $(ENV)/dev.done ## Build the wheel into ./dist
	$(ENV)/bin/pip wheel $(PIP_OPTIONS) --no-deps --no-build-isolation --wheel-dir dist .

requirements: ## Lock the requirements anew (needs uv)
	requirements/compile.sh

docs: $(ENV)/dev.done ## Write the generated pages of docs anew
	$(ENV)/bin/python -m docs.generate
	$(ENV)/bin/python -m benchmarks.page
	$(ENV)/bin/python -m tests.faults.page

format: $(ENV)/dev.done ## Put the code into shape
	$(ENV)/bin/ruff format .
	$(ENV)/bin/ruff check --fix .

clean: ## Remove what was built, the environments too
	rm -rf $(ENV) $(TRAIN_ENV) $(BENCH_ENV) .cache build dist tools/asyncapi/node_modules

$(ENV)/demo.done: requirements/demo.txt pyproject.toml
	@$(call install,$(ENV),demo)

$(ENV)/dev.done: requirements/dev.txt pyproject.toml
	@$(call install,$(ENV),dev)

$(ENV)/deploy.done: requirements/deploy.txt pyproject.toml
	@$(call install,$(ENV),deploy)

$(TRAIN_ENV)/train.done: requirements/train.txt pyproject.toml
	@$(call install,$(TRAIN_ENV),train)

# AsyncAPI's own parser; where npm is absent its tests say so, and fail with REQUIRE_NODE=1.
$(ASYNCAPI): tools/asyncapi/package-lock.json
	@if command -v npm >/dev/null; then cd tools/asyncapi && npm ci --no-progress; fi

# The peers stand alone: no Onoma in it.
$(BENCH_ENV)/bench.done: requirements/bench.txt
	@$(PYTHON) -m venv $(BENCH_ENV)
	@$(BENCH_ENV)/bin/python -m pip install $(PIP_OPTIONS) --require-hashes -r requirements/bench.txt
	@touch $@

# $(1) the environment, $(2) which requirements; every package is pinned by hash.
define install
	set -e; \
	[ -n "$(PYTHON)" ] || { echo "found no Python of 3.11 or newer; install one, or say make PYTHON=..." >&2; exit 1; }; \
	echo "setting up $(1) ($(2)) with $(PYTHON)"; \
	[ -x $(1)/bin/python ] || $(PYTHON) -m venv $(1); \
	$(1)/bin/python -m pip install $(PIP_OPTIONS) --require-hashes -r requirements/$(2).txt; \
	$(1)/bin/python -m pip install $(PIP_OPTIONS) --no-deps --no-build-isolation -e .; \
	touch $(1)/$(2).done
endef

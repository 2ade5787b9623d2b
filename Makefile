# `make demo` and `make test` need Python 3.11 or 3.12, make, g++ and git; everything else they install into .venv.

SHELL := /bin/bash -euo pipefail
PYTHON ?= python3
CORES ?= 2
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV_LINK_MODE ?= copy

DEMO := $(foreach name,kmeans ours_3dlhp auto,results/demo/$(name)/metrics.json)

KILLS ?= 120
EXPERIMENTS ?= 200
TOOL := .cache/uv/bin/uv tool run --quiet

.PHONY: demo demo-model test test-slow test-kills test-endurance test-mutants bench check \
    docs sbom audit format schema lock install clean

install: .venv/installed  ## the environment, from the locked versions

demo: install  ## the whole pipeline on the rendered world, to a table of scores and a picture
	snakemake --cores $(CORES) $(DEMO)
	depthg scores --metrics $(DEMO) --out results/demo/floor.md
	@echo "The picture: results/demo/auto/figure.png"

test: install  ## the tests, a few minutes
	pytest -n 2 --dist loadfile

test-slow: install  ## whole workflows on miniatures of the benchmarks, some minutes more
	pytest -m slow

test-kills: install  ## whole workflows, killed at random moments of every stage: 20 minutes
	python -m tests.reliability.kills --kills $(KILLS)
	KILLS=$(KILLS) pytest -m slow tests/reliability/test_kills.py

test-endurance: install  ## hundreds of experiments in one process: its memory, files and threads; takes long
	python -m tests.reliability.endurance --experiments $(EXPERIMENTS)

test-mutants: install  ## slips in losses, geometry, metrics and store, each against the tests; takes long
	nice -n 19 python -m tests.reliability.mutants

bench: install  ## every stage against a straightforward way, 20 minutes: benchmarks/results/
	python -m benchmarks

check: install docs sbom  ## style, types, the workflow's own linter, the documentation, the bill of materials
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules workflow
	mypy
	snakemake --lint

docs: install  ## the documentation as a site: site/index.html
	mkdocs build --strict --quiet

sbom: install  ## sbom.json: what requirements.lock pins, with licences, as CycloneDX
	$(TOOL) --from cyclonedx-bom==7.5.0 python .ci/sbom.py .venv/lib/python3*/site-packages

audit: .cache/uv  ## known vulnerabilities of the locked packages; asks a service on the internet
	@$(TOOL) --from pip-audit==2.10.1 python .ci/audit.py

format: install  ## put the code in style
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules workflow

demo-model: install  ## the model that Segmenter.from_pretrained("demo") loads, from the demo's own `auto`
	snakemake --cores $(CORES) results/demo/auto/model/config.json
	mkdir -p depthg/weights/demo_model
	cp results/demo/auto/model/* depthg/weights/demo_model/

schema: install  ## the JSON schema of config.yaml, from depthg.config
	python -c 'import yaml; from depthg.config import Config; print(yaml.safe_dump(Config.model_json_schema(), \
	    allow_unicode=True), end="")' > workflow/schemas/config.schema.yaml

lock: .cache/uv  ## resolve versions anew for Python 3.11 and 3.12
	.cache/uv/bin/uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
	    --no-emit-index-url --group dev --upgrade pyproject.toml --output-file requirements.lock

.cache/uv:
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --target $@ uv

.venv/installed: requirements.lock pyproject.toml | .cache/uv
	.cache/uv/bin/uv venv --quiet --seed --allow-existing --python "$$(command -v $(PYTHON))" .venv
	.cache/uv/bin/uv pip install --python $(BIN)/python --compile-bytecode --requirement requirements.lock
	.cache/uv/bin/uv pip install --python $(BIN)/python --quiet --no-deps --editable .
	touch $@

clean:  ## results and logs of all data sets, and the stores of the demo
	rm -rf results resources/demo logs .snakemake

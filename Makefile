# `make help` lists the targets. Everything is built into .venv and target/; nothing outside the checkout changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROFILE := dev-release
WORKERS ?= 3
FUZZ_TARGET ?= decode
FUZZ_SECONDS ?= 3600
MEMCHECK_ISA ?= avx2
RUST := $(shell find rust/core rust/native -name '*.rs') Cargo.toml Cargo.lock rust/core/Cargo.toml rust/native/Cargo.toml

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint test-rust memcheck test-python test-fuzz docs soak fuzz bench bench-decode bench-fetch aarch64 wheels clean

help: ## List the targets.
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: requirements/dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Penstock needs Python 3.11 or newer; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	touch $@

$(VENV)/native: $(VENV)/installed $(RUST) pyproject.toml
	@command -v cargo >/dev/null || { echo "Penstock needs a Rust toolchain (cargo) to build its core."; exit 1; }
	$(BIN)/maturin develop --quiet --profile $(PROFILE)
	touch $@

setup: $(VENV)/native ## Build everything into .venv (the first time takes some minutes).

demo: setup ## Stream generated agent events through a real pipeline into Parquet and show the result.
	$(BIN)/penstock demo

lint: setup ## Formatting, lints and types.
	cargo fmt --check
	cargo fmt --check --manifest-path bench/micro/Cargo.toml
	cargo fmt --check --manifest-path rust/fuzz/Cargo.toml
	cargo clippy --quiet --workspace --all-targets --profile $(PROFILE) -- -D warnings
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy

test-rust: ## The core's own tests.
	cargo test --quiet --workspace --profile $(PROFILE)

memcheck: ## The kernels' tests under valgrind, which knows no AVX-512: a byte read too far fails.
	PENSTOCK_ISA=$(MEMCHECK_ISA) PROPTEST_CASES=16 cargo test --quiet -p penstock-core --lib --profile $(PROFILE) \
	  --config "target.'cfg(all())'.runner='valgrind --quiet --error-exitcode=1'" simd::

test-python: setup ## The Python tests, with a real Apache Kafka; WORKERS=N at a time.
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

test-fuzz: ## A minute of fuzzing.
	rust/fuzz/run decode 40
	rust/fuzz/run frame 15
	rust/fuzz/run strings 10

test: lint test-rust test-python test-fuzz ## All that is tested.

docs: setup ## Write the pages anew that are made from the code, and the outputs below the pages' blocks.
	$(BIN)/python -m penstock.telemetry.reference > docs/metrics.md
	$(BIN)/python -m penstock.lint.reference > docs/lint.md
	$(BIN)/python -m tests.docs.write

soak: setup ## Ten minutes of workers killed at random; 0 lost and 0 twice, or it fails.
	$(BIN)/python bench/soak.py --seconds 600

$(VENV)/bench: $(VENV)/installed requirements/bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	touch $@

fuzz: ## An hour of fuzzing; FUZZ_TARGET=decode, frame or strings, FUZZ_SECONDS=N.
	rust/fuzz/run $(FUZZ_TARGET) $(FUZZ_SECONDS)

bench: setup $(VENV)/bench ## Penstock beside hand-written scripts, from a real Apache Kafka and from files: table and plot.
	$(BIN)/python bench/run.py --scenario all --size all --results

bench-decode: setup $(VENV)/bench ## Penstock's decoder beside simdjson, pyarrow, Polars, DuckDB and others: table and plot.
	$(BIN)/python bench/decode.py --results

bench-fetch: setup $(VENV)/bench ## Penstock's fetch from Kafka beside stock aiokafka and confluent-kafka: table and plot.
	$(BIN)/python bench/fetch.py --results

$(VENV)/wheels: $(VENV)/installed requirements/wheels.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/wheels.txt
	touch $@

aarch64: $(VENV)/wheels ## Build, test and count for arm64 under emulation, on x86_64 Debian 12.
	$(BIN)/python -m scripts.aarch64 $(ARGUMENTS)

wheels: $(VENV)/wheels ## The packages of a release into dist: sources and wheels for x86_64 and arm64.
	$(BIN)/python -m scripts.wheels

clean: ## Remove what was built.
	rm -rf $(VENV) target bench/micro/target dist python/penstock/*.so

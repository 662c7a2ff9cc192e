# Makefile - every command of the project; bare `make` lists them. Each does its own set-up, in .venv.

PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
INSTALL := sh .ci/install $(RUN)
SOURCES := $(wildcard csrc/*.h csrc/*/*.[ch] csrc/cpu/generated/*.c src/otlp_lite/_native/*.py src/otlp_lite/_native/*.p[xy][xd] src/otlp_lite/_native/*.h stubs/otlp_lite/_native/*) setup.py pyproject.toml
C := $(wildcard csrc/*.h csrc/*/*.[ch] src/otlp_lite/_native/*.h tests/c/*.[ch] tests/cpus/*.c tests/bench/*.c tests/bench/*/*.c tests/behaviour/*.c tests/oracle/*.c tests/fuzz/*.[ch] tests/proof/heap/*.c tests/proof/order/*/*.[ch] tests/proof/order/*/*/*.h)

.PHONY: help demo test check cpus interop bench fuzz ledger death mutants order lint types sanitize sanitize-python clean venv
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/demo ## a traced Flask service, its spans, and what tracing them cost (a minute or two)
	$(RUN) -m otlp_lite demo

test: $(VENV)/test ## the C tests and the Python tests (15 minutes)
	$(MAKE) -C csrc check
	$(RUN) -m pytest tests --ignore tests/interop --ignore tests/typing --ignore tests/proof/order

check: test lint types ## test, lint and types

cpus: $(VENV)/cpus ## the C tests on eight processors, emulated where this machine is another (3 minutes; CPUS=--vectors=N)
	sh .ci/cpus
	$(RUN) tests/cpus/run.py $(CPUS)

interop: $(VENV)/test ## against the OpenTelemetry Collector and rotel
	PYTHON=$(abspath $(RUN)) sh tests/interop/setup.sh
	$(RUN) -m pytest tests/interop

ledger: $(VENV)/test ## every way in which a process ends, a hundred times, under load (20 minutes)
	LEDGER_ROUNDS=100 $(RUN) -m pytest tests/ledger

ROUNDS ?= 50
death: $(VENV)/test ## programs are killed at any moment, and what they recorded recovered (ROUNDS=50)
	$(MAKE) -C csrc tests
	DEATHS=$(ROUNDS) build/csrc/tests/test_deaths
	DEATH_ROUNDS=$(ROUNDS) $(RUN) -m pytest -s tests/ledger/test_deaths.py

order: $(VENV)/test ## memory order: every schedule of the C, a model, weakenings (minutes; ORDER=full: long)
	$(RUN) -m pytest tests/proof/order

COUNT ?= 60
mutants: $(VENV)/test ## small faults put into the core and the Python rooms: do the tests notice? (COUNT=60; 5 minutes)
	cd tests/proof && $(abspath $(RUN)) -m mutants.run --count $(COUNT)

SECONDS ?= 120
fuzz: $(VENV)/base ## any bytes and calls, by libFuzzer with ASan and UBSan (SECONDS=120, one target a processor at a time)
	sh .ci/fuzz
	cd tests && $(abspath $(RUN)) -m fuzz.run $(SECONDS)

BENCH ?=
bench: $(VENV)/bench ## the figures of docs/performance.md: every peer in the same run (BENCH='--quick' for a look)
	$(MAKE) -C csrc bench
	$(RUN) tests/bench/run.py $(BENCH)
	$(RUN) tests/bench/instructions.py

lint types: export PATH := $(abspath $(VENV)/bin):$(PATH)

lint: $(VENV)/lint ## ruff, cython-lint, clang-format, vulture
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	cython-lint src/otlp_lite/_native
	clang-format --dry-run --Werror $(C)
	$(RUN) -m vulture

types: $(VENV)/lint $(VENV)/test ## mypy --strict, pyright, the stubs against the extensions, tests/typing
	$(RUN) -m mypy --python-version 3.10
	$(RUN) -m mypy --python-version 3.14
	pyright
	pyright --verifytypes otlp_lite --ignoreexternal
	$(RUN) -m pytest tests/typing

sanitize: sanitize-python ## the C tests under ASan with UBSan, and under TSan; the Python tests under ASan and UBSan, threads under TSan
	$(MAKE) -C csrc asan
	$(MAKE) -C csrc tsan

sanitize-python: $(VENV)/test
	sh .ci/sanitize-python $(RUN) address,undefined
	sh .ci/sanitize-python $(RUN) thread

clean: ## remove what was built
	rm -rf build $(VENV) src/otlp_lite/_native/*.so src/otlp_lite/_native/*.pyi
	$(MAKE) -C csrc clean

venv: $(VENV)/base

# ---- Set-up: a stamp for each set of packages ----

$(VENV)/base: $(SOURCES)
	PYTHON=$(PYTHON) sh .ci/setup $(VENV)
	$(INSTALL) --editable .
	touch $@

EXTRAS_test := test,uwsgi

$(VENV)/demo $(VENV)/test $(VENV)/bench $(VENV)/cpus $(VENV)/lint: $(VENV)/%: $(VENV)/base
	$(INSTALL) 'otlp_lite[$(or $(EXTRAS_$*),$*)]'
	touch $@

# biotrail: everything that is done by hand, and by .ci/run, is a target here.
# `make help` lists them. Each target sets up what it needs; a second run finds it done.

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test bench lint format types imports docs examples coverage versions check clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s @ 2>/dev/null \
		|| sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

demo: $(VENV)/.with-demo  ## set up all, then record, verify, break and name, on real photographs
	@scripts/install-components demo
	@$(BIN)/biotrail demo $(ARGS)

test: $(VENV)/.with-dev  ## set up all, then run all tests (ARGS="-k name" for some)
	@scripts/install-components test
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

bench: $(VENV)/.with-dev  ## benchmarks side by side (ONLY=1.2 for one, QUICK=1 for small sizes)
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick) $(ARGS)

lint: $(VENV)/.with-dev  ## ruff: rules and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.with-dev  ## ruff: rewrite the formatting, repair what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.with-dev  ## mypy --strict over the package, the tests and the usage file
	@$(BIN)/mypy --strict

imports: $(VENV)/.with-dev  ## import-linter: the rooms' contracts
	@$(BIN)/lint-imports

docs: $(VENV)/.with-dev  ## the docs site in build/docs, warnings are errors
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --fresh-env --quiet -b html docs build/docs
	@echo "build/docs/index.html"

examples: $(VENV)/.with-dev  ## run README, tutorial and how-to snippets and examples/
	@$(BIN)/python -m pytest -q tests/docs $(ARGS)

coverage: $(VENV)/.with-dev  ## all tests, and which lines and branches they did not reach
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

versions: $(VENV)/.with-dev  ## unit tests on every other CPython >= 3.11 that this machine has
	@$(BIN)/nox $(ARGS)

check: lint types imports docs test  ## all that a change has to pass, but for the other Pythons

clean:  ## remove environments, builds and caches
	@rm -rf $(VENV) .nox build dist docs/reference/api .hypothesis .coverage*
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@python="$(PYTHON)"; \
	python="$${python:-$$(scripts/find-python)}" && [ -n "$$python" ] && \
	echo "Creating $(VENV) with $$python" && \
	scripts/make-venv "$$python" $(VENV)

# One stamp for each set of extras; renewed when pyproject.toml changes.
$(VENV)/.with-%: pyproject.toml | $(BIN)/python
	@echo "Installing biotrail[$*] into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

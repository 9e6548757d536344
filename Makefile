PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak up bench check

help: ## Say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

setup: ## Make the environments and the model folder; the other targets do it by themselves
	@$(PYTHON) deploy/setup.py

demo: setup ## Play one quest from offer to epilogue and print it as a story
	@$(BIN)/loreloom demo

test: setup ## Run every test against real parts
	@$(BIN)/pytest -n 2 $(ARGS)

soak: setup ## Run the tests that take minutes each: long runs under kills
	@$(BIN)/pytest -m soak $(ARGS)

up: setup ## Start the whole stack and serve until Ctrl-C
	@exec $(BIN)/loreloom up

bench: setup ## Run the benchmarks, each beside its floor or peer
	@$(BIN)/python -m benchmarks $(ARGS)

check: setup ## Formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

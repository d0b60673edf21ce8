PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STORE ?= memory,sqlite
PROTOS := $(sort $(wildcard protos/stillframe/v1/*.proto))
OUT := generated/python

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment is made anew whenever pyproject.toml changes.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[server]' --group dev
	@touch $@

.PHONY: generate
generate: $(VENV)/.ready ## Write the generated code from protos/
	rm -rf $(OUT)/stillframe
	mkdir -p $(OUT)/stillframe/v1
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -Iprotos \
	  --python_out=$(OUT) --grpc_python_out=$(OUT) \
	  --mypy_out=$(OUT) --mypy_grpc_out=$(OUT) $(PROTOS)
	touch $(OUT)/stillframe/v1/__init__.py $(OUT)/stillframe/v1/py.typed

# Two commands do everything: `make demo` and `make test`. Both make their environment first.
PYTHON ?= python3
VENV := .venv
ARGS ?=
# Many tests wait for timers: more workers than cores.
WORKERS ?= $(shell echo $$(( $$(nproc) + 1 )))
NODE_PEERS := tests/interop/node_opcua

.PHONY: venv venv-package demo test lint peers bench fuzz conformance clean

venv: $(VENV)/.ready

$(VENV)/.ready: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV) || $(MAKE) venv-package
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

demo: venv
	$(VENV)/bin/vppscada demo $(ARGS)

test: venv
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

# Debian's python3 comes without ensurepip: its package brings it.
venv-package:
	rm -rf $(VENV)
	@test "$$(id -u)" = 0 || { echo "install Debian's package python3-venv first"; exit 1; }
	apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.peers: $(VENV)/.ready
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test,peers,fuzz,lint]'
	touch $@

lint: $(VENV)/.peers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

$(NODE_PEERS)/node_modules/.ready: $(NODE_PEERS)/package.json $(NODE_PEERS)/package-lock.json
	cd $(NODE_PEERS) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

peers: $(VENV)/.peers $(NODE_PEERS)/node_modules/.ready
	$(VENV)/bin/python -m pytest -m interop tests/interop $(ARGS)
	$(VENV)/bin/python -m pytest tests/contract -k opendnp3 $(ARGS)

fuzz: $(VENV)/.peers
	$(VENV)/bin/python -m tests.fuzz $(ARGS)

bench: $(VENV)/.peers
	$(VENV)/bin/python -m tests.benchmarks $(ARGS)

# Runs every conformance procedure and writes docs/conformance.md.
conformance: venv
	$(VENV)/bin/python -m tests.conformance.report

clean:
	rm -rf $(VENV) $(NODE_PEERS)/node_modules build dist *.egg-info

# Everything here needs Python 3.11 or newer (with venv) and make, and nothing else. Python
# packages go into .venv, the tool that installs them into .tools; neither touches the system.
# After choosing another interpreter (make test PYTHON=python3.13), run `make clean` first.
.POSIX:

PYTHON ?= python3
OUTPUT ?= out/demo

# uv keeps its cache in the home directory, or in .tools where there is none to write to, and
# trusts the system's certificates, a company's own among them, where the system has any.
UV = export UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv; \
	[ -n "$${HOME:-}" ] && [ -w "$$HOME" ] || \
		export UV_CACHE_DIR="$${UV_CACHE_DIR:-$$PWD/.tools/cache}"; \
	for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
		/etc/ssl/cert.pem; do \
		[ ! -s "$$bundle" ] || export UV_SYSTEM_CERTS="$${UV_SYSTEM_CERTS:-1}"; done; \
	.tools/bin/uv
# --inexact: `demo` after `test` leaves the development tools where they are.
SYNC = sync --quiet --locked --inexact --python .tools/bin/python
BIN = .venv/bin
PYTEST = $(BIN)/python -m pytest

.PHONY: help demo test check bench fmt clean

help:
	@echo 'make demo    audit the recorded example and write its reports to $(OUTPUT)'
	@echo 'make test    run every test'
	@echo 'make check   what a change must pass: format, lint, types, imports, docs, tests, coverage'
	@echo 'make bench   measure what the documentation promises'
	@echo 'make fmt     format the code and mend what can be mended'
	@echo 'make clean   remove what make made: environments, caches, reports'

demo: .venv/.demo
	@$(BIN)/changeaudit demo --output $(OUTPUT)

test: .venv/.dev
	@$(PYTEST)

check: .venv/.dev
	@echo '== format'
	@$(BIN)/ruff format --check .
	@echo '== lint'
	@$(BIN)/ruff check .
	@echo '== types'
	@$(BIN)/mypy
	@echo '== imports'
	@$(BIN)/lint-imports --no-logo
	@echo '== docs'
	@$(PYTEST) -q tests/docs
	@echo '== tests'
	@$(PYTEST) --cov --cov-report=term --cov-fail-under=95

bench: .venv/.dev
	@status=0; for benchmark in bench/*.py; do \
		$(BIN)/python "$$benchmark" || status=1; done; exit $$status

fmt: .venv/.dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .tools out dist build htmlcov .coverage .coverage.* \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# The files below are stamps: newer than what they depend on means that nothing is to be done.
.tools/.uv: .ci/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		found=$$($(PYTHON) -c 'import sys; print(sys.version.split()[0])' 2>/dev/null) \
			|| found='not to be found'; \
		echo "changeaudit needs Python 3.11 or newer, and $(PYTHON) is $$found." \
			'Name another interpreter: make demo PYTHON=/path/to/python3.11' >&2; exit 1; }
	@echo 'Installing uv into .tools'
	@$(PYTHON) -m venv --clear .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --requirement .ci/uv.txt
	@touch $@

.venv/.demo: .tools/.uv pyproject.toml uv.lock src/changeaudit/__init__.py
	@echo 'Installing changeaudit into .venv'
	@$(UV) $(SYNC) --no-dev
	@touch $@

.venv/.dev: .tools/.uv pyproject.toml uv.lock src/changeaudit/__init__.py
	@echo 'Installing changeaudit and its development tools into .venv'
	@$(UV) $(SYNC) --all-extras
	@touch $@

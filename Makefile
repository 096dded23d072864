# `make demo` shows promptdb at work on the prompts of this repository; `make check` runs lint, types and the quick tests,
# `make test` everything that CI runs.
# Both do their own set-up in .venv and need only Python 3.11 or newer, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
LOCK := requirements-dev.lock
DOCS_LOCK := requirements-docs.lock
# Of whose cases `make test` runs only some.
SAMPLED := tests/ci/test_pre_commit.py tests/watch/test_watch_convergence.py \
	tests/sync/test_history.py tests/sync/test_sync_order.py tests/sync/test_sync_sequences.py \
	tests/sync/test_moved_roots.py tests/render/jinja/test_jinja_hostile.py tests/project/test_large_files.py \
	tests/files/editing/test_edit.py tests/db/test_upgrade_path.py tests/api/test_serve.py \
	tests/api/test_api_webhooks.py tests/client/test_client_forks.py tests/client/test_client_promotions.py \
	tests/dashboard/test_browser_comparing.py tests/dashboard/test_browser_reading.py
export UV_PYTHON_DOWNLOADS := never

.PHONY: demo check test soak docs release-check lint format lock clean

demo: $(VENV)/.demo
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh scripts/demo

# What can be done in three minutes, while one works: all but the slow tests, and those that need a server.
check: lint
	$(BIN)/python -m pytest -n auto -m "not slow"

test: lint
	$(BIN)/python -m pytest -n auto

# Faults at every step and in many places: minutes. Ends with a table of what was done, and what came of it.
soak: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto tests/faults tests/soak $(SAMPLED)

# The site, in build/site. A broken link is an error. Its generator has an environment of its own, which the tests need not wait for.
docs: $(VENV)/.docs
	$(VENV)/docs/bin/python scripts/build_site.py

# What a release uploads, in dist/: built, tried in an environment of its own, and told in the changelog.
release-check: $(VENV)/.dev
	rm -rf dist
	sh scripts/try_release dist
	$(BIN)/python scripts/changelog.py

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.uv
	$(UV) pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes --no-header \
		--quiet --upgrade -o $(LOCK)
	$(UV) pip compile --group docs --universal --generate-hashes --no-header --quiet --upgrade -o $(DOCS_LOCK)

clean:
	rm -rf $(VENV) .demo

$(VENV)/.uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "promptdb needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	touch $@

# Only what promptdb itself needs, in the versions of the lock.
$(VENV)/.demo: $(VENV)/.uv pyproject.toml $(LOCK)
	test -e $(VENV)/.dev || $(UV) pip install --quiet --constraints $(LOCK) --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.uv pyproject.toml $(LOCK)
	$(UV) pip install --quiet --requirements $(LOCK)
	$(UV) pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.docs: $(VENV)/.uv $(DOCS_LOCK)
	$(PYTHON) -m venv --without-pip $(VENV)/docs
	$(UV) pip install --quiet --python $(VENV)/docs --requirements $(DOCS_LOCK)
	touch $@

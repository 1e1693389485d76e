# Each recipe is one plain command; CONTRIBUTING.md lists them for those without `just`.

default:
    @just --list

# Run all tests.
test *arguments:
    uv run pytest {{ arguments }}

# Run the tests of one package, in the workspace.
test-package package *arguments:
    uv run pytest packages/{{ package }} {{ arguments }}

# Run the tests of packages installed alone from their wheels (all, or those named).
alone *distributions:
    uv run python scripts/check_alone.py {{ distributions }}

# Check what wheels do together and apart.
integrations:
    uv run pytest integrations

# Format and fix what can be fixed.
format:
    uv run ruff format
    uv run ruff check --fix

# Check style.
lint:
    uv run ruff check
    uv run ruff format --check

# Check types.
types:
    uv run mypy

# Check who imports whom.
imports:
    uv run lint-imports

# Print coverage per package.
coverage *arguments:
    uv run python scripts/coverage_by_package.py {{ arguments }}

# Compare requirements.lock with the resolution.
lock-check:
    uv run python scripts/check_lock.py

# Refresh requirements.lock.
lock:
    uv run python scripts/check_lock.py --write

# Rebuild the generated documents.
docs:
    uv run python scripts/build_docs.py

# Build the wheel of every package into dist/.
wheels:
    uv build --all-packages --wheel --out-dir dist

# Run everything that CI runs.
ci *steps:
    .ci/run {{ steps }}

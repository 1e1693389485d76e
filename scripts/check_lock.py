"""Compare `requirements.lock` with what the workspace resolves to now; `--write` refreshes it.

`uv.lock` names the addresses of one index, so it stays out of git. `requirements.lock` pins the same versions with
hashes and without any address, and serves behind every mirror. Resolving happens in an empty folder that holds nothing but
the `pyproject.toml` files, so that a developer's own `uv.lock` neither helps nor hinders.

A mirror may carry fewer files of a version than the lock has hashes for. One that carries a file whose hash the lock lacks is an error.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from workspace import ROOT, run, uv

LOCK = ROOT / "requirements.lock"
HEADER = """\
# Every third-party version of the workspace with the hashes of its files, without any address: use it behind any mirror.
#     pip install --require-hashes -r requirements.lock
# Made by: uv run python scripts/check_lock.py --write
"""
EXPORT = ("--all-packages", "--all-extras", "--all-groups", "--no-emit-workspace", "--no-header", "--no-annotate")
REFRESH = "refresh it with: uv run python scripts/check_lock.py --write"

Pins = dict[str, frozenset[str]]


def resolve() -> str:
    """The lock's text as the workspace resolves now, from nothing but its `pyproject.toml` files."""
    with tempfile.TemporaryDirectory(prefix="basalt-lock-") as name:
        folder = Path(name)
        _copy_metadata(folder)
        run(uv(), "lock", cwd=folder)
        run(uv(), "export", "--frozen", *EXPORT, "--output-file", "out.txt", cwd=folder)
        return HEADER + (folder / "out.txt").read_text(encoding="utf-8")


def _copy_metadata(folder: Path) -> None:
    for path in [ROOT / "pyproject.toml", *ROOT.glob("packages/*/pyproject.toml")]:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def read_pins(text: str) -> Pins:
    """Hashes by pin (`name==version`, with its marker if it has one)."""
    lines = text.replace("\\\n", " ").splitlines()
    entries = [line.split("--hash=") for line in lines if line.strip() and not line.startswith("#")]
    return {pin.strip(): frozenset(map(str.strip, hashes)) for pin, *hashes in entries}


def differences(locked: Pins, resolved: Pins) -> list[str]:
    """One line per pin that was added, went away, or has files that the lock does not know."""
    gone = [f"- {pin}" for pin in sorted(locked.keys() - resolved.keys())]
    added = [f"+ {pin}" for pin in sorted(resolved.keys() - locked.keys())]
    foreign = [
        f"! {pin}: a file of the index has a hash that is not locked" for pin in sorted(resolved) if _is_foreign(pin, locked, resolved)
    ]
    return gone + added + foreign


def _is_foreign(pin: str, locked: Pins, resolved: Pins) -> bool:
    return pin in locked and not resolved[pin] <= locked[pin]


def unfit(text: str) -> list[str]:
    """Lines of the lock that would tie it to one machine or index, and pins without a hash."""
    addresses = [
        f"address: {line}" for line in text.splitlines() if "://" in line or line.startswith(("-e", "--index", "--find-links", "file:"))
    ]
    return addresses + [f"no hash: {pin}" for pin, hashes in read_pins(text).items() if not hashes]


def check() -> int:
    """Print what is wrong with the lock; 0 when nothing is, else 1."""
    if not LOCK.is_file():
        print(f"{LOCK.name} is missing; {REFRESH}")
        return 1
    text = LOCK.read_text(encoding="utf-8")
    wrong = unfit(text) + differences(read_pins(text), read_pins(resolve()))
    if wrong:
        print(f"{LOCK.name} does not say what the workspace resolves to:", *wrong, REFRESH, sep="\n")
        return 1
    print(f"{LOCK.name} is up to date: {len(read_pins(text))} pins")
    return 0


def write() -> int:
    """Resolve and write the lock."""
    text = resolve()
    LOCK.write_text(text, encoding="utf-8")
    print(f"wrote {LOCK.name}: {len(read_pins(text))} pins")
    return 0


def main() -> int:
    """Check or write, as asked on the command line."""
    parser = argparse.ArgumentParser(description="Check requirements.lock against the resolution of the workspace.")
    parser.add_argument("--write", action="store_true", help="refresh the lock instead of checking it")
    return write() if parser.parse_args().write else check()


if __name__ == "__main__":
    sys.exit(main())

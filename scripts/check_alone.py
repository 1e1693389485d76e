"""Run the tests of every package with nothing installed but its wheel, what it declares, and its test group.

What a package imports without declaring it, or finds only because the workspace puts its siblings beside it, fails here.

    uv run python scripts/check_alone.py                                   # build wheels, test every package
    uv run python scripts/check_alone.py --wheels dist bmll-basalt-trade   # test one, wheels from dist/
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from installing import build_wheels, create_environment, from_wheels
from workspace import ROOT, Member, members


def run_tests(member: Member, known: dict[str, Member], wheels: Path) -> int:
    """Exit code of pytest over the tests of *member* in an environment of its own."""
    with tempfile.TemporaryDirectory(prefix="basalt-alone-") as folder:
        alone = create_environment(Path(folder), from_wheels((member.name, *member.test_requirements), known, wheels))
        command: list[str | Path] = [alone.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", member.tests]
        return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode


def report(member: Member, known: dict[str, Member], wheels: Path) -> bool:
    """Test *member* and print how it went; True when it passed."""
    print(f"-- {member.name}", flush=True)
    if not any(member.tests.glob("**/test_*.py")):
        print("   no tests")
        return member.subpackage is None
    started = time.monotonic()
    code = run_tests(member, known, wheels)
    print(f"   {'passed' if code == 0 else f'failed with {code}'} in {time.monotonic() - started:.0f} s", flush=True)
    return code == 0


def main() -> int:
    """Test the packages that were named, or all; 1 when one fails."""
    known = members()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="PACKAGE", help=f"distributions to test; default all: {', '.join(known)}")
    parser.add_argument("--wheels", type=Path, help="folder of wheels; built when not given")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - known.keys()):
        parser.error(f"no such package: {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="basalt-wheels-") as folder:
        if asked.wheels is None:
            build_wheels(Path(folder))
        wheels = (asked.wheels or Path(folder)).resolve()
        failed = [name for name in asked.names or known if not report(known[name], known, wheels)]
    print("alone: all passed" if not failed else f"alone: failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

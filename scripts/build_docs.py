"""Write the generated pages of `docs/` from the code; `--check` only compares, and fails when a page is stale.

`--outputs` runs the pages that people write, and puts what their commands print now in place of what they show.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import tempfile
from pathlib import Path

from workspace import ROOT

os.environ.pop("BASALT_BLOCK_PLUGINS", None)

FOLDER = ROOT / "docs" / "reference"
DECISIONS = ROOT / "docs" / "decisions"
REFRESH = "write them again: uv run python scripts/build_docs.py"


def pages() -> dict[Path, str]:
    """The generated pages by path."""
    from basalt.core.catalog import catalog
    from docs_analytics import analytics_page
    from docs_reference import commands_page, config_page, decisions_page, errors_page, tables_page

    shelf = catalog()
    shelf.require_sound()
    return {
        FOLDER / "analytics.md": analytics_page(shelf),
        FOLDER / "cli.md": commands_page(shelf),
        FOLDER / "config.md": config_page(shelf),
        FOLDER / "tables.md": tables_page(shelf),
        FOLDER / "errors.md": errors_page(),
        DECISIONS / "README.md": decisions_page(DECISIONS),
    }


def stale(found: dict[Path, str]) -> list[str]:
    """A difference for each page whose file says something else."""
    return [text for path, wanted in found.items() if (text := _difference(path, wanted))]


def _difference(path: Path, wanted: str) -> str:
    written = path.read_text(encoding="utf-8") if path.is_file() else ""
    name = path.relative_to(ROOT)
    lines = difflib.unified_diff(
        written.splitlines(), wanted.splitlines(), f"{name}, as it is", f"{name}, as the code says", n=0, lineterm=""
    )
    return "\n".join(list(lines)[:20])


def renew_outputs(files: list[Path]) -> None:
    """Run the written pages, and write those again whose outputs are no longer true."""
    from docs_running import rewritten, run_page, written_pages

    for page in written_pages():
        with tempfile.TemporaryDirectory(prefix="basalt-docs-") as folder:
            text = page.read_text(encoding="utf-8")
            renewed = rewritten(text, run_page(page, Path(folder), *files))
        if renewed != text:
            page.write_text(renewed, encoding="utf-8")
            print(page.relative_to(ROOT))


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page is stale")
    parser.add_argument("--outputs", action="store_true", help="renew what the commands of written pages print")
    parser.add_argument("files", type=Path, nargs="*", help="with --outputs: files that pages work on, as LOBSTER's sample archive")
    given = parser.parse_args()
    if given.outputs:
        renew_outputs(given.files)
        return 0
    found = pages()
    if given.check:
        differences = stale(found)
        print("\n".join([*differences, REFRESH]) if differences else f"{len(found)} generated pages are up to date")
        return 1 if differences else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in found.items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure Basalt against hand-written Polars, and print ratios beside their goals.

uv run python -m benchmarks           # 10 million trades, 5 runs of each
uv run python -m benchmarks --quick   # 200 thousand trades, once: does it run?
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.cases import CASES
from benchmarks.data import ROWS, lakes
from benchmarks.measuring import MEMORY_GOAL, TIME_GOAL, Comparison, compare
from benchmarks.starts import HELP_GOAL, WORKER_GOAL, help_starts, worker_starts

QUICK_ROWS = 200_000


def main() -> None:
    """Measure and print."""
    asked = _arguments()
    made = lakes(asked.rows or (QUICK_ROWS if asked.quick else ROWS), asked.cache)
    repeats = asked.repeats or (1 if asked.quick else 5)
    console = Console(stderr=True)
    compared = []
    for lake in (made.own, made.foreign):
        for case in asked.cases:
            console.print(f"case {case} on the {lake.name} lake, {repeats} times each", style="dim")
            compared.append(compare(case, lake, repeats))
    first, later = worker_starts(4 * repeats)
    helped, typer = help_starts(2 * repeats)
    starts = {"worker_first": first, "worker_warm": later, "basalt_help": helped, "import_typer": typer}
    if asked.json:
        print(json.dumps({"cases": [each.as_dict() for each in compared], "starts": starts}, indent=2))
    else:
        Console(width=max(Console().width, 110)).print(_cases(compared), _starts(starts))


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Basalt against hand-written Polars.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} trades, once each")
    parser.add_argument("--rows", type=int, help=f"trades in the file (default {ROWS:,})")
    parser.add_argument("--repeats", type=int, help="runs of each side (default 5)")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES), help="which cases")
    parser.add_argument("--cache", type=Path, help="where the data are kept (default: the temporary folder)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _cases(compared: list[Comparison]) -> Table:
    table = Table(title="Basalt / hand-written Polars: medians; the ratio is the median over pairs")
    for name in (
        "case",
        "file",
        "same table",
        "by hand s",
        "run() s",
        "ratio",
        f"≤ {TIME_GOAL}",
        "first run",
        "command",
        "RSS MB",
        "ratio",
    ):
        table.add_column(name, justify="left" if name in ("case", "file") else "right")
    table.add_column(f"≤ {MEMORY_GOAL}")
    for each in compared:
        time_ratio = each.ratio("warm", "hand")
        table.add_row(
            each.case,
            each.lake,
            "yes" if each.agrees else "NO",
            f"{each.median('hand'):.2f}",
            f"{each.median('warm'):.2f}",
            f"{time_ratio:.2f}",
            _verdict(met=time_ratio <= TIME_GOAL),
            f"{each.ratio('first', 'hand'):.2f}",
            f"{each.ratio('command', 'hand_command'):.2f}",
            f"{each.median('hand_bytes') / 1e6:.0f} / {each.median('main_bytes') / 1e6:.0f} + {each.median('worker_bytes') / 1e6:.0f}",
            f"{each.memory_ratio:.2f}",
            _verdict(met=each.memory_ratio <= MEMORY_GOAL),
        )
    said = "; ".join(f"({name}) {what}" for name, what in CASES.items())
    table.caption = (
        f"{said}.\n"
        "run(): config to file, without interpreter start and imports on either side. first run: with the start of the\n"
        "server of workers, and the survey of a foreign file. command: whole processes. RSS: by hand / main + worker."
    )
    return table


def _starts(starts: dict[str, float]) -> Table:
    table = Table(title="Starts")
    for name in ("what", "ms", "against", "goal", ""):
        table.add_column(name)
    ratio = starts["basalt_help"] / starts["import_typer"]
    warm = starts["worker_warm"]
    table.add_row("first worker", f"{starts['worker_first'] * 1000:.0f}", "", "", "")
    table.add_row("later worker", f"{warm * 1000:.0f}", "", f"≤ {WORKER_GOAL * 1000:.0f} ms", _verdict(met=warm <= WORKER_GOAL))
    typer = f"{ratio:.2f} × import typer ({starts['import_typer'] * 1000:.0f} ms)"
    table.add_row("basalt --help", f"{starts['basalt_help'] * 1000:.0f}", typer, f"≤ {HELP_GOAL:.0f} ×", _verdict(met=ratio <= HELP_GOAL))
    return table


def _verdict(*, met: bool) -> str:
    return "[green]pass" if met else "[red]fail"


if __name__ == "__main__":
    main()

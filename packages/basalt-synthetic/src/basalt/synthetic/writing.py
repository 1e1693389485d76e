"""Writing simulated days into a lake."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from basalt.core.errors import ConflictingSettings, CorruptInput, InvalidValue, TargetFailed
from basalt.core.lake import LakeFile, lake_path
from basalt.core.tables import Table
from basalt.market.ticks import TICKSIZE
from basalt.synthetic.columns import Columns, Room
from basalt.synthetic.exchange import LAYOUTS, TABLES, market_of, plain_scenario, simulate_groups
from basalt.synthetic.market import universe
from basalt.synthetic.merging import Spill
from basalt.synthetic.scenario import Scenario
from basalt.synthetic.storing import store

METADATA_KEY = "basalt:synthetic"
REPLACEABLE = frozenset({TICKSIZE.name})
"""Tables of which files of others stay beside simulated ones: tick sizes of one's own (`basalt data ticks`)."""
MODEL = "6"
"""Version of the simulated market; grows whenever equal parameters give other rows."""


def text_of(scenario: Scenario) -> str:
    """The scenario and the model's version, as written files carry them."""
    return json.dumps({**scenario.model_dump(mode="json"), "model": MODEL}, sort_keys=True)


def digest_of(scenario: Scenario) -> str:
    """A short name that two scenarios do not share."""
    return hashlib.sha256(text_of(scenario).encode()).hexdigest()[:16]


def markets_of(scenario: Scenario) -> tuple[str, ...]:
    """Venues of the simulated market.

    Raises:
        InvalidValue: A parameter out of range.
    """
    return tuple(sorted({listing.venue.mic for listing in universe(scenario.listings, scenario.seed)}))


def write_day(
    root: str | Path, day: date, *, listings: int = 10, scale: float = 1.0, seed: int = 7, scenario: Scenario | None = None
) -> list[LakeFile]:
    """Write the tables of *day* into the lake at *root*, one file a table and venue.

    Files that an earlier call wrote with the same parameters stay as they are, and so do tick sizes
    of one's own; each other file appears whole or not at all. Some instruments are simulated at a time, so that memory does not
    grow with their number.

    Args:
        root: Folder of the lake; made if missing.
        day: Any date.
        listings, scale, seed: As in `simulate`.
        scenario: What the day is like; *listings*, *scale* and *seed* are then the scenario's.

    Returns:
        The files of the day, written now or before.

    Raises:
        ConflictingSettings: A file is there that other parameters, or something else, made.
        CorruptInput: A file is there that cannot be read.
        TargetFailed: The lake cannot be written.
        InvalidValue: A parameter out of range.
    """
    if "://" in str(root):
        raise InvalidValue(f"cannot simulate into {root}", hint="give a local folder, and copy it to the object store")
    chosen = scenario or plain_scenario(listings, scale, seed)
    places = [(table, mic) for table in TABLES for mic in markets_of(chosen)]
    present = {(table.name, mic): _present(Path(root), table, mic, day, chosen) for table, mic in places}
    missing = [(table, mic) for table, mic in places if present[table.name, mic] is None]
    written = {(file.table, file.mic): file for file in _write(Path(root), day, chosen, missing)}
    return [file for table, mic in places if (file := present[table.name, mic] or written.get((table.name, mic))) is not None]


def _present(root: Path, table: Table, mic: str, day: date, scenario: Scenario) -> LakeFile | None:
    """The file of *table*, if this scenario made it, or if others may make it; None without a file."""
    path = Path(lake_path(str(root), table, mic, day))
    if not path.exists():
        return None
    made_by, rows = _made_by(path)
    if made_by != text_of(scenario) and (made_by or table.name not in REPLACEABLE):
        raise ConflictingSettings(
            f"the lake holds other {table.name} of {mic} on {day}, made by {made_by or 'something else'}",
            where=str(path),
            hint="use another folder, or the same --listings, --scale, --seed and --scenario",
        )
    return LakeFile(table.name, mic, day, path, rows)


def _made_by(path: Path) -> tuple[str, int]:
    """The parameters that a file carries (empty for none), and its number of rows."""
    try:
        carried = pl.read_parquet_metadata(path).get(METADATA_KEY, "")
        return carried, int(pl.scan_parquet(path).select(pl.len()).collect().item())
    except pl.exceptions.PolarsError as problem:
        raise CorruptInput(f"cannot read the file: {problem}", where=str(path), hint="remove the file; it is simulated again") from problem


def _write(root: Path, day: date, scenario: Scenario, missing: Sequence[tuple[Table, str]]) -> list[LakeFile]:
    if not missing:
        return []
    with ExitStack() as open_files:
        spill, market = Spill(_folder_beside(root, open_files)), market_of(day, scenario)
        venues = np.array([listing.venue.mic for listing in market.listings])
        for part in simulate_groups(day, scenario):
            for name in dict.fromkeys(table.name for table, _ in missing):
                order = np.argsort(part[name].keys, kind="stable")
                mics = venues[part[name].whole[order, 0]]
                for mic in (mic for table, mic in missing if table.name == name):
                    spill.add((name, mic), part[name].take(order[mics == mic]), LAYOUTS[name].tie_place)
            del part  # the next one is made while this name would still hold it
        room, metadata = Room(kept=True), {METADATA_KEY: text_of(scenario)}
        files = []
        for table, mic in missing:
            layout = LAYOUTS[table.name]
            pieces = (Columns(layout, market, rows, room).made() for rows in spill.merged((table.name, mic)))
            files.append(store(root, layout, mic, day, pieces, metadata))
        return files


def _folder_beside(root: Path, open_files: ExitStack) -> Path:
    """A folder for parts, on the disk of the lake, that goes away in the end."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        return Path(open_files.enter_context(TemporaryDirectory(prefix=".parts-", dir=root)))
    except OSError as problem:
        message = f"cannot write the lake: {problem.strerror or problem}"
        raise TargetFailed(message, where=str(root), hint="give --lake a folder that you may write to") from problem

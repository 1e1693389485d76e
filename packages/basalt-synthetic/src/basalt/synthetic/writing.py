"""Writing simulated days into a lake."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from basalt.core.errors import ConflictingSettings, CorruptInput, InvalidValue
from basalt.core.lake import LakeFile, lake_path, write_lake_file
from basalt.core.tables import Table
from basalt.synthetic.exchange import TABLES, simulate
from basalt.synthetic.market import universe

METADATA_KEY = "basalt:synthetic"
MODEL = "2"
"""Version of the simulated market; grows whenever equal parameters give other rows."""


@dataclass(frozen=True)
class Parameters:
    """What a simulated day depends on, besides its date."""

    listings: int = 10
    scale: float = 1.0
    seed: int = 7

    def text(self) -> str:
        """The parameters and the model's version, as written files carry them."""
        return json.dumps({"listings": self.listings, "scale": float(self.scale), "seed": self.seed, "model": MODEL}, sort_keys=True)

    def digest(self) -> str:
        """A short name that two sets of parameters do not share."""
        return hashlib.sha256(self.text().encode()).hexdigest()[:16]

    def markets(self) -> tuple[str, ...]:
        """Venues of the simulated market.

        Raises:
            InvalidValue: A parameter out of range.
        """
        return tuple(sorted({listing.venue.mic for listing in universe(self.listings, self.seed)}))


def write_day(root: str | Path, day: date, *, listings: int = 10, scale: float = 1.0, seed: int = 7) -> list[LakeFile]:
    """Write the tables of *day* into the lake at *root*, one file a table and venue.

    Files that an earlier call wrote with the same parameters stay as they are; each other file
    appears whole or not at all.

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
    parameters = Parameters(listings, scale, seed)
    places = [(table, mic) for table in TABLES for mic in parameters.markets()]
    present = {(table.name, mic): _present(Path(root), table, mic, day, parameters) for table, mic in places}
    missing = [(table, mic) for table, mic in places if present[table.name, mic] is None]
    written = {(file.table, file.mic): file for file in _write(Path(root), day, parameters, missing)}
    return [file for table, mic in places if (file := present[table.name, mic] or written.get((table.name, mic))) is not None]


def _present(root: Path, table: Table, mic: str, day: date, parameters: Parameters) -> LakeFile | None:
    """The file of *table*, if these parameters made it; None without a file."""
    path = Path(lake_path(str(root), table, mic, day))
    if not path.exists():
        return None
    made_by, rows = _made_by(path)
    if made_by != parameters.text():
        raise ConflictingSettings(
            f"the lake holds other {table.name} of {mic} on {day}, made by {made_by or 'something else'}",
            where=str(path),
            hint="use another folder, or the same --listings, --scale and --seed",
        )
    return LakeFile(table.name, mic, day, path, rows)


def _made_by(path: Path) -> tuple[str, int]:
    """The parameters that a file carries (empty for none), and its number of rows."""
    try:
        carried = pl.read_parquet_metadata(path).get(METADATA_KEY, "")
        return carried, int(pl.scan_parquet(path).select(pl.len()).collect().item())
    except pl.exceptions.PolarsError as problem:
        raise CorruptInput(f"cannot read the file: {problem}", where=str(path), hint="remove the file; it is simulated again") from problem


def _write(root: Path, day: date, parameters: Parameters, missing: Iterable[tuple[Table, str]]) -> list[LakeFile]:
    wanted = list(missing)
    if not wanted:
        return []
    tables = simulate(day, listings=parameters.listings, scale=parameters.scale, seed=parameters.seed)
    venues = {mic: rows["ListingId"].to_list() for (mic,), rows in tables["reference"].partition_by("MIC", as_dict=True).items()}
    metadata = {METADATA_KEY: parameters.text()}
    return [
        write_lake_file(root, table, mic, day, tables[table.name].filter(pl.col("ListingId").is_in(venues[mic])), metadata=metadata)
        for table, mic in wanted
    ]

"""What can go wrong, said in three parts: what, where, what to do.

Every error of Basalt derives from `BasaltError` and carries `.where` (a config path, a file, a
plugin, a column), `.hint` (what to do next) and the exit code of a worker or command that ends
with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar, Self

SHORTEST_PART = 3
"""Letters of a name's part that is told from chance."""


class BasaltError(Exception):
    """Base of all errors of Basalt.

    Args:
        what: One sentence that says what is wrong.
        where: The place: a config path, a file, a plugin, a column.
        hint: What the reader can do about it.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        advice = f"\n  {self.hint}" if self.hint else ""
        return f"{self.what}{place}{advice}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.hint))

    def located(self, where: str) -> Self:
        """The same error with *where* in front of its own place."""
        joined = (
            where if self.where is None else f"{where}{'' if self.where.startswith('[') else '.' if _is_path(where) else ': '}{self.where}"
        )
        return type(self)(self.what, where=joined, hint=self.hint)


def _is_path(where: str) -> bool:
    """Whether *where* is a config path that goes on, rather than a file."""
    return not any(mark in where for mark in "/: ") and not where.endswith((".py", ".yaml", ".yml")) and where != "config"


def _rebuild(kind: type[BasaltError], what: str, where: str | None, hint: str | None) -> BasaltError:
    return kind(what, where=where, hint=hint)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """A hint that names the spelling closest to *name* among *known*, or lists a few of them."""
    names = sorted({str(each) for each in known})
    close = get_close_matches(name, names, n=2, cutoff=0.6)
    if not close:
        lowered = {each.lower(): each for each in names}
        close = [lowered[each] for each in get_close_matches(name.lower(), list(lowered), n=2, cutoff=0.6)]
    if not close and len(name) >= SHORTEST_PART:
        close = [each for each in names if name.lower() in each.lower()][:2]
    if close:
        return "did you mean " + " or ".join(repr(each) for each in close) + "?"
    if not names:
        return None
    shown = ", ".join(repr(each) for each in names[:8])
    return f"known: {shown}" + (f" and {len(names) - 8} more" if len(names) > 8 else "")


# ---------------------------------------------------------------- config


class ConfigError(BasaltError):
    """The user's config or command line is wrong."""

    exit_code = 64


class UnknownName(ConfigError):
    """A name that nothing answers to."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], *, where: str | None = None, hint: str | None = None) -> Self:
        """An unknown *name* of a *kind*, with the nearest *known* one as the hint."""
        near = nearest(name, known)
        gap = " " if near is None or near.endswith("?") else "; "
        return cls(f"unknown {kind} {name!r}", where=where, hint=gap.join(part for part in (near, hint) if part) or None)


class InvalidValue(ConfigError):
    """A value outside of what its setting allows."""


class ConflictingSettings(ConfigError):
    """Settings that exclude each other."""


# ---------------------------------------------------------------- plugins


class PluginError(BasaltError):
    """A plugin does not keep its side of the contract."""

    exit_code = 64


class PluginLoadFailed(PluginError):
    """A plugin's module cannot be imported."""


class BadOffer(PluginError):
    """A hook returned something that is not an offer of its kind."""


class DuplicateName(PluginError):
    """Two plugins offer one name."""


# ---------------------------------------------------------------- planning


class PlanError(BasaltError):
    """The config cannot become a plan."""

    exit_code = 64


class MissingColumn(PlanError):
    """A formula reads a column that no table and no analytic provides."""


class MissingTable(PlanError):
    """A pass reads a table that no source, preprocessor or earlier pass provides."""


class CyclicInputs(PlanError):
    """Passes or analytics that need each other."""


class ColumnClash(PlanError):
    """Two measures of a pass want one column name."""


class CannotRollUp(PlanError):
    """A column without a roll-up rule, or without the supporting columns of its rule."""


class BucketConflict(PlanError):
    """Two bucket conventions that do not fit each other."""


class CannotFit(PlanError):
    """A task that would not fit the memory of its worker."""


# ---------------------------------------------------------------- data


class DataError(BasaltError):
    """The data are not what their contract says."""

    exit_code = 65


class SchemaMismatch(DataError):
    """Columns or types differ from the table's contract."""


class UnsortedInput(DataError):
    """Rows are not in the declared order."""


class DuplicateRows(DataError):
    """Rows that occur twice."""


class CorruptInput(DataError):
    """A file that cannot be read."""


class MissingData(DataError):
    """No data for a table, market or day that the run needs."""


class CheckFailed(DataError):
    """A result breaks what the plan promised."""


# ---------------------------------------------------------------- running


class RunError(BasaltError):
    """A run cannot go on."""

    exit_code = 70


class TaskFailed(RunError):
    """A task ended without a result, after all its tries."""


class OutOfMemory(RunError):
    """A worker got no more memory, though its listings were divided as far as they can be."""

    exit_code = 137


class TargetFailed(RunError):
    """An output cannot be written."""


class TransientFailure(RunError):
    """A failure that may pass: the task is tried again."""

    exit_code = 75

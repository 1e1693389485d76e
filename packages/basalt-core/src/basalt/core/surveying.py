"""Surveying: the order and repetitions of rows in files, known from their footers or read once and remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from basalt.configuration.models import AnalyticsConfig
from basalt.core.errors import CorruptInput, DataError, DuplicateRows, SchemaMismatch, UnsortedInput
from basalt.core.inputs import Repair, TableInput
from basalt.core.isolation import run_each, usable_cores
from basalt.core.ledger import Ledger
from basalt.core.offers import Inventory, Source
from basalt.core.plans import Plan
from basalt.core.scanning import Survey, SurveyTask, survey
from basalt.core.tables import Table


@dataclass(frozen=True)
class Found:
    """A table in the first source that has it."""

    table: Table
    source: Source
    inventory: Inventory


def survey_inputs(
    bound: Plan, config: AnalyticsConfig, found: Mapping[str, Found], ledger: Ledger, notices: list[str]
) -> dict[str, TableInput]:
    """The tables of a run with what has to be done to their rows.

    Args:
        bound: The plan, bound to the columns that files have.
        config: Says what becomes of rows out of order and of repeated ones.
        found: Where each table is.
        ledger: Remembers the state of files.
        notices: What the user should know is added.

    Raises:
        DataError: A file is damaged, or has rows that the config says to refuse.
    """
    inputs = {}
    for name, each in found.items():
        surveys = _surveys(each, config, ledger)
        to_sort = _unsorted(name, surveys, config, notices)
        repeated = _duplicated(name, surveys, config, notices)
        repairs: dict[str, frozenset[Repair]] = {
            path: frozenset([*(["sort"] if path in to_sort else []), *(["drop repeated"] if path in repeated else [])])  # type: ignore[list-item]
            for path in to_sort | repeated
        }
        stored = each.inventory.columns
        facts = each.table.scanned(stored or (), each.inventory.facts)
        order = [column for column in (*each.table.order, *each.table.identity) if stored is None or column in stored]
        columns = tuple(dict.fromkeys((*bound.raw_reads[name], *((each.table.time,) if each.table.time else ()), *order)))
        inputs[name] = TableInput(each.table, each.source, each.inventory.files, columns, repairs, facts)
    return inputs


def _surveys(each: Found, config: AnalyticsConfig, ledger: Ledger) -> list[Survey]:
    """What is known of each file; files that no Basalt wrote are read once, and remembered."""
    if not each.table.time:
        return []
    known, unknown = [], []
    for file in each.inventory.files:
        if file.stamp.endswith("-ordered"):
            continue
        remembered = ledger.surveyed(file.path, file.stamp)
        if remembered is None:
            unknown.append(file)
        else:
            known.append(Survey(**remembered))
    options = tuple(config.s3_storage_options.items())
    stored = replace(each.table, derived=())  # a survey needs no derived columns, whose functions a process may not find
    tasks = [SurveyTask(stored, file, options) for file in unknown]
    known += [_remembered(ended.result, ended.work, ledger) for ended in run_each(survey, tasks, usable_cores())]
    return sorted(known, key=lambda one: one.path)


def _remembered(result: Survey | CorruptInput | SchemaMismatch | None, task: SurveyTask, ledger: Ledger) -> Survey:
    if isinstance(result, DataError):
        raise result
    if result is None:
        raise CorruptInput("the file could not be read", where=task.file.path, hint="the process that read it died: write the file again")
    ledger.record_survey(result.path, result.stamp, vars(result))
    return result


def _unsorted(name: str, surveys: Sequence[Survey], config: AnalyticsConfig, notices: list[str]) -> frozenset[str]:
    found = [each for each in surveys if not each.is_sorted]
    if found and config.unsorted_input == "raise":
        first = found[0]
        raise UnsortedInput(
            f"{name}: row {first.unsorted_at} is out of order",
            where=first.path,
            hint="sort the file, or let Basalt do it: UNSORTED_INPUT: sort",
        )
    if found:
        notices.append(f"{name}: {len(found)} files are not in order and are sorted on reading")
    return frozenset(each.path for each in found)


def _duplicated(name: str, surveys: Sequence[Survey], config: AnalyticsConfig, notices: list[str]) -> frozenset[str]:
    found = [each for each in surveys if each.duplicates]
    if not found:
        return frozenset()
    count = sum(each.duplicates for each in found)
    if config.duplicate_rows == "raise":
        first = found[0]
        raise DuplicateRows(
            f"{name}: {first.duplicates} rows occur twice, the first at row {first.duplicate_at}",
            where=first.path,
            hint="repair the file, or say what to do: DUPLICATE_ROWS: drop (or keep)",
        )
    notices.append(f"{name}: {count} rows occur twice and are {'dropped' if config.duplicate_rows == 'drop' else 'kept'}")
    return frozenset(each.path for each in found) if config.duplicate_rows == "drop" else frozenset()

"""Places: where a run will write, looked at before it reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from basalt.core.catalog import Catalog
from basalt.core.errors import ConflictingSettings
from basalt.core.offers import Slot
from basalt.core.plans import PassPlan, Plan


def check_places(planned: Plan, shelf: Catalog) -> None:
    """Refuse outputs that cannot be written, and two that would share one place.

    Raises:
        ConflictingSettings: Two outputs would share one place.
        TargetFailed: A place cannot be written.
    """
    slots: dict[tuple[str, str], list[Slot]] = {}
    options: dict[tuple[str, str], Any] = {}
    for each in planned.passes:
        for target in each.targets:
            key = (target.type, target.options.model_dump_json())
            options[key] = target.options
            slots.setdefault(key, []).extend(written_slots(each))
    taken: dict[tuple[str, str], Slot] = {}
    for key, wanted in slots.items():
        made = shelf.find("output_targets", key[0]).make()
        made.check(options[key], wanted)
        for slot in wanted:
            place = (key[0], made.location(options[key], slot))
            if place in taken:
                raise ConflictingSettings(
                    f"two outputs share {place[1]!r}: {taken[place].dataset} and {slot.dataset}",
                    where="path_template",
                    hint="put {datasetname} into path_template",
                )
            taken[place] = slot


def written_slots(planned: PassPlan) -> list[Slot]:
    """Everything that a pass writes: its rows, then its side tables."""
    main = list(planned.slots) if planned.queries or planned.steps else []
    sides = [table for table in planned.side_tables if table.is_written]
    return main + [replace(slot, dataset=f"{slot.dataset}_{table.name}") for table in sides for slot in planned.slots]

# SPDX-License-Identifier: Apache-2.0
"""Processor load of rented machines as it was measured: a table that a monitoring system exports."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lichen.collect.declared.table import Column, Row, read_table

if TYPE_CHECKING:
    import ibis.expr.types as ir

_COLUMNS: Final = (
    Column(name="resource", others=("resource id", "instance", "instance id", "ressource"), required=True),
    Column(name="cpu", others=("utilisation", "utilization", "cpu utilisation", "cpu utilization", "load"), required=True),
    Column(name="day", others=("date", "jour")),
    Column(name="from", others=("first day", "start", "du")),
    Column(name="to", others=("last day", "end", "au")),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Mean processor load of a resource.

    Attributes:
        resource: identifier, as the bill has it.
        cpu: share of all its processors, 0 to 1.
        first, last: days that it was measured on, both included.
    """

    resource: str
    cpu: float
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What of measured loads a bill has.

    Attributes:
        resources: how many were measured.
        absent: those of which the bill has no line on a day that was measured, in the order of their names.
    """

    resources: int
    absent: tuple[str, ...]


def measured(charges: ir.Table, loads: ir.Table) -> ir.Table:
    """Resources of charges whose load was measured on a day that they are charged for.

    Args:
        charges: columns ``resource`` and ``day``; loads: ``resource``, ``first``, ``last``.

    Returns:
        Column ``resource``, each once.
    """
    spans = loads.rename(loaded="resource")
    on = [charges.resource == spans.loaded, charges.day >= spans.first, charges.day <= spans.last]
    return charges.semi_join(spans, on).select("resource").distinct()


def met(loads: Sequence[Load], found: Collection[str]) -> Met | None:
    """What of measured loads a bill has; None where none was measured.

    Args:
        found: as `measured` finds them.
    """
    resources = {load.resource for load in loads}
    return Met(resources=len(resources), absent=tuple(sorted(resources - set(found)))) if resources else None


def read_utilisation(path: Path) -> tuple[Load, ...]:
    """Loads of a table with the columns resource and cpu, and optionally day, or from and to; a row without is of all days.

    Raises:
        StorageError: the table cannot be read, a share is not from 0 to 1, or two rows tell the same day of a resource.
    """
    found: dict[str, list[tuple[Load, Row]]] = {}
    for row in read_table(path, _COLUMNS, "a table of utilisation"):
        load = _load(row)
        found.setdefault(load.resource, []).append((load, row))
    return tuple(load for rows in found.values() for load in _apart(rows))


def _load(row: Row) -> Load:
    cpu = row.decimal("cpu")
    if cpu is None:
        row.refuse("cpu is empty", "Fill it in, or remove the line.")
    if not 0 <= cpu <= 1:
        row.refuse(f"cpu is {cpu}", "Write a share from 0 to 1: 35 % is 0.35.")
    first, last, day = row.day("from"), row.day("to"), row.day("day")
    if day is not None and (first is not None or last is not None):
        row.refuse("This line has a day besides from and to", "Keep one of both ways.")
    if day is not None:
        first = last = day
    if first is not None and last is not None and last < first:
        row.refuse(f"to ({last}) is before from ({first})", "Turn them round.")
    return Load(resource=row.needed("resource"), cpu=float(cpu), first=first or date.min, last=last or date.max)


def _apart(rows: Sequence[tuple[Load, Row]]) -> Iterator[Load]:
    """Loads of one resource, the oldest first."""
    ordered = sorted(rows, key=lambda one: one[0].first)
    for (before, _), (after, row) in pairwise(ordered):
        if after.first <= before.last:
            row.refuse(f"{after.resource} has two loads for one day", "Give each day one, with from and to.")
    yield from (load for load, _ in ordered)

# SPDX-License-Identifier: Apache-2.0
"""Files of one import of which one is an earlier version of another: exports tell a growing month anew, each time in a folder of
its own.

Such a file has no charge that the later one lacks, and at least half of its charges have the very same amounts there: the last
day grows, earlier ones are corrected now and then. Parts of one bill lie in one folder, or tell of other days, accounts, services
or resources. Files are compared by their sums, and only those in different folders whose days and accounts contain one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Final

from lichen.collect.bills.line import AMOUNTS
from lichen.collect.bills.pipeline import CHARGES

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from lichen.collect.bills.engine import Engine
    from lichen.collect.bills.pipeline import BillFile, Pipeline

_SPAN: Final = ("period", "day", "payer", "account", "service", "resource")
_CHARGE: Final = (
    "day", "provider", "payer", "account", "service", "resource", "region", "meter", "operation", "unit", "charge", "pricing",
    "currency",
)  # fmt: skip
"""What versions tell alike; names and tags may change."""
_CANDIDATES: Final = 2
"""Later files that one is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A file and a later version of it, with the days that both tell."""

    file: str
    later: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spanned:
    file: BillFile
    charges: int
    lows: tuple[Any, ...]
    highs: tuple[Any, ...]

    def within(self, other: _Spanned) -> bool:
        """Whether all that it tells of may be in another file, too."""
        low = all(yours <= mine for mine, yours in zip(self.lows, other.lows, strict=True))
        return low and all(mine <= yours for mine, yours in zip(self.highs, other.highs, strict=True))


def find_copy(pipeline: Pipeline, files: Sequence[BillFile]) -> Copy | None:
    """A file that another one of them tells again; None where there is none.

    Args:
        pipeline: that has summed them.
    """
    if len({_folder(file) for file in files}) < 2:
        return None
    spans = [_spanned(pipeline, file) for file in files]
    known = sorted((one for one in spans if one is not None), key=lambda one: one.charges)
    for place, one in enumerate(known):
        later = [
            other for other in known[place + 1 :] if _folder(other.file) != _folder(one.file) and one.within(other)
        ]
        for other in later[:_CANDIDATES]:
            if _is_copy(pipeline, one.file, other.file):
                day = _SPAN.index("day")
                return Copy(file=one.file.name, later=other.file.name, first=one.lows[day], last=one.highs[day])
    return None


def _folder(file: BillFile) -> str:
    return file.name.rpartition("/")[0]


def _spanned(pipeline: Pipeline, file: BillFile) -> _Spanned | None:
    charges = _charges(pipeline, file)
    (row,) = _rows(
        pipeline.engine,
        charges.aggregate(
            charges=charges.count(),
            **{f"{name}_low": charges[name].min() for name in _SPAN},
            **{f"{name}_high": charges[name].max() for name in _SPAN},
        ),
    )
    if not row["charges"]:
        return None
    lows, highs = (tuple(row[f"{name}_{end}"] for name in _SPAN) for end in ("low", "high"))
    return _Spanned(file=file, charges=row["charges"], lows=lows, highs=highs)


def _is_copy(pipeline: Pipeline, one: BillFile, other: BillFile) -> bool:
    mine, theirs = _summed(_charges(pipeline, one)), _summed(_charges(pipeline, other, "other"))
    (all_of_it,) = _rows(pipeline.engine, mine.aggregate(charges=mine.count()))
    both = mine.join(theirs, list(_CHARGE), rname="{name}_later")
    same = reduce(and_, (both[name].identical_to(both[f"{name}_later"]) for name in AMOUNTS))
    (found,) = _rows(pipeline.engine, both.aggregate(there=both.count(), same=same.sum()))
    return bool(found["there"] == all_of_it["charges"] and 2 * (found["same"] or 0) >= found["there"])


def _charges(pipeline: Pipeline, file: BillFile, name: str = "one") -> ir.Table:
    return pipeline.engine.spooled([pipeline.spool / CHARGES / file.key], f"lichen_{name}")


def _summed(charges: ir.Table) -> ir.Table:
    return charges.group_by(list(_CHARGE)).aggregate(**{name: charges[name].sum() for name in AMOUNTS})


def _rows(engine: Engine, table: ir.Table) -> list[dict[str, Any]]:
    return [row for batch in engine.arrow(table) for row in batch.to_pylist()]

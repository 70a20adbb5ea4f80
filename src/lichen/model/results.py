# SPDX-License-Identifier: Apache-2.0
"""What evaluating a method gives, and how impacts are added: draws first, percentiles after."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from lichen.model import uncertainty
from lichen.model.method import Method
from lichen.nomenclature import Nomenclature
from lichen.records import DATA_METHODS, Impact, NotCovered, Phase, Total


@dataclass(frozen=True, slots=True)
class Computed:
    """An impact, and what computes the draws that its range was taken from."""

    impact: Impact
    draw: Callable[[], np.ndarray]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Result of one method on one list of activities."""

    method: Method
    factors_hash: str
    computed: tuple[Computed, ...]
    not_covered: tuple[NotCovered, ...]
    nomenclature: Nomenclature = field(repr=False)

    @property
    def impacts(self) -> tuple[Impact, ...]:
        """All impacts, in the order of activities and rules."""
        return tuple(c.impact for c in self.computed)

    def totals(self, entity_of: Callable[[Impact], str | None] = lambda impact: impact.entity) -> list[Total]:
        """Sums of impacts: draws are added first, percentiles taken after.

        Args:
            entity_of: where an impact is booked, e.g. its journey; None leaves it out. Default: its own entity.

        Returns:
            One row per entity, indicator, phase and accounting; indicators that cannot be added are left as they are.
        """
        cells: dict[tuple[str, str, Phase, str], list[Computed]] = {}
        for item in self.computed:
            entity = entity_of(item.impact)
            if entity is not None:
                impact = item.impact
                cells.setdefault((entity, impact.indicator, impact.phase, impact.accounting), []).append(item)
        return [
            _total(entity, rows)
            for (entity, indicator, _, _), rows in cells.items()
            if self.nomenclature.indicator(indicator).additive or len(rows) == 1
        ]

    def to_json(self) -> dict[str, Any]:
        """The output of the public contract for one method."""
        return {
            "method": {"id": self.method.method_id, "version": self.method.version, "factors_hash": self.factors_hash},
            "impacts": [impact.to_json() for impact in self.impacts],
            "totals": [total.to_json() for total in self.totals()],
            "not_covered": [row.to_json() for row in self.not_covered],
        }


def add(rows: Sequence[Computed]) -> tuple[float, np.ndarray, tuple[float | None, ...]]:
    """Value, draws and repetitions of a sum; exactly rounded, so the order of the rows does not matter.

    A repetition is known only where every row that has repetitions knows it, and None elsewhere; rows without repetitions are
    constants.
    """
    value = math.fsum(row.impact.value for row in rows)
    ordered = sorted(rows, key=lambda row: row.impact.impact_id)
    draws = np.zeros(uncertainty.DRAWS)
    for row in ordered:
        draws += row.draw()
    lengths = {len(row.impact.samples) for row in rows if row.impact.samples}
    if len(lengths) != 1:
        return value, draws, ()
    count = lengths.pop()
    columns = zip(*(row.impact.samples or (row.impact.value,) * count for row in rows), strict=True)
    samples = tuple(None if None in column else math.fsum(cast("tuple[float, ...]", column)) for column in columns)
    return value, draws, samples


def _total(entity: str, rows: Sequence[Computed]) -> Total:
    value, draws, samples = add(rows)
    low, high = uncertainty.bounds(draws)
    first = rows[0].impact
    return Total(
        entity=entity,
        indicator=first.indicator,
        phase=first.phase,
        accounting=first.accounting,
        value=value,
        low=low,
        high=high,
        unit=first.unit,
        shares=shares(rows),
        samples=samples,
    )


def shares(rows: Iterable[Computed]) -> dict[str, float]:
    """Share of a sum by data method, measured to proxy; sums to 1, empty when the sum is zero."""
    parts = {
        method: math.fsum(row.impact.value * row.impact.shares.get(method, 0.0) for row in rows)
        for method in DATA_METHODS
    }
    whole = math.fsum(parts.values())
    return {method: part / whole for method, part in parts.items() if part} if whole else {}

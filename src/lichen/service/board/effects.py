# SPDX-License-Identifier: Apache-2.0
"""Why a sum differs between two periods: other traffic, other figures per visit, other factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from lichen.portfolio.change import Line, explain
from lichen.service.board import lists, periods
from lichen.service.board.cells import MIXED
from lichen.service.board.reading import Look, by_ref
from lichen.service.board.shapes import Effects, Period
from lichen.service.board.units import Epochs
from lichen.store.queries import board as queries
from lichen.store.queries import sources
from lichen.store.queries.board import FigureFact

_ROUNDING = 1e-12
"""Share of a figure below which an effect is what the order of sums made, and told as none."""
_LATEST = 12
"""How many months later factors are kept for (`lichen.service.board.gathering.later_factors`)."""


class _Side(NamedTuple):
    """Visits of a thing over a period, its figure per visit, and the same under the factors of the other period."""

    visits: float
    per_visit: float | None
    restated: float | None


_NONE = _Side(0.0, None, None)


def effects(look: Look, application_ids: Sequence[str], left: Period, right: Period) -> Effects | None:
    """Why the sum of some applications differs between two periods; None while something of it is unknown.

    Journey by journey, where an application's figures are those of its journeys; as one, where a meter or a bill counts. The
    earlier period is restated: month by month with the factors of the month of the later one.
    """
    if not application_ids or right.start < left.start:
        return None
    applications = {
        period.name: by_ref(queries.of_refs(look.session, look.kind("application"), application_ids, *_span(period)))
        for period in (left, right)
    }
    as_one = {
        ref for found in applications.values() for ref, facts in found.items() if any(_is_mixed(one) for one in facts)
    }
    journeys = [one.id for one in queries.journeys(look.session, [one for one in application_ids if one not in as_one])]
    lines: list[Line] = []
    epochs = Epochs(look.context.workspace.factors)
    for level, refs in (("journey", journeys), ("application", sorted(as_one))):
        before, after = (
            _sides(look, level, refs, (period, other), epochs) for period, other in ((left, right), (right, None))
        )
        lines += [
            Line(
                volume_before=before.get(one, _NONE).visits,
                volume_after=after.get(one, _NONE).visits,
                published=before.get(one, _NONE).per_visit,
                restated=before.get(one, _NONE).restated,
                now=after.get(one, _NONE).per_visit,
            )
            for one in dict.fromkeys([*before, *after])
        ]
    if not any(line.volume_before for line in lines) or not any(line.volume_after for line in lines):
        return None
    found = explain(lines)
    if found is None:
        return None
    one = found.effects
    size = max(abs(one.before), abs(one.after)) * _ROUNDING
    volume, intensity, factors = (
        0.0 if abs(part) <= size else part for part in (one.volume, one.intensity, one.factor)
    )
    return Effects(
        before=one.before, volume=volume, intensity=intensity, factors=factors, after=one.after, unit=look.unit,
        rebound=found.rebound and intensity < 0,
    )  # fmt: skip


def _span(period: Period) -> tuple[date, date]:
    return period.start, periods.last_month(period)


def _is_mixed(fact: FigureFact) -> bool:
    return fact.source in (MIXED, "meter", "bill", "silent")


def _sides(
    look: Look, level: str, refs: Sequence[str], span: tuple[Period, Period | None], epochs: Epochs
) -> dict[str, _Side]:
    """Of each thing that has figures over a period. span: the period, and the one whose factors are taken; None: its own."""
    period, other = span
    kind = look.kind(level)
    facts = by_ref(queries.of_refs(look.session, kind, refs, *_span(period)))
    later = sources.later(look.session, kind, refs, *_span(period)) if other is not None else {}
    everybody = lists.visits_between(look, level, refs, *_span(period)) if level == "application" else {}
    found = {}
    for ref, rows in facts.items():
        # What a meter or a bill tells is of all visits, measured or not.
        visits = everybody.get(ref) or sum(row.units or 0.0 for row in rows)
        values = [row.value for row in rows]
        restated = [_restated(row, period, other, later, epochs) for row in rows]
        found[ref] = _Side(visits, _per(values, visits), _per(restated, visits))
    return found


def _restated(
    row: FigureFact,
    period: Period,
    other: Period | None,
    later: Mapping[tuple[str, date], list[tuple[date, float | None]]],
    epochs: Epochs,
) -> float | None:
    """A month under the factors of the month that it is compared with; None when that is too far away to be kept."""
    if other is None:
        return row.value
    months = (other.start.year - period.start.year) * 12 + other.start.month - period.start.month
    compared = periods.moved(row.period, months)
    if epochs.of(compared) == epochs.of(row.period):
        return row.value
    if months > _LATEST:
        return None
    known = [value for first, value in later.get((row.ref, row.period), []) if first <= compared]
    return known[-1] if known else row.value


def _per(values: Sequence[float | None], visits: float) -> float | None:
    if not visits or any(value is None for value in values):
        return None
    return sum(value or 0.0 for value in values) / visits

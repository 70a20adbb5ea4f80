# SPDX-License-Identifier: Apache-2.0
"""Two runs, or two periods of one application, side by side."""

from __future__ import annotations

from collections.abc import Mapping

from lichen.service import result
from lichen.service.board import lists, periods
from lichen.service.board.effects import effects
from lichen.service.board.figures import read_contents
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.run import summarise
from lichen.service.board.run_rows import ComparedRow
from lichen.service.board.shapes import Figure, Missing
from lichen.service.board.views import CompareView
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries
from lichen.store.queries.board import FigureFact

_SAME = 1e-9
"""Relative difference that rounding makes."""


def compare_runs(context: ServiceContext, left: str, right: str, seen: Visibility = EVERYTHING) -> CompareView | None:
    """Two runs of one application: figures of one functional unit of the journeys that both have.

    Returns:
        None when one of them does not exist or is not seen, or they are of two applications.

    Raises:
        StorageError: a run file cannot be read.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen)
        found = [queries.run(session, one) if len(one) >= 6 else [] for one in (left, right)]
        by_id = {one.id: one for one in look.applications}
        if any(len(rows) != 1 or rows[0].application_id not in by_id for rows in found):
            return None
        runs = [rows[0] for rows in found]
        if runs[0].application_id != runs[1].application_id:
            return None
        frame = look.frame()
    contents = read_contents(context, [run.run_id for run in runs])
    sides = [summarise(context, run.run_id, contents[run.run_id], look.method.method_id) for run in runs]
    caution = [
        code
        for code, differ in (
            ("other_machine", runs[0].host != runs[1].host),
            ("other_browser", runs[0].browser != runs[1].browser),
            ("other_journey", set(runs[0].journeys) != set(runs[1].journeys)),
        )
        if differ
    ]
    return CompareView(
        frame=frame,
        kind="runs",
        application=lists.named(by_id[runs[0].application_id]),
        left=runs[0].run_id,
        right=runs[1].run_id,
        measured_at=tuple(run.measured_at for run in runs),
        rows=tuple(_rows(*sides)),
        effects=None,
        caution=tuple(caution),
    )


def _rows(left: result.Result, right: result.Result) -> list[ComparedRow]:
    others = {one.name: one for one in right.journeys}
    return [
        _row(f"{journey.name}: {name}", _figure(journey.figures, name), _figure(others[journey.name].figures, name))
        for journey in left.journeys
        if journey.name in others
        for name in [*journey.figures.indicators, *journey.figures.counters]
    ]


def _figure(figures: result.Figures, name: str) -> tuple[Figure, float | None]:
    """A figure, and half of the interval that repeating its measurement gives."""
    if name in figures.indicators:
        found = figures.indicators[name]
        return (
            Figure(value=found.value, low=found.low, high=found.high, unit=found.unit, shares=dict(found.shares)),
            found.half_width,
        )
    counter = figures.counters.get(name)
    if counter is None:
        return Figure(value=None, unit="", missing=Missing.NOT_COVERED), None
    return Figure(value=counter.value, unit=counter.unit), counter.half_width


def _row(name: str, left: tuple[Figure, float | None], right: tuple[Figure, float | None]) -> ComparedRow:
    """Both are seen with the same factors, so that only repeatability says whether they differ."""
    (one, first), (two, second) = left, right
    change = two.value / one.value - 1 if one.value and two.value is not None else None
    return ComparedRow(
        name=name, left=one, right=two, change=change, verdict=_verdict(one.value, two.value, first, second)
    )


def _verdict(left: float | None, right: float | None, first: float | None, second: float | None) -> str:
    if left is None or right is None:
        return "unclear"
    difference = right - left
    if abs(difference) <= _SAME * max(abs(left), abs(right)):
        return "same"
    if first is None or second is None or abs(difference) <= (first**2 + second**2) ** 0.5:
        return "unclear"
    return "lower" if difference < 0 else "higher"


def compare_periods(
    context: ServiceContext,
    code: str,
    left: str,
    right: str,
    seen: Visibility = EVERYTHING,
) -> CompareView | None:
    """Two periods of one application; None when there is none with this code, or it is not seen.

    Raises:
        UsageError: a period that does not exist.
    """
    spans = periods.read(left), periods.read(right)
    with context.store.reading() as session:
        look = Look(context, session, seen, right)
        fact = next((one for one in look.applications if one.code == code), None)
        if fact is None:
            return None
        sides: list[Mapping[str, Figure]] = []
        for span in spans:
            found = queries.all_indicators(
                session, look.kind("application"), fact.id, span.start, periods.last_month(span)
            )
            by_name: dict[str, list[FigureFact]] = {}
            for one in found:
                by_name.setdefault(one.indicator, []).append(one)
            sides.append(
                {
                    name: look.figure(
                        rows, None, look.why("application", code, name, span),
                        unit=context.workspace.nomenclature.indicator(name).unit,
                    )[0]
                    for name, rows in by_name.items()
                }
            )  # fmt: skip
        rows = [
            _period_row(
                name, sides[0].get(name), sides[1].get(name), context.workspace.nomenclature.indicator(name).unit
            )
            for name in dict.fromkeys([HEADLINE, *sides[0], *sides[1]])
        ]
        return CompareView(
            frame=look.frame(),
            kind="periods",
            application=lists.named(fact),
            left=left,
            right=right,
            measured_at=(),
            rows=tuple(rows),
            effects=effects(look, [fact.id], *spans),
            caution=(),
        )


def _period_row(name: str, left: Figure | None, right: Figure | None, unit: str) -> ComparedRow:
    """Totals of two periods share their factors: what they differ by is not a matter of the model's range."""
    nothing = Figure(value=None, unit=unit, missing=Missing.NO_RUN)
    return _row(name, (left or nothing, 0.0), (right or nothing, 0.0))

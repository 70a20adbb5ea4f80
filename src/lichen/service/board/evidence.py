# SPDX-License-Identifier: Apache-2.0
"""What measurements say of actions: the runs before against those after, with an interval, or that they show nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from lichen.portfolio.actions import Action, BeforeAfter, RunFigure, before_after
from lichen.service.board import lists
from lichen.service.board.figures import read_contents
from lichen.service.board.reading import Look, by_ref
from lichen.service.board.rows import ActionRow
from lichen.service.board.shapes import MeasuredChange, Named
from lichen.service.board.units import Epochs, content_of, evaluate_values
from lichen.store.queries import board as queries
from lichen.store.queries.board import FigureFact

_WINDOW: Final = timedelta(days=90)


def with_evidence(look: Look, rows: Sequence[ActionRow]) -> tuple[ActionRow, ...]:
    """Actions, those that were done on a day with what the runs around it say."""
    ids = {one.code: one.id for one in look.applications}
    done = [row for row in rows if row.done_on is not None and row.application.code in ids]
    journeys: dict[str, list[tuple[str, Named]]] = {}
    for one in queries.journeys(look.session, {ids[row.application.code] for row in done}):
        journeys.setdefault(one.application_id, []).append((one.id, lists.named(one)))
    if not done:
        return tuple(rows)
    names = look.context.workspace.nomenclature
    epochs = Epochs(look.context.workspace.factors)
    additive = {name for name in names.names("indicator") if names.indicator(name).additive}
    return tuple(
        replace(row, measured=_measured(look, row, journeys.get(ids[row.application.code], ()), epochs))
        if row in done and row.indicator in additive
        else row
        for row in rows
    )


def _measured(
    look: Look, row: ActionRow, journeys: Sequence[tuple[str, Named]], epochs: Epochs
) -> MeasuredChange | None:
    """Of the journey that was measured most on both sides; None where the application has none that was."""
    assert row.done_on is not None  # noqa: S101 - the caller chose such rows
    action = Action(
        application=row.application.code, title=row.title, started_on=row.started_on, done_on=row.done_on,
        indicator=row.indicator,
    )  # fmt: skip
    span = min(row.started_on or row.done_on, row.done_on) - _WINDOW, row.done_on + _WINDOW
    kind = look.kind("journey", row.indicator, "run")
    facts = by_ref(queries.of_refs(look.session, kind, [ref for ref, _ in journeys], *span))
    found = [
        (before_after(action, _figures(look, row.indicator, name.code, facts[ref], epochs)), name)
        for ref, name in journeys
        if ref in facts
    ]
    if not found:
        return None
    best, journey = max(found, key=lambda one: min(one[0].runs_before, one[0].runs_after))
    return _told(best, journey, f"{row.unit}/visit")


def _figures(look: Look, indicator: str, journey: str, facts: Sequence[FigureFact], epochs: Epochs) -> list[RunFigure]:
    """Runs of a journey under the same factors: those of the newest of them."""
    known = [fact for fact in facts if fact.value is not None]
    values: Mapping[str, float] = {fact.run_id: fact.value or 0.0 for fact in known}
    if len({epochs.of(fact.period) for fact in known}) > 1:
        day = max(fact.period for fact in known)
        workspace = look.context.workspace
        contents = [
            (content_of(workspace, run_id, body), day)
            for run_id, body in read_contents(look.context, [fact.run_id for fact in known]).items()
        ]
        values = {
            unit.run_id: sum(
                value
                for key, value in found.items()
                if key.indicator == indicator and key.accounting == look.method.accounting
            )
            for unit, found in evaluate_values(workspace, look.method, contents, epochs).items()
            if unit.journey == journey
        }
    return [RunFigure(fact.period, values[fact.run_id]) for fact in known if fact.run_id in values]


def _told(found: BeforeAfter, journey: Named, unit: str) -> MeasuredChange:
    before = found.before

    def share(value: float | None) -> float | None:
        return None if value is None or not before else value / before

    return MeasuredChange(
        journey=journey, before=before, after=found.after, unit=unit, change=share(found.difference), low=share(found.low),
        high=share(found.high), evidence=str(found.evidence), runs_before=found.runs_before, runs_after=found.runs_after,
    )  # fmt: skip

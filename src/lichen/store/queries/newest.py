# SPDX-License-Identifier: Apache-2.0
"""What was measured last, whatever its traffic: one step of an index for each thing that is asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lichen.store.models import Application, Figure, Run
from lichen.store.queries.board import FigureFact, Kind, chosen, facts_of
from lichen.store.queries.figures import portions


def measured(session: Session) -> set[str]:
    """Ids of the applications that have a run."""
    has_run = select(Run.run_id).where(Run.application_id == Application.id).exists()
    return set(session.scalars(select(Application.id).where(has_run)))


def of_runs(session: Session, kind: Kind, refs: Collection[str]) -> dict[str, FigureFact]:
    """The figure of the newest run of some journeys.

    Args:
        kind: of granularity ``run``.
    """
    found: dict[str, FigureFact] = {}
    for ids in portions(refs):
        of_kind = (
            Figure.level == kind.level, Figure.ref.in_(ids), Figure.granularity == kind.granularity,
            Figure.indicator == kind.indicator, Figure.method == kind.method, Figure.factors_hash == kind.factors_hash,
            Figure.accounting == kind.accounting,
        )  # fmt: skip
        days = (
            select(Figure.ref, func.max(Figure.period, type_=Figure.period.type)).where(*of_kind).group_by(Figure.ref)
        )
        newest: dict[str, date] = {row[0]: row[1] for row in session.execute(days)}
        by_day: dict[date, list[str]] = {}
        for ref, day in newest.items():
            by_day.setdefault(day, []).append(ref)
        for day, members in by_day.items():
            query = chosen(kind).join(Run, Run.run_id == Figure.run_id)
            query = query.where(Figure.ref.in_(members), Figure.period == day).order_by(Run.measured_at)
            found.update((fact.ref, fact) for fact in facts_of(session, query))
    return found

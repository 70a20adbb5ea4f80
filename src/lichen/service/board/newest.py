# SPDX-License-Identifier: Apache-2.0
"""Figures of what was measured and has no traffic yet: of one visit, by the newest run of each journey."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from lichen.portfolio.estimate import Estimate, total
from lichen.service.board.reading import Look
from lichen.service.board.shapes import Figure, Missing
from lichen.store.queries import board as queries
from lichen.store.queries import newest
from lichen.store.queries.board import FigureFact


def per_run(look: Look, fact: FigureFact | None) -> Figure:
    """A row of a run as the figure of one functional unit."""
    unit = f"{look.unit}/visit"
    if fact is None:
        return Figure(value=None, unit=unit, missing=Missing.NO_RUN)
    return Figure(
        value=fact.value, low=fact.low, high=fact.high, unit=unit, shares=fact.shares, why=f"/runs/{fact.run_id}"
    )


def per_visit(look: Look, application_ids: Collection[str]) -> Mapping[str, Figure]:
    """The figure of one visit of some applications that were measured.

    The mean over their journeys: visits of which nobody said which journey they take are spread evenly, here as in months.
    """
    owner = {one.id: one.application_id for one in queries.journeys(look.session, application_ids)}
    facts: dict[str, list[FigureFact]] = {}
    for ref, fact in newest.of_runs(look.session, look.kind("journey", granularity="run"), list(owner)).items():
        facts.setdefault(owner[ref], []).append(fact)
    return {application: _mean(look, own) for application, own in facts.items()}


def _mean(look: Look, facts: Sequence[FigureFact]) -> Figure:
    of_newest = per_run(look, max(facts, key=lambda fact: fact.period))
    if len(facts) == 1:
        return of_newest
    parts = [Estimate(value=one.value, low=one.low, high=one.high, shares=one.shares) for one in facts]
    found = total(parts).total.per(len(parts))
    return replace(of_newest, value=found.value, low=found.low, high=found.high, shares=found.shares)

# SPDX-License-Identifier: Apache-2.0
"""An application in plain words: for business people, and, where its owners want one, behind a public link."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lichen.service.board import lists, periods
from lichen.service.board.effects import effects
from lichen.service.board.portfolio import Portfolio
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import Look
from lichen.service.board.run import heaviest_step
from lichen.service.board.shapes import Figure
from lichen.service.board.views import BusinessView, PublicView
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries
from lichen.store.queries.board import AppFact

_PUBLIC_ACTIONS = 5


def public(context: ServiceContext, key: str, *, period: str | None = None) -> PublicView | None:
    """What a public link shows; None when no application has this key.

    Raises:
        UsageError: a period that does not exist.
    """
    with context.store.reading() as session:
        row = queries.application_of_key(session, key)
        if row is None or not hmac.compare_digest(str(row.public_key), key):
            return None
        alone = Visibility(teams=frozenset(), applications=frozenset((row.id,)))
        look = Look(context, session, alone, period)
        return _public(look, look.applications[0], show_people=False)


def business(
    context: ServiceContext, code: str, seen: Visibility = EVERYTHING, *, period: str | None = None
) -> BusinessView | None:
    """The page of an application for business people; None when there is none with this code, or it is not seen.

    Raises:
        UsageError: a period that does not exist.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, period)
        fact = next((one for one in look.applications if one.code == code), None)
        if fact is None:
            return None
        measures = Portfolio(look, [fact]).lines[0].measures
        return BusinessView(
            public=_public(look, fact, show_people=True), frame=look.frame(), application=lists.named(fact),
            cost=measures.cost, value=measures.value, roi=measures.roi, business_owner=fact.business_owner or "",
            internal_price=look.organisation.internal_carbon_price if look.organisation else None,
        )  # fmt: skip


def _public(look: Look, fact: AppFact, *, show_people: bool) -> PublicView:
    portfolio = Portfolio(look, [fact])
    line = portfolio.lines[0]
    row = portfolio.shown([line])[0]
    frame = look.frame()
    before = periods.before(look.period)
    found = effects(look, [fact.id], before, look.period)
    change = found.after / found.before - 1 if found and found.before and found.after is not None else None
    done = [one for one in queries.actions(look.session, [fact.id]) if one.status == "done"]
    return PublicView(
        organisation=frame.organisation, sample=frame.sample, application=fact.name, period=look.period,
        visits=line.measures.visits, impact=line.measures.impact if show_people else _unlinked(line.measures.impact),
        per_visit=line.measures.per_visit if show_people else _unlinked(line.measures.per_visit), change=change,
        trend=row.trend, target=row.target, heaviest_step=_heaviest(look, fact),
        actions=tuple((one.title, one.done_on) for one in done[:_PUBLIC_ACTIONS]),
    )  # fmt: skip


def _unlinked(figure: Figure) -> Figure:
    """A figure without the address of its derivation, which only members may open."""
    return replace(figure, why="")


def _heaviest(look: Look, fact: AppFact) -> str:
    """The step of a visit that weighs most in the newest run, behind its journey where there are several."""
    runs: Sequence[Any] = queries.runs(look.session, [fact.id], limit=1)
    journey, step = heaviest_step(look, runs)
    if not step or len(runs[0].journeys) == 1:
        return step
    names = {one.code: one.name for one in queries.journeys(look.session, [fact.id])}
    return f"{names.get(journey) or journey}, {step}"

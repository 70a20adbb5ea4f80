# SPDX-License-Identifier: Apache-2.0
"""What a picture of an application shows: the figure of one visit, and its months."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from lichen.service.board.application import per_unit
from lichen.service.board.portfolio import Portfolio
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import Look
from lichen.service.board.shapes import Figure, Point
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """An application's figure of one visit in the newest full month, and by month."""

    name: str
    period: str
    per_visit: Figure
    points: tuple[Point, ...]
    sample: bool


def glance(context: ServiceContext, code: str, seen: Visibility = EVERYTHING) -> Glance | None:
    """An application by its code; None when there is none, or it is not seen."""
    with context.store.reading() as session:
        look = Look(context, session, seen)
        fact = next((one for one in look.applications if one.code == code), None)
        if fact is None:
            return None
        line = Portfolio(look, [fact]).lines[0]
        months = queries.of_refs(session, look.kind("application"), [fact.id], *look.trend_span)
        return Glance(
            name=fact.name, period=look.period.name, per_visit=line.measures.per_visit,
            points=tuple(per_unit(one) for one in months if one.units), sample=code in look.sample,
        )  # fmt: skip


def glance_of_key(context: ServiceContext, key: str) -> Glance | None:
    """An application by the secret of its public page; None when none has it."""
    with context.store.reading() as session:
        row = queries.application_of_key(session, key)
    if row is None or not hmac.compare_digest(str(row.public_key), key):
        return None
    return glance(context, row.code, Visibility(teams=frozenset(), applications=frozenset((row.id,))))

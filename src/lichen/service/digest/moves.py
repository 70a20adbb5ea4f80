# SPDX-License-Identifier: Apache-2.0
"""What moved in a week, and what is likely to be behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lichen.portfolio.change import explain
from lichen.service.digest.book import Book
from lichen.service.digest.model import Cause, Move
from lichen.service.digest.weeks import ApplicationWeeks, JourneyWeeks, Unit
from lichen.store.queries.digest import ChangeFact, DeployedFact

SHOWN: Final = 3
STILL: Final = 0.03
"""Relative change below which nothing moved: the smallest that a history is searched for, too."""
_VISITS: Final = 0.15
"""Relative change of visits below which nothing is said of them."""
_WORTH: Final = {"intensity": 0.002, "volume": 0.02}
"""Share of a usual week of the whole below which a move is not worth a line: what a team did counts for more than visits."""


def moves(book: Book, applications: Iterable[ApplicationWeeks], whole: float | None) -> list[Move]:
    """Moves of some applications: confirmed ones first, then the largest.

    Args:
        whole: gCO2e of a usual week of all of them; None when unknown.
    """
    found: list[Move] = []
    for one in applications:
        confirmed = list(_confirmed(book, one))
        found += confirmed
        if not any(move.indicator == book.look.indicator for move in confirmed):
            found += _intensities(book, one)
        found += _volume(book, one)
    worth = [one for one in found if one.kind == "change_point" or _is_worth(one, whole)]
    return sorted(
        worth, key=lambda one: (one.kind != "change_point", -abs(one.impact or 0.0), -abs(one.share), one.name)
    )


def _is_worth(move: Move, whole: float | None) -> bool:
    if move.impact is None or not whole:
        return move.kind == "intensity"
    return abs(move.impact) >= _WORTH[move.kind] * whole


def _confirmed(book: Book, application: ApplicationWeeks) -> Iterator[Move]:
    """Changes of histories that were confirmed in the week."""
    journeys = {one.journey_id: one for one in application.journeys}
    for change in book.changes.get(application.application_id, ()):
        journey = journeys.get(change.journey_id or "")
        week = None if journey is None else journey.value(book.monday)
        is_headline = change.indicator == book.look.indicator
        yield Move(
            kind="change_point", code=application.code, name=application.name,
            journey="" if journey is None else journey.name, indicator=change.indicator,
            share=change.change, low=change.low, high=change.high, on=change.at_day,
            impact=week * change.change / (1 + change.change) if week and is_headline and change.change > -1 else None,
            cause=_told(book, application, change),
        )  # fmt: skip


def _told(book: Book, application: ApplicationWeeks, change: ChangeFact) -> Cause | None:
    if change.deployment_id is not None:
        for one in book.deployments.get(application.application_id, ()):
            if one.id == change.deployment_id:
                return _deployment(one)
    return Cause(kind="told", text=change.cause) if change.cause else None


def _deployment(one: DeployedFact) -> Cause:
    return Cause(kind="deployment", version=one.version or "", commit=one.commit or "", on=one.at.date())


def _intensities(book: Book, application: ApplicationWeeks) -> Iterator[Move]:
    """What the newest run of the week says of the one before: journeys that went the same way are one move."""
    pairs = [(one, *pair) for one in application.journeys if (pair := one.new_run(book.monday)) is not None]
    rows = [(one, was, now, share) for one, was, now in pairs if abs(share := _share(was, now)) >= STILL]
    for up in (True, False):
        chosen = [row for row in rows if (row[3] > 0) == up]
        if chosen:
            yield _intensity(book, application, chosen)


def _share(was: Unit, now: Unit) -> float:
    """How much one run differs from another; not at all when one of them is unknown."""
    return now.value / was.value - 1 if was.value and now.value is not None else 0.0


def _intensity(
    book: Book, application: ApplicationWeeks, rows: Sequence[tuple[JourneyWeeks, Unit, Unit, float]]
) -> Move:
    known = book.monday in application.complete
    visits = [one.visits.get(book.monday, 0.0) if known else 1.0 for one, *_ in rows]
    before = math.fsum(count * (was.value or 0.0) for count, (_, was, _, _) in zip(visits, rows, strict=True))
    after = math.fsum(count * (now.value or 0.0) for count, (_, _, now, _) in zip(visits, rows, strict=True))
    _, was, now, share = rows[0]
    whole = len(rows) == len(application.journeys)
    return Move(
        kind="intensity", code=application.code, name=application.name,
        journey="" if whole else ", ".join(one.name for one, *_ in rows),
        share=after / before - 1 if before else share, impact=after - before if known else None, on=now.day,
        cause=_between(book.deployments.get(application.application_id, ()), was, now),
    )  # fmt: skip


def _between(deployments: Sequence[DeployedFact], was: Unit, now: Unit) -> Cause | None:
    """Deployments after one run and up to another."""
    between = [one for one in deployments if was.day < one.at.date() <= now.day]
    if not between:
        return None
    last = between[-1]
    if len(between) == 1:
        return _deployment(last)
    return Cause(
        kind="deployments", version=last.version or "", commit=last.commit or "", on=last.at.date(), count=len(between),
        since=was.day,
    )  # fmt: skip


def _volume(book: Book, application: ApplicationWeeks) -> Iterator[Move]:
    """Visits of an application against those of the weeks before."""
    effects = application.effects(book.monday)
    found = explain(effects) if effects else None
    if found is None:
        return
    before = sum(one.volume_before or 0.0 for one in effects)
    after = sum(one.volume_after or 0.0 for one in effects)
    if before and abs(after / before - 1) >= _VISITS:
        yield Move(
            kind="volume", code=application.code, name=application.name, share=after / before - 1,
            impact=found.effects.volume,
        )  # fmt: skip

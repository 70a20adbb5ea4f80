# SPDX-License-Identifier: Apache-2.0
"""Looks through all histories for changes, names the deployment that is likely to have made each, and keeps what is confirmed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from lichen.errors import ActivityError
from lichen.service.context import ServiceContext
from lichen.service.history_watch.readings import PREFIX, RUNS_KEPT, Reading, Readings
from lichen.service.history_watch.series import Cut, DayPoint, points
from lichen.stats.changepoint import SAME_WITHIN, SEGMENT_MIN, Change, changes, confirmed
from lichen.store import Session
from lichen.store.models import RESTATED, ChangeCandidate, ChangePoint, Deployment, Journey
from lichen.store.queries import landing
from lichen.store.queries import watching as queries
from lichen.store.queries.watching import Watched

RECENT: Final = 20
"""Points after a change within which finding it is news."""
_SEEN: Final = "history.seen"
"""Key of the setting that says what each application's histories looked like when they were evaluated last."""
_CANDIDATES_KEPT: Final = timedelta(days=120)
_DEPLOYMENTS: Final = 200
_COMMIT_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Found:
    """What an evaluation came to: histories looked at, changes confirmed for the first time, applications that failed."""

    series: int
    changes: tuple[str, ...]
    failures: tuple[str, ...] = ()


def evaluate(context: ServiceContext, applications: Collection[str] | None = None) -> Found:
    """Looks at every history that something was added to.

    Args:
        applications: codes of those to look at, in any case; None: all that have news.

    Raises:
        StorageError: the store or the ledger is away.
    """
    with context.store.reading() as session:
        readings = Readings(context, _names(context, session))
        everything = queries.applications(session)
        seen = landing.setting(session, _SEEN) or {}
        now = {one.id: _fingerprint(session, one.id, readings.pin) for one in everything}
    series, told, failures = 0, list[str](), list[str]()
    for one in everything:
        if one.code not in applications if applications is not None else seen.get(one.id) == now[one.id]:
            continue
        try:
            looked_at, ids = _evaluate(context, readings, one)
        except ActivityError as error:  # one application's run must not keep the others from being looked at
            failures.append(f"{one.code}: {error.sentence()}")
            continue
        series += looked_at
        told += ids
        seen = {**seen, one.id: now[one.id]}
    known = {one.id for one in everything}
    with context.store.session() as session:
        queries.forget_candidates(session, context.clock().date() - _CANDIDATES_KEPT)
        queries.forget_settings(session, PREFIX, known)
        landing.put_setting(session, _SEEN, {ref: word for ref, word in seen.items() if ref in known})
    return Found(series, tuple(told), tuple(failures))


def _names(context: ServiceContext, session: Session) -> list[str]:
    """What is read from runs: what is watched, and what a visit has a budget of."""
    nomenclature = context.workspace.nomenclature
    known = {*nomenclature.names("indicator"), *nomenclature.names("quantity")}
    of_budgets = {one.indicator_or_quantity for one in queries.budgets(session, context.clock().date())}
    return [name for name in dict.fromkeys((*context.settings.alerts.watch, *sorted(of_budgets))) if name in known]


def _fingerprint(session: Session, application_id: str, pin: Sequence[Any]) -> str:
    """What an evaluation follows from: it changes when the evaluation may."""
    runs = queries.runs(session, application_id, RUNS_KEPT)
    deployed = queries.deployments(session, [application_id], 1)
    facts = [
        list(pin), [run.run_id for run in runs], [one.id for one in deployed],
        [mark.id for mark in queries.marks(session, application_id)],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _evaluate(context: ServiceContext, readings: Readings, application: Watched) -> tuple[int, list[str]]:
    updated = readings.update(application.id)
    with context.store.reading() as session:
        cuts = cuts_of(session, application.id)
        journeys = queries.journeys(session, application.id)
        deployments = queries.deployments(session, [application.id], _DEPLOYMENTS)
        known = queries.change_points(session, [application.id])
    suspected: list[tuple[str, date, list[ChangeCandidate]]] = []
    rows: list[ChangePoint] = []
    count = 0
    for journey in journeys:
        for name in context.settings.alerts.watch:
            history = points(updated.readings, journey.code, name, cuts)
            if len(history) < 2 * SEGMENT_MIN:
                continue
            count += 1
            values = [point.value for point in history]
            of_it = f"{application.id}/{journey.id}/{name}"
            suspected.append((of_it, history[-1].day, _candidates(of_it, history, changes(values))))
            rows += [
                _row(
                    (application.id, journey, name),
                    history,
                    change,
                    deployments,
                    quiet=updated.restated or updated.is_new,
                )
                for change in confirmed(values)
            ]
    today = context.clock().date()
    with context.store.session() as session:
        for of_it, day, candidates in suspected:
            queries.replace_candidates(session, of_it, day, candidates)
        return count, _keep(session, rows, known, updated.readings, today)


def cuts_of(session: Session, application_id: str) -> tuple[Cut, ...]:
    """Cuts of an application's histories that people and programs have marked."""
    return tuple(Cut(mark.at, mark.kind, mark.text) for mark in queries.marks(session, application_id))


def _candidates(series: str, history: Sequence[DayPoint], found: Iterable[Change]) -> list[ChangeCandidate]:
    return [
        ChangeCandidate(
            series=series, evaluated_on=history[-1].day, at_day=history[one.index].day, change=one.change, p=one.p
        )
        for one in found
    ]


def _row(
    place: tuple[str, Journey, str],
    history: Sequence[DayPoint],
    change: Change,
    deployments: Sequence[Deployment],
    *,
    quiet: bool,
) -> ChangePoint:
    application_id, journey, name = place
    likely = likely_deployment(history, change, deployments)
    is_old = len(history) - change.index > RECENT
    cause = None if likely is None else told(likely)
    return ChangePoint(
        application_id=application_id, journey_id=journey.id, indicator=name, at_day=history[change.index].day,
        change=change.change, low=change.low, high=change.high, deployment_id=None if likely is None else likely.id,
        cause=RESTATED if quiet or is_old else cause,
    )  # fmt: skip


def likely_deployment(
    history: Sequence[DayPoint], change: Change, deployments: Iterable[Deployment]
) -> Deployment | None:
    """The deployment nearest before a change, within what is known of the change's place; None: none was near.

    Args:
        history: whose positions the change tells.
        change: its first new point lies between ``earliest`` and ``latest``; what made it happened before that point and after
            the one before.
    """
    first, last = history[max(change.earliest - 1, 0)].at, history[change.latest].at
    place = history[change.index].at
    near = [one for one in deployments if first <= one.at <= last]
    before = [one for one in near if one.at <= place]
    if before:
        return max(before, key=lambda one: (one.at, one.id))
    return min(near, key=lambda one: (one.at, one.id), default=None)


def told(deployment: Deployment) -> str:
    """A deployment in few words: its version and commit."""
    commit = (deployment.commit or "")[:_COMMIT_SHOWN]
    return " ".join(word for word in (deployment.version or "", f"({commit})" if commit else "") if word) or (
        f"{deployment.at:%Y-%m-%d %H:%M} UTC"
    )


def _keep(
    session: Session,
    rows: Iterable[ChangePoint],
    known: Iterable[ChangePoint],
    readings: Sequence[Reading],
    today: date,
) -> list[str]:
    """Adds changes that are not kept yet; one that moved by a point or two is the same.

    Returns:
        Ids of those that are new.
    """
    days = sorted({one.at.date() for one in readings})
    place = {day: position for position, day in enumerate(days)}
    listed = list(known)
    new: list[str] = []
    for row in rows:
        same = next((one for one in listed if _is_same(one, row, place)), None)
        if same is None:
            row.confirmed_on = today
            session.add(row)
            session.flush()
            listed.append(row)
            new.append(row.id)
        elif (kept := session.get(ChangePoint, same.id)) is not None:
            for name in ("at_day", "change", "low", "high", "deployment_id"):
                setattr(kept, name, getattr(row, name))
            if kept.cause != RESTATED and row.cause != RESTATED:
                kept.cause = row.cause
    return new


def _is_same(one: ChangePoint, other: ChangePoint, place: dict[date, int]) -> bool:
    if (one.journey_id, one.indicator) != (other.journey_id, other.indicator):
        return False
    if one.at_day in place and other.at_day in place:
        return abs(place[one.at_day] - place[other.at_day]) <= SAME_WITHIN
    return abs((one.at_day - other.at_day).days) <= SAME_WITHIN

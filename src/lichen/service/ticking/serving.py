# SPDX-License-Identifier: Apache-2.0
"""Does what is due, once for each moment, however many processes ask.

A moment is served by the row that says so. Who serves it holds a lease meanwhile, so that a row without an end and without a
lease tells of somebody who was killed: the work is done again. What was missed while nobody asked is done once, not once for each
moment.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from lichen import redact
from lichen.errors import LichenError, StorageError, StoreConflict
from lichen.service.context import ServiceContext
from lichen.service.quiet import zone_of
from lichen.service.ticking.due import last_due, next_due
from lichen.service.ticking.jobs import Counts, Work
from lichen.store import Session
from lichen.store.lease import Lease
from lichen.store.models import JobRun
from lichen.store.queries import schedule as queries

GRACE: Final = timedelta(hours=1)
"""How late a time of the day is still served when a job is seen for the first time; earlier ones are let go."""
RETRY_AFTER: Final = timedelta(minutes=15)
RETRY_FOR: Final = timedelta(hours=6)
"""What failed is tried again after a while, for some hours."""
AHEAD: Final = timedelta(days=1)
"""Moments farther in the future were served while a clock was wrong, and do not count."""
_LEASE_S: Final = 60.0

Outcome = Literal["done", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What was done for a moment.

    Attributes:
        outcome: ``done``, ``failed``, or ``skipped`` for a time long before the job was first seen.
        counts: what it came to. problem: why it failed, one sentence.
    """

    job: str
    due_at: datetime
    outcome: Outcome
    counts: Counts
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A piece of work: since when it is due (None: it is not), and when it is due next."""

    job: str
    due_at: datetime | None
    next_at: datetime


def plan(context: ServiceContext, work: Sequence[Work]) -> list[Planned]:
    """What is due, and when the rest will be; nothing is done."""
    now, zone = context.clock(), zone_of(context.settings.notify)
    found = []
    with context.store.reading() as session:
        for one in work:
            due = last_due(one.at, now, zone)
            is_due = _state(session, one, due, now) == "due"
            found.append(Planned(job=one.name, due_at=due if is_due else None, next_at=next_due(one.at, now, zone)))
    return found


def serve_due(context: ServiceContext, work: Sequence[Work]) -> list[Served]:
    """Does what is due and nobody else does, in order; one that fails does not keep the others from being done.

    Raises:
        StorageError: the store cannot be read or written.
    """
    found = (_serve(context, one) for one in work)
    return [one for one in found if one is not None]


def _serve(context: ServiceContext, work: Work) -> Served | None:
    now = context.clock()
    due = last_due(work.at, now, zone_of(context.settings.notify))
    with context.store.reading() as session:
        state = _state(session, work, due, now)
    if state == "served":
        return None
    lease = Lease(context.store, f"tick/{work.name}", ttl_s=_LEASE_S)
    if not lease.acquire():
        return None
    try:
        if not _begin(context, work, due, now, skipped=state == "long past"):
            return None
        if state == "long past":
            return Served(job=work.name, due_at=due, outcome="skipped", counts={})
        with _held(lease):
            served = _done(context, work, due)
        _end(context, served)
    finally:
        with suppress(StorageError):
            lease.release()
    return served


def _state(session: Session, work: Work, due: datetime, now: datetime) -> Literal["due", "served", "long past"]:
    row = queries.job_run(session, work.name, due)
    if row is not None:
        retry = row.outcome == "failed" and now - row.started_at >= RETRY_AFTER and now - due < RETRY_FOR
        return "due" if row.outcome is None or retry else "served"
    newest = queries.newest(session, work.name, now + AHEAD)
    if newest is not None:
        return "served" if newest.due_at > due else "due"
    is_late = not work.at_once and work.at.every_min is None and now - due > GRACE
    return "long past" if is_late else "due"


def _begin(context: ServiceContext, work: Work, due: datetime, now: datetime, *, skipped: bool) -> bool:
    """Takes the moment; False when somebody else has served it since it was looked at."""
    try:
        with context.store.session() as session:
            row = queries.job_run(session, work.name, due)
            if row is None:
                row = JobRun(job=work.name, due_at=due, started_at=now)
                session.add(row)
            elif _state(session, work, due, now) != "due":
                return False
            row.started_at, row.outcome, row.detail = now, None, None
            if skipped:
                row.finished_at, row.outcome = now, "skipped"
    except StoreConflict:  # another process was faster
        return False
    return True


def _done(context: ServiceContext, work: Work, due: datetime) -> Served:
    try:
        counts = work.do(context)
    except LichenError as error:
        return Served(job=work.name, due_at=due, outcome="failed", counts={}, problem=error.sentence())
    except Exception as error:  # noqa: BLE001 - one job must not keep the others from being done
        problem = redact.text(f"{type(error).__name__}: {error}.")
        return Served(job=work.name, due_at=due, outcome="failed", counts={}, problem=problem)
    return Served(job=work.name, due_at=due, outcome="done", counts=counts)


def _end(context: ServiceContext, served: Served) -> None:
    with context.store.session() as session:
        row = queries.job_run(session, served.job, served.due_at)
        if row is not None:
            row.finished_at, row.outcome = context.clock(), served.outcome
            row.detail = served.problem or json.dumps(dict(served.counts))


@contextmanager
def _held(lease: Lease) -> Iterator[None]:
    """Renews a lease while something lasts."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(_LEASE_S / 3):
            with suppress(StorageError):
                lease.acquire()

    keeper = threading.Thread(target=renew, name="lichen-lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()

# SPDX-License-Identifier: Apache-2.0
"""Messages on their way to people: what waits, what each attempt came to, and when a channel was last reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from lichen.store.models import Delivery, DeliveryAttempt
from lichen.store.models.base import new_id

OPEN: Final = ("pending", "failed")
"""States of a delivery that is still tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFact:
    """A delivery as it stands. body: what its message says, as JSON."""

    id: str
    channel: str
    kind: str
    scope: str
    scope_id: str | None
    title: str
    body: Mapping[str, Any]
    created_at: datetime
    status: str
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    last_status: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFact:
    """One attempt at a delivery."""

    at: datetime
    status: str
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFact:
    """What a channel was sent, tests left out.

    Attributes:
        last_sent: when a message was last delivered; None: never.
        waiting_since: when the oldest message that still waits was made; dead_since: the oldest that was given up after the last
            one that was delivered.
        last_error: of the newest message that was not delivered.
    """

    last_sent: datetime | None
    waiting_since: datetime | None
    dead_since: datetime | None
    last_error: str | None


def add(session: Session, **columns: Any) -> str | None:
    """Adds a message that waits; None when the channel has one with this key already.

    Args:
        columns: of the table, ``channel`` and ``dedup_key`` among them.
    """
    known = select(Delivery.id).where(
        Delivery.channel == columns["channel"], Delivery.dedup_key == columns["dedup_key"]
    )
    if session.scalars(known).first() is not None:
        return None
    row = Delivery(id=new_id(), **columns)
    session.add(row)
    session.flush()
    return row.id


def due(session: Session, now: datetime, limit: int) -> list[DeliveryFact]:
    """Messages to be tried now, the oldest first."""
    query = (
        select(Delivery)
        .where(Delivery.status.in_(OPEN), Delivery.next_attempt_at <= now)
        .order_by(Delivery.created_at, Delivery.id)
        .limit(limit)
    )
    return [_fact(row) for row in session.scalars(query)]


def claim(session: Session, delivery: DeliveryFact, until: datetime) -> bool:
    """Takes a message for an attempt, which counts from now on; False when somebody else did.

    Args:
        until: when it is tried again should nobody say what came of the attempt.
    """
    query = (
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.status.in_(OPEN), Delivery.attempts == delivery.attempts)
        .values(attempts=delivery.attempts + 1, next_attempt_at=until)
    )
    return cast("CursorResult[Any]", session.execute(query)).rowcount == 1


def settle(session: Session, delivery_id: str, at: datetime, detail: str, **columns: Any) -> None:
    """Writes down what came of an attempt.

    Args:
        detail: what the other side said.
        columns: of the delivery; ``status`` among them.
    """
    session.add(DeliveryAttempt(delivery_id=delivery_id, at=at, status=columns["status"], detail=detail or None))
    session.execute(update(Delivery).where(Delivery.id == delivery_id).values(**columns))


def log(session: Session, *, channel: str | None = None, limit: int = 50) -> list[DeliveryFact]:
    """Deliveries, the newest first."""
    query = select(Delivery).order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(limit)
    return [
        _fact(row) for row in session.scalars(query if channel is None else query.where(Delivery.channel == channel))
    ]


def delivery(session: Session, delivery_id: str) -> DeliveryFact | None:
    """A delivery by its id."""
    row = session.get(Delivery, delivery_id)
    return None if row is None else _fact(row)


def starting_with(session: Session, start: str) -> list[DeliveryFact]:
    """Deliveries whose id begins so; two at most."""
    query = select(Delivery).where(Delivery.id >= start, Delivery.id < f"{start}g").limit(2)
    return [_fact(row) for row in session.scalars(query)]


def attempts(session: Session, delivery_id: str) -> list[AttemptFact]:
    """Attempts at a delivery, the oldest first."""
    query = select(DeliveryAttempt).where(DeliveryAttempt.delivery_id == delivery_id).order_by(DeliveryAttempt.seq)
    return [AttemptFact(at=row.at, status=row.status, detail=row.detail) for row in session.scalars(query)]


def revive(session: Session, delivery_id: str, at: datetime) -> bool:
    """Lets a message that was given up be tried again; False when it was not given up."""
    query = (
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.status == "dead")
        .values(status="pending", attempts=0, next_attempt_at=at)
    )
    return cast("CursorResult[Any]", session.execute(query)).rowcount == 1


def channel(session: Session, name: str) -> ChannelFact:
    """What a channel was sent."""
    real = (Delivery.channel == name, Delivery.kind != "test")
    last_sent = session.scalar(select(func.max(Delivery.sent_at, type_=Delivery.sent_at.type)).where(*real))
    waiting = select(func.min(Delivery.created_at, type_=Delivery.created_at.type)).where(
        *real, Delivery.status.in_(OPEN)
    )
    dead = select(Delivery).where(*real, Delivery.status == "dead").order_by(Delivery.created_at)
    if last_sent is not None:
        dead = dead.where(Delivery.created_at > last_sent)
    error = (
        select(Delivery.last_error)
        .where(*real, Delivery.status.in_((*OPEN, "dead")), Delivery.last_error.is_not(None))
        .order_by(Delivery.created_at.desc())
    )
    given_up = session.scalars(dead.limit(1)).first()
    return ChannelFact(
        last_sent=last_sent, waiting_since=session.scalar(waiting),
        dead_since=None if given_up is None else given_up.created_at, last_error=session.scalar(error.limit(1)),
    )  # fmt: skip


def _fact(row: Delivery) -> DeliveryFact:
    return DeliveryFact(
        id=row.id, channel=row.channel, kind=row.kind, scope=row.scope, scope_id=row.scope_id, title=row.title, body=row.body,
        created_at=row.created_at, status=row.status, attempts=row.attempts, next_attempt_at=row.next_attempt_at,
        sent_at=row.sent_at, last_status=row.last_status, last_error=row.last_error,
    )  # fmt: skip

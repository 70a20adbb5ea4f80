# SPDX-License-Identifier: Apache-2.0
"""The channels of the settings, with how each of them gets on, and the button that tries one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lichen.config import Channel
from lichen.service.accounts import By
from lichen.service.accounts.audit import note
from lichen.service.context import ServiceContext
from lichen.service.notifying.delivering import trial
from lichen.service.notifying.silence import silent
from lichen.store.queries import deliveries as queries
from lichen.store.queries.deliveries import DeliveryFact


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """A channel. state: ``ok``, ``unused``, or why it does not get through (`lichen.service.notifying.Silence`)."""

    name: str
    kind: str
    teams: tuple[str, ...]
    applications: tuple[str, ...]
    digest: bool
    alerts: bool
    lang: str
    state: str
    last_sent: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A message, without what it says. detail: what the channel said last."""

    delivery_id: str
    channel: str
    kind: str
    title: str
    status: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    detail: str


def channel_rows(context: ServiceContext) -> list[ChannelRow]:
    """Every channel of the settings.

    Raises:
        StorageError: the store cannot be read.
    """
    mute = {one.channel: one.why for one in silent(context)}
    with context.store.reading() as session:
        facts = {one.name: queries.channel(session, one.name) for one in context.settings.channels}
    return [_row(one, facts[one.name], mute.get(one.name)) for one in context.settings.channels]


def _row(channel: Channel, fact: queries.ChannelFact, why: str | None) -> ChannelRow:
    return ChannelRow(
        name=channel.name, kind=channel.kind, teams=channel.teams, applications=channel.applications,
        digest=channel.digest, alerts=channel.alerts, lang=channel.lang,
        state=why or ("unused" if fact.last_sent is None else "ok"), last_sent=fact.last_sent,
    )  # fmt: skip


def delivery_rows(context: ServiceContext, limit: int) -> list[DeliveryRow]:
    """The newest messages.

    Raises:
        StorageError: the store cannot be read.
    """
    with context.store.reading() as session:
        return [delivery_row(one) for one in queries.log(session, limit=limit)]


def delivery_row(fact: DeliveryFact) -> DeliveryRow:
    """A delivery as it is shown."""
    return DeliveryRow(
        delivery_id=fact.id, channel=fact.channel, kind=fact.kind, title=fact.title, status=fact.status,
        attempts=fact.attempts, created_at=fact.created_at, next_attempt_at=fact.next_attempt_at, sent_at=fact.sent_at,
        detail=fact.last_error or fact.last_status or "",
    )  # fmt: skip


def try_channel(context: ServiceContext, name: str, by: By) -> DeliveryRow | None:
    """Sends a trial to a channel at once; None when there is no such channel.

    Args:
        by: who asks; the audit log says so.

    Raises:
        ConfigError: nothing serves its kind.
        StorageError: the store cannot be read or written.
    """
    if all(one.name != name for one in context.settings.channels):
        return None
    with context.store.session() as session:
        note(session, by, "channel.test", "channel", name)
    return delivery_row(trial(context, name, by=by.actor))

# SPDX-License-Identifier: Apache-2.0
"""Channels that do not get through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from lichen.config import Channel, Settings
from lichen.service.context import ServiceContext
from lichen.store.queries import deliveries as queries

_FAILING_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A channel that does not get through.

    Attributes:
        why: ``refused`` (a message was given up since the last that was delivered), ``failing`` (one waits for more than a day),
            ``silent`` (nothing was delivered for `notify.silent_after_days`).
        since: when that began. error: what the other side said last; empty when nothing.
    """

    channel: str
    why: Literal["refused", "failing", "silent"]
    since: datetime
    error: str


def silent(context: ServiceContext, now: datetime | None = None) -> list[Silence]:
    """Channels that do not get through; one that was never used is not among them.

    Raises:
        StorageError: the store cannot be read.
    """
    moment = now or context.clock()
    with context.store.reading() as session:
        facts = {one.name: queries.channel(session, one.name) for one in context.settings.channels}
    listed = (_silence(one, facts[one.name], context.settings, moment) for one in context.settings.channels)
    return [one for one in listed if one is not None]


def _silence(channel: Channel, fact: queries.ChannelFact, settings: Settings, now: datetime) -> Silence | None:
    error = fact.last_error or ""
    if fact.dead_since is not None:
        return Silence(channel=channel.name, why="refused", since=fact.dead_since, error=error)
    if fact.waiting_since is not None and now - fact.waiting_since > _FAILING_AFTER:
        return Silence(channel=channel.name, why="failing", since=fact.waiting_since, error=error)
    limit = timedelta(days=settings.notify.silent_after_days)
    if channel.digest and fact.last_sent is not None and now - fact.last_sent > limit:
        return Silence(channel=channel.name, why="silent", since=fact.last_sent, error=error)
    return None

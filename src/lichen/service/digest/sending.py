# SPDX-License-Identifier: Apache-2.0
"""Writes the digests of a week down for the channels that want them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from lichen.config import Channel
from lichen.service.context import ServiceContext
from lichen.service.digest.build import About, build_all
from lichen.service.digest.model import digest_message
from lichen.service.notifying import enqueue
from lichen.store.queries import board


def abouts_of(channel: Channel) -> list[About]:
    """What a channel hears of: its teams, its applications, or the organisation."""
    if channel.of_everything:
        return [About("organisation")]
    return [
        *(About("team", code) for code in channel.teams),
        *(About("application", code) for code in channel.applications),
    ]


def enqueue_week(
    context: ServiceContext,
    week: str | None = None,
    *,
    channels: Sequence[Channel] | None = None,
    only: About | None = None,
    now: datetime | None = None,
) -> list[str]:
    """Writes down one message for each channel and each of its teams and applications; once a week, however often it is asked.

    Args:
        week: ISO week; None: the newest that is over.
        channels: of the settings; None: all that want digests.
        only: of this team or application, or of the organisation, alone.
        now: the present; None: the context's.

    Returns:
        Ids of the deliveries that are new.

    Raises:
        UsageError: there is no such week, or a channel names a team or application that does not exist.
        StorageError: the store cannot be read or written.
    """
    wanted = [one for one in context.settings.channels if one.digest] if channels is None else channels
    pairs = [(channel, about) for channel in wanted for about in abouts_of(channel) if only is None or about == only]
    if not pairs:
        return []
    listed = list(dict.fromkeys(about for _, about in pairs))
    digests = dict(zip(listed, build_all(context, listed, week), strict=True))
    ids = _ids(context, listed)
    made = (
        enqueue(
            context, channel=channel, dedup_key=f"digest/{digests[about].week}/{about.scope}/{about.code}",
            message=digest_message(digests[about]), scope=about.scope, scope_id=ids.get(about), now=now,
        )
        for channel, about in pairs
    )  # fmt: skip
    return [one for one in made if one is not None]


def _ids(context: ServiceContext, abouts: Sequence[About]) -> dict[About, str]:
    """Ids of teams and applications."""

    def found() -> Iterator[tuple[About, str]]:
        with context.store.reading() as session:
            by_code = {
                "team": {one.code: one.id for one in board.teams(session).values()},
                "application": {one.code: one.id for one in board.applications(session)},
            }
        for about in abouts:
            if about.scope in by_code:
                yield about, by_code[about.scope][about.code]

    return dict(found())

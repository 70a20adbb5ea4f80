# SPDX-License-Identifier: Apache-2.0
"""Delivers messages: what is to be said is written down first, then tried until its channel has taken it.

A message is delivered at least once. Its key keeps it from being written down twice; its id goes with every attempt, so that a
receiver can drop the one that came twice because the line was cut before the answer.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from lichen import plugins, redact
from lichen.config import Channel, Settings
from lichen.config.notify import find_channel
from lichen.errors import ConfigError, LichenError, StoreConflict
from lichen.service.context import ServiceContext
from lichen.service.messages import Message, TrialNotice, trial_message
from lichen.service.notifying.protocol import GROUP, Means, Notifier, Outgoing, Refused, Sent
from lichen.service.outbound import Outbound
from lichen.service.quiet import quiet_until
from lichen.store.queries import board
from lichen.store.queries import deliveries as queries
from lichen.store.queries.deliveries import DeliveryFact

Scope = Literal["organisation", "team", "application"]

_WAITS: Final = (1, 2, 5, 15, 30, 60, 120, 240, 480)
"""Minutes before the next attempt, after one, two, three... of them."""
_LONGEST_WAIT: Final = timedelta(days=1)
"""No answer makes a message wait for longer."""
_CLAIM: Final = timedelta(minutes=5)
"""How long an attempt may take before another process tries again: longer than any attempt."""
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a round of deliveries came to, and the channels that did not take something: name -> reason."""

    sent: int = 0
    failed: int = 0
    dead: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)


def notifiers() -> dict[str, Notifier]:
    """Every notifier that is installed, by name.

    Raises:
        ConfigError: a plug-in does not load.
    """
    return {name: made() for name, made in plugins.load_all(GROUP).items()}


def means_of(settings: Settings, env: Mapping[str, str] | None = None) -> Means:
    """What the settings allow to send with."""
    allowed = frozenset(host.lower() for host in settings.notify.allow_private_hosts)
    return Means(env=os.environ if env is None else env, outbound=Outbound(allowed), smtp=settings.smtp)


def enqueue(
    context: ServiceContext,
    *,
    channel: Channel,
    dedup_key: str,
    message: Message,
    scope: Scope = "organisation",
    scope_id: str | None = None,
    now: datetime | None = None,
) -> str | None:
    """Writes a message down for a channel; alerts wait for the end of quiet hours.

    Args:
        dedup_key: a channel gets one message with this key, whoever asks for it and however often.
        scope, scope_id: whom it is about.
        now: the present; None: the context's.

    Returns:
        Id of the delivery; None when the channel had a message with this key already.

    Raises:
        StorageError: the store cannot be written.
    """
    moment = now or context.clock()
    settings = context.settings
    starts = quiet_until(moment, settings.notify) if message.kind == "alert" else None
    columns = {
        "channel": channel.name, "kind": message.kind, "dedup_key": dedup_key, "scope": scope, "scope_id": scope_id,
        "title": message.title, "created_at": moment, "next_attempt_at": starts or moment,
    }  # fmt: skip
    body = {"lang": lang_of(context, channel), "path": message.path, "facts": dict(message.facts)}
    try:
        with context.store.session() as session:
            return queries.add(session, **columns, body=body)
    except StoreConflict:  # another process was faster
        return None


def lang_of(context: ServiceContext, channel: Channel) -> str:
    """The language of a channel: its own, else the organisation's, else that of the settings."""
    if channel.lang != "auto":
        return channel.lang
    with context.store.reading() as session:
        organisation = board.organisation(session)
    found = organisation.lang if organisation else ""
    return found if found in ("en", "fr") else context.settings.lang


def channels_of(settings: Settings, *, team: str | None, application: str | None) -> list[Channel]:
    """Channels that hear of alerts of an application: its own, else its team's, else those of the organisation.

    Args:
        team, application: codes; None: of no team, of the whole organisation.
    """
    listed = [channel for channel in settings.channels if channel.alerts]
    own = [one for one in listed if application is not None and application in one.applications]
    of_team = [one for one in listed if team is not None and team in one.teams]
    return own or of_team or [one for one in listed if one.of_everything]


def deliver_due(
    context: ServiceContext,
    available: Mapping[str, Notifier] | None = None,
    *,
    means: Means | None = None,
    now: datetime | None = None,
    only: str | None = None,
) -> Delivered:
    """Tries every message that is due. A channel that does not take one is left alone until the next round.

    Args:
        available: notifiers by name; None: those that are installed.
        means: what they send with; None: what the settings allow.
        now: messages due by then; None: the context's present.
        only: id of the one delivery to try.

    Raises:
        StorageError: the store cannot be read or written.
    """
    moment = now or context.clock()
    with context.store.reading() as session:
        due = queries.due(session, moment, _AT_ONCE)
    if only is not None:
        due = [one for one in due if one.id == only]
    if not due:
        return Delivered()
    found = notifiers() if available is None else available
    ways = means or means_of(context.settings)
    counts: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for delivery in due:
        if delivery.channel in reasons:
            continue
        with context.store.session() as session:
            if not queries.claim(session, delivery, moment + _CLAIM):
                continue
        answer = _attempt(context.settings, found, delivery, ways)
        status, columns, detail = _settled(context.settings, delivery, answer, moment)
        with context.store.session() as session:
            queries.settle(session, delivery.id, moment, detail, status=status, **columns)
        counts[status] += 1
        if status != "sent":
            reasons[delivery.channel] = detail
    return Delivered(sent=counts["sent"], failed=counts["failed"], dead=counts["dead"], reasons=reasons)


def _attempt(settings: Settings, found: Mapping[str, Notifier], delivery: DeliveryFact, means: Means) -> Sent | Refused:
    try:
        channel = find_channel(settings.channels, delivery.channel)
        notifier = notifier_of(found, channel)
        return _call(notifier, outgoing_of(settings, delivery), channel, means)
    except ConfigError as error:
        return Refused(reason=error.sentence(), dead=True)
    except LichenError as error:
        return Refused(reason=error.sentence())


def notifier_of(found: Mapping[str, Notifier], channel: Channel) -> Notifier:
    """The notifier that serves a channel.

    Raises:
        ConfigError: there is none of its kind.
    """
    if channel.kind not in found:
        raise ConfigError(
            f"The channel '{channel.name}' is of the kind '{channel.kind}', which nothing serves.",
            repair=f"Kinds: {', '.join(found)}.", culprit=channel.name,
        )  # fmt: skip
    return found[channel.kind]


def _call(notifier: Notifier, outgoing: Outgoing, channel: Channel, means: Means) -> Sent | Refused:
    try:
        return notifier.send(outgoing, channel, means)
    except LichenError:
        raise
    except Exception as error:
        # A stranger's notifier must not keep the others from being sent.
        raise LichenError(f"The notifier '{notifier.name}' failed: {type(error).__name__}: {error}.") from error


def outgoing_of(settings: Settings, delivery: DeliveryFact) -> Outgoing:
    """A delivery, ready for its notifier."""
    body = delivery.body
    message = Message(kind=_KINDS[delivery.kind], title=delivery.title, facts=body["facts"], path=body["path"])
    return Outgoing(delivery_id=delivery.id, message=message, lang=body["lang"], base_url=base_url(settings))


_KINDS: Final[Mapping[str, Literal["digest", "alert", "test"]]] = {"digest": "digest", "alert": "alert", "test": "test"}


def base_url(settings: Settings) -> str:
    """Address that people reach the dashboard by; empty when nobody said one."""
    return (settings.server.url or "").rstrip("/")


def _settled(
    settings: Settings, delivery: DeliveryFact, answer: Sent | Refused, moment: datetime
) -> tuple[str, dict[str, Any], str]:
    """State of a delivery after an attempt, its columns, and what the other side said."""
    if isinstance(answer, Sent):
        return (
            "sent",
            {"sent_at": moment, "next_attempt_at": None, "last_status": answer.detail, "last_error": None},
            answer.detail,
        )
    tries = delivery.attempts + 1
    reason = redact.text(answer.reason)
    if answer.dead or tries >= settings.notify.attempts:
        return "dead", {"next_attempt_at": None, "last_status": "refused", "last_error": reason}, reason
    wait = timedelta(minutes=_WAITS[min(tries, len(_WAITS)) - 1])
    if answer.retry_after_s is not None:
        wait = max(wait, timedelta(seconds=answer.retry_after_s))
    columns = {"next_attempt_at": moment + min(wait, _LONGEST_WAIT), "last_status": "failed", "last_error": reason}
    return "failed", columns, reason


def trial(
    context: ServiceContext,
    name: str,
    *,
    by: str,
    available: Mapping[str, Notifier] | None = None,
    means: Means | None = None,
) -> DeliveryFact:
    """Sends a trial to a channel at once.

    Args:
        name: of the channel. by: who asks.
        available, means: as in `deliver_due`.

    Returns:
        The delivery, as it stands after the attempt.

    Raises:
        ConfigError: there is no such channel, or nothing serves it.
        StorageError: the store cannot be read or written.
    """
    channel = find_channel(context.settings.channels, name)
    found = notifiers() if available is None else available
    notifier_of(found, channel)
    moment = context.clock()
    notice = TrialNotice(channel=name, at=moment, by=by)
    made = enqueue(
        context, channel=channel, dedup_key=f"test/{moment.isoformat()}", message=trial_message(notice), now=moment
    )
    if made is not None:
        deliver_due(context, found, means=means, now=moment, only=made)
    with context.store.reading() as session:
        return queries.log(session, channel=name, limit=1)[0]

# SPDX-License-Identifier: Apache-2.0
"""What people are told, as facts: the notifier of a channel says it in the channel's language, when it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import TypeAdapter

MessageKind = Literal["digest", "alert", "test"]
AlertChange = Literal["firing", "reminder", "resolved"]

RULES: Final = ("budget", "target", "change_point", "data_stopped", "channel_dead")
"""Rules of alerts that the catalogues have sentences for; any other one is told by its name, value and limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message.

    Attributes:
        kind: what its facts are of: `lichen.service.digest.Digest`, `AlertNotice`, `TrialNotice`.
        title: what the log of deliveries calls it; one language, no facts that need one.
        facts: JSON.
        path: page of the dashboard that it leads to.
    """

    kind: MessageKind
    title: str
    facts: Mapping[str, Any]
    path: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNotice:
    """An alert's turn: it fires, it is remembered, it is over.

    Attributes:
        rule: one of `RULES`, or another one's name.
        change: what happened to it.
        code, name: of the application; empty: the organisation.
        journey: name of the journey; empty: all of it.
        what: indicator or quantity that it is about; empty when it is about none. unit: its canonical unit, ``gCO2e/visit``.
        value, limit: what is and what should be; None when there is no such thing.
        share: relative change or gap, 0.08 is 8 % more; low, high: its range.
        since: when it began.
        cause: what is likely to have done it, such as a deployment; empty when unknown.
        subject: what is named by no other field: a channel, a source of data.
        path: page of the dashboard.
    """

    rule: str
    change: AlertChange
    since: datetime
    code: str = ""
    name: str = ""
    journey: str = ""
    what: str = ""
    unit: str = ""
    value: float | None = None
    limit: float | None = None
    share: float | None = None
    low: float | None = None
    high: float | None = None
    cause: str = ""
    subject: str = ""
    path: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialNotice:
    """A trial of a channel: who pressed the button, and when."""

    channel: str
    at: datetime
    by: str = ""


_ALERTS: Final = TypeAdapter(AlertNotice)
_TRIALS: Final = TypeAdapter(TrialNotice)


def alert_message(notice: AlertNotice) -> Message:
    """The message of an alert's turn."""
    title = f"alert {notice.rule} {notice.change} {notice.code}".rstrip()
    return Message(kind="alert", title=title, facts=_ALERTS.dump_python(notice, mode="json"), path=notice.path)


def read_alert(message: Message) -> AlertNotice:
    """The alert of a message."""
    return _ALERTS.validate_python(dict(message.facts))


def trial_message(notice: TrialNotice) -> Message:
    """The message of a trial."""
    return Message(kind="test", title=f"test {notice.channel}", facts=_TRIALS.dump_python(notice, mode="json"))


def read_trial(message: Message) -> TrialNotice:
    """The trial of a message."""
    return _TRIALS.validate_python(dict(message.facts))

# SPDX-License-Identifier: Apache-2.0
"""An alert in words, and a trial of a channel."""

from __future__ import annotations

from collections.abc import Iterator

from lichen.render.notices.model import SUBJECT_MAX, Notice
from lichen.render.notices.phrases import Phrases
from lichen.service.messages import AlertNotice, TrialNotice


def alert_notice(alert: AlertNotice, phrases: Phrases, link: str) -> Notice:
    """An alert as a message: what is wrong, since when, and what is likely to have done it."""
    key = {"firing": "alert.firing", "reminder": "alert.reminder", "resolved": "alert.resolved"}[alert.change]
    what = _what(alert, phrases)
    return Notice(
        lang=phrases.lang, subject=phrases.say(key, what=what)[:SUBJECT_MAX], lead=" ".join(_sentences(alert, phrases)),
        link=link, link_text=phrases.say("notice.open"),
    )  # fmt: skip


def _place(alert: AlertNotice, phrases: Phrases) -> str:
    names = [one for one in (alert.name or alert.code, alert.journey) if one]
    return ", ".join(phrases.name(one) for one in names) or phrases.say("digest.organisation")


def _what(alert: AlertNotice, phrases: Phrases) -> str:
    """What is wrong, in a few words."""
    say, place = phrases.say, _place(alert, phrases)
    share = "" if alert.share is None else phrases.share(alert.share)
    if alert.rule == "budget":
        return say("alert.budget", place=place, what=phrases.what(alert.what))
    if alert.rule == "target":
        return say("alert.target", place=place, share=phrases.percent(abs(alert.share or 0.0)))
    if alert.rule == "change_point":
        return say("alert.change_point", place=place, what=phrases.what(alert.what), share=share)
    if alert.rule == "data_stopped":
        return say("alert.data_stopped", place=place, subject=_source(alert, phrases))
    if alert.rule == "channel_dead":
        return say("alert.channel_dead", subject=phrases.name(alert.subject))
    return say("alert.other", place=place, rule=phrases.name(alert.rule))


def _source(alert: AlertNotice, phrases: Phrases) -> str:
    """What stopped coming: a kind of data, or what somebody called it."""
    key = {"runs": "alert.runs", "traffic": "alert.traffic", "cost": "alert.cost"}.get(alert.subject)
    return phrases.name(alert.subject) if key is None else phrases.say(key)


def _sentences(alert: AlertNotice, phrases: Phrases) -> Iterator[str]:
    say = phrases.say
    if alert.value is not None and alert.limit is not None:
        value = phrases.amount(alert.value, alert.unit or "1", low=alert.low, high=alert.high)
        yield say("alert.value", value=value, limit=phrases.amount(alert.limit, alert.unit or "1"))
    elif alert.low is not None and alert.high is not None:
        yield say("alert.range", low=phrases.share(alert.low), high=phrases.share(alert.high))
    if alert.change == "resolved":
        yield say("alert.was", at=phrases.moment(alert.since))
    else:
        yield say("alert.since", at=phrases.moment(alert.since))
    if alert.cause:
        yield say("alert.cause", cause=phrases.sentence(alert.cause))


def trial_notice(trial: TrialNotice, phrases: Phrases, link: str) -> Notice:
    """A trial of a channel as a message."""
    say = phrases.say
    lead = say("notice.trial", channel=phrases.name(trial.channel), at=phrases.moment(trial.at))
    return Notice(
        lang=phrases.lang, subject=say("notice.trial_subject"), lead=lead, link=link, link_text=say("notice.open")
    )

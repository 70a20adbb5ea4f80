# SPDX-License-Identifier: Apache-2.0
"""A digest in words: the verdict first, then what moved, the parts, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lichen.render.notices.model import SUBJECT_MAX, Item, Notice, Section, bars
from lichen.render.notices.phrases import Phrases
from lichen.service.digest.model import Cause, Change, Digest, Line, Move

_HEADLINE = "gwp100"
_ON_PATH = 0.005
_MOST: Final = 0.4
"""Share of a change from which one move is said to make most of it."""
_VERDICTS: Final = {
    "heavier": "digest.lead_heavier", "lighter": "digest.lead_lighter", "busier": "digest.lead_busier",
    "quieter": "digest.lead_quieter",
}  # fmt: skip


def digest_notice(digest: Digest, phrases: Phrases, link: str) -> Notice:
    """A digest as a message; when nothing moved, as one line."""
    say = phrases.say
    footer = (say("notice.sample"),) if digest.sample else ()
    notice = Notice(
        lang=phrases.lang, subject=_subject(digest, phrases), lead=_lead(digest, phrases), footer=footer, link=link,
        link_text=say("notice.open"),
    )  # fmt: skip
    if digest.is_quiet:
        return notice
    sections = (
        Section(say("digest.moved"), tuple(_moves(digest, phrases))),
        Section(_heading(digest, phrases), tuple(_lines(digest, phrases))),
        Section(say("digest.stands"), tuple(_facts(digest, phrases))),
    )
    how = phrases.count("digest.usual", digest.change.weeks) if digest.change.weeks else ""
    return Notice(
        lang=notice.lang, subject=notice.subject, lead=notice.lead, link=link, link_text=notice.link_text,
        sections=tuple(section for section in sections if section.items),
        footer=tuple(text for text in (how, *footer) if text),
    )  # fmt: skip


def _subject(digest: Digest, phrases: Phrases) -> str:
    if digest.verdict == "unknown" and digest.change.now is None:
        verdict = phrases.say("digest.subject_unknown")
    elif digest.change.share is None:
        verdict = phrases.amount(digest.change.now)
    elif digest.is_quiet:
        verdict = phrases.say("digest.subject_steady")
    else:
        verdict = phrases.say("digest.subject_moved", share=phrases.arrow(digest.change.share))
    name = phrases.name(digest.name) or phrases.say("digest.organisation")
    week = digest.week.partition("-W")[2].lstrip("0")
    return phrases.say("digest.subject", name=name, week=week, verdict=verdict)[:SUBJECT_MAX]


def _lead(digest: Digest, phrases: Phrases) -> str:
    change, say = digest.change, phrases.say
    if change.now is None:
        return _unknown(digest, phrases)
    amount = phrases.amount(change.now, low=change.low, high=change.high)
    if change.share is None:
        return say("digest.lead_first", amount=amount)
    if digest.is_quiet:
        return say("digest.lead_steady", amount=amount)
    parts = {
        "amount": amount, "share": phrases.percent(abs(change.share)), "volume": phrases.share(change.volume or 0.0),
        "intensity": phrases.share(change.intensity or 0.0),
    }  # fmt: skip
    told = say(_VERDICTS[digest.verdict if digest.verdict != "steady" else _leaning(change)], **parts)
    most = _mostly(digest)
    return f"{told} {say('digest.lead_mostly', place=_place(digest, most, phrases))}" if most else told


def _mostly(digest: Digest) -> Move | None:
    """The move that makes up most of the change; None when none does, or when it is the only thing there is."""
    change = digest.change
    if change.share is None or change.before is None or digest.scope == "application":
        return None
    difference = change.share * change.before
    found = max(digest.moves, key=lambda move: (move.impact or 0.0) / difference if difference else 0.0, default=None)
    return found if found is not None and difference and (found.impact or 0.0) / difference >= _MOST else None


def _leaning(change: Change) -> str:
    """What a week that is steady as a whole, with moves inside, would be called."""
    more = (change.share or 0.0) > 0
    if abs(change.intensity or 0.0) >= abs(change.volume or 0.0):
        return "heavier" if more else "lighter"
    return "busier" if more else "quieter"


def _unknown(digest: Digest, phrases: Phrases) -> str:
    if not digest.quality.applications:
        return phrases.say("digest.lead_empty")
    if not digest.quality.measured:
        return phrases.count("digest.lead_no_run", digest.quality.applications)
    return phrases.say("digest.lead_no_traffic")


def _moves(digest: Digest, phrases: Phrases) -> Iterator[Item]:
    for move in digest.moves:
        yield Item(" ".join(_move(move, phrases)), lead=_place(digest, move, phrases))
    if digest.moves_more:
        yield Item(phrases.count("digest.more_moves", digest.moves_more))


def _place(digest: Digest, move: Move, phrases: Phrases) -> str:
    """What moved: the application, unless the digest is of it, and its journeys."""
    names = [] if digest.scope == "application" else [move.name]
    names += [move.journey] if move.journey else []
    return ", ".join(phrases.name(name) for name in names or [move.name])


def _move(move: Move, phrases: Phrases) -> Iterator[str]:
    """Sentences of a move."""
    share, say = phrases.arrow(move.share), phrases.say
    impact = "" if move.impact is None else phrases.signed(move.impact)
    if move.kind == "volume":
        yield say("digest.move_volume", share=share, impact=impact)
        return
    what = "" if move.indicator == _HEADLINE else f"{phrases.what(move.indicator)} "
    day = phrases.day(move.on) if move.on else ""
    if move.kind == "change_point":
        spread = ""
        if move.low is not None and move.high is not None:
            spread = say("number.range", low=phrases.share(move.low), high=phrases.share(move.high))
        key = "digest.move_confirmed_range" if spread else "digest.move_confirmed"
        yield what + say(key, share=share, range=spread, day=day)
    elif impact:
        yield say("digest.move_run", share=share, impact=impact, day=day)
    else:
        yield say("digest.move_run_alone", share=share, day=day)
    if move.cause is not None:
        yield _cause(move.cause, phrases)
    if move.kind == "intensity":
        yield say("digest.unconfirmed")


def _cause(cause: Cause, phrases: Phrases) -> str:
    version = phrases.name(cause.version or cause.commit[:12])
    day = phrases.day(cause.on) if cause.on else ""
    if cause.kind == "deployment":
        return phrases.say("digest.cause_deployment", version=version, day=day)
    if cause.kind == "deployments":
        since = phrases.day(cause.since) if cause.since else ""
        return phrases.say("digest.cause_deployments", count=cause.count, version=version, day=day, since=since)
    return phrases.sentence(cause.text)


def _heading(digest: Digest, phrases: Phrases) -> str:
    key = {"organisation": "digest.teams", "team": "digest.applications", "application": "digest.journeys"}[
        digest.scope
    ]
    return phrases.say(key)


def _lines(digest: Digest, phrases: Phrases) -> Iterator[Item]:
    known = [line for line in digest.lines if line.change.now is not None]
    if len(known) < 2 and digest.scope == "application":
        return  # an application's only journey is the application
    for line in known:
        yield Item(
            _line(line, phrases), lead=phrases.name(line.name) or phrases.say("digest.no_team"), bars=bars(line.weeks)
        )
    left = digest.lines_more + len(digest.lines) - len(known)
    if left:
        yield Item(phrases.count("digest.more_lines", left))


def _line(line: Line, phrases: Phrases) -> str:
    amount = phrases.amount(line.change.now)
    return amount if line.change.share is None else f"{amount}, {phrases.arrow(line.change.share)}"


def _facts(digest: Digest, phrases: Phrases) -> Iterator[Item]:
    """Target, cost, data, what to measure next, deployments."""
    say = phrases.say
    if digest.target is not None:
        yield Item(_target(digest, phrases), lead=say("digest.target"))
    if digest.cost is not None:
        cost = digest.cost
        values = {"amount": phrases.money(cost.amount, cost.currency), "month": phrases.month(cost.month)}
        text = (
            say("digest.cost_alone", **values)
            if cost.share is None
            else say("digest.cost_changed", **values, share=phrases.share(cost.share))
        )
        yield Item(text, lead=say("digest.cost"))
    yield Item(", ".join(_quality(digest, phrases)) + ".", lead=say("digest.data"))
    if digest.suggestion is not None:
        yield Item(_suggestion(digest, phrases), lead=say("digest.next"))
    if digest.deployments:
        yield Item(phrases.count("digest.deployments", digest.deployments), lead=say("digest.deployed"))


def _target(digest: Digest, phrases: Phrases) -> str:
    target = digest.target
    if target is None:
        return ""
    values = {"reduction": phrases.share(-target.reduction), "year": target.horizon_year, "base": target.base_year}
    if target.gap is None:
        return phrases.say("digest.target_unknown", **values)
    if abs(target.gap) < _ON_PATH:
        return phrases.say("digest.target_on", **values)
    share = phrases.numbers.percent(abs(target.gap))
    if target.gap > 0:
        return phrases.say("digest.target_above", **values, share=share)
    return phrases.say("digest.target_below", **values, share=share)


def _quality(digest: Digest, phrases: Phrases) -> Iterator[str]:
    quality, say = digest.quality, phrases.say
    if digest.scope == "application":
        yield say("digest.data_measured") if quality.measured else say("digest.data_not_measured")
    else:
        yield say("digest.data_of", measured=quality.measured, count=quality.applications)
    if quality.stale:
        yield say("digest.data_stale", count=quality.stale) if digest.scope != "application" else say("digest.data_old")
    if quality.without_traffic:
        yield (
            say("digest.data_no_traffic", count=quality.without_traffic)
            if digest.scope != "application"
            else say("digest.data_no_visits")
        )
    if quality.estimated is not None:
        yield say("digest.data_estimated", share=phrases.percent(quality.estimated))


def _suggestion(digest: Digest, phrases: Phrases) -> str:
    found = digest.suggestion
    if found is None:
        return ""
    name = phrases.name(found.name)
    if found.last_run is not None:
        return phrases.say("digest.next_again", name=name, day=phrases.long_day(found.last_run))
    if found.visits is None:
        return phrases.say("digest.next_first", name=name)
    return phrases.say("digest.next_never", name=name, visits=phrases.numbers.integer(round(found.visits)))

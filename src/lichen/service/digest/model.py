# SPDX-License-Identifier: Apache-2.0
"""The weekly digest as facts: what it says, before any language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal
from urllib.parse import quote

from pydantic import TypeAdapter

from lichen.service.messages import Message

Scope = Literal["organisation", "team", "application"]
Verdict = Literal["heavier", "lighter", "busier", "quieter", "steady", "unknown"]
"""``heavier`` and ``lighter``: what moved the sum most is the figure of a visit; ``busier`` and ``quieter``: how many they are.
``unknown``: traffic or measurements lack."""
MoveKind = Literal["change_point", "intensity", "volume"]
SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A week against the mean of the weeks before it.

    Attributes:
        now: gCO2e of the week; None when unknown. low, high: its range, as the model tells it. before: mean of the weeks before.
        share: now / before - 1. volume, intensity: the parts of it that visits and the figure of a visit have; they add up.
        weeks: how many weeks are before.
    """

    now: float | None
    low: float | None = None
    high: float | None = None
    before: float | None = None
    share: float | None = None
    volume: float | None = None
    intensity: float | None = None
    weeks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What is likely to be behind a move.

    Attributes:
        kind: ``deployment``, one that is named; ``deployments``, several between two runs, of which the last is named; ``told``,
            a text that somebody or something wrote down.
        since: day of the run before, for ``deployments``.
    """

    kind: Literal["deployment", "deployments", "told"]
    version: str = ""
    commit: str = ""
    on: date | None = None
    count: int = 1
    since: date | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Something that changed.

    Attributes:
        kind: ``change_point`` is confirmed by statistics; ``intensity`` is one run against the one before it; ``volume`` is
            visits.
        code, name: of the application. journey: names of journeys, empty for all of them.
        share: relative change of the figure of a visit, or of visits; low, high: its range where it is confirmed.
        impact: gCO2e a week that it makes; None without traffic.
    """

    kind: MoveKind
    code: str
    name: str
    journey: str = ""
    indicator: str = "gwp100"
    share: float = 0.0
    low: float | None = None
    high: float | None = None
    impact: float | None = None
    on: date | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A part of the whole: a team, an application or a journey. weeks: gCO2e by week, the oldest first."""

    code: str
    name: str
    change: Change
    weeks: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLine:
    """Where the last twelve months stand against the path. gap: actual / planned - 1; None while something is unknown."""

    reduction: float
    base_year: int
    horizon_year: int
    gap: float | None
    inherited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """Cost of the newest month that is over. share: against the month before; None when unknown."""

    month: date
    amount: Decimal
    currency: str
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What the figures rest on.

    Attributes:
        applications, measured: how many there are, and how many were ever measured. stale: measured too long ago.
        without_traffic: without visits for every day of the week.
        estimated: share of the last month's figure that is modelled or stands in; None when unknown.
    """

    applications: int
    measured: int
    stale: int
    without_traffic: int
    estimated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What to measure next. last_run: None: never. visits: of the week; None when unknown."""

    code: str
    name: str
    visits: float | None
    last_run: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A week of a team, an application or the organisation.

    Attributes:
        code, name: of the team or application; of the organisation its name and no code.
        week: ISO week, ``2026-W47``; first, last: its Monday and Sunday.
        verdict: in one word what the first line says.
        weeks: gCO2e by week, the oldest first, of what is known in all of them.
        moves: the largest, at most three; moves_more: how many others there are.
        lines: parts of the whole, the largest first; lines_more: how many others.
        deployments: in the week.
        sample: whether the figures are made up.
    """

    scope: Scope
    code: str
    name: str
    week: str
    first: date
    last: date
    verdict: Verdict
    change: Change
    weeks: tuple[float | None, ...]
    moves: tuple[Move, ...]
    moves_more: int
    lines: tuple[Line, ...]
    lines_more: int
    target: TargetLine | None
    cost: CostLine | None
    quality: Quality
    suggestion: Suggestion | None
    deployments: int
    sample: bool
    schema: int = SCHEMA

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to say: one line does."""
        return self.verdict == "steady" and not self.moves

    @property
    def path(self) -> str:
        """Page of the dashboard."""
        code = quote(self.code, safe="")
        return {"organisation": "/", "team": f"/teams/{code}", "application": f"/applications/{code}"}[self.scope]


_DIGESTS: Final = TypeAdapter(Digest)


def digest_message(digest: Digest) -> Message:
    """The message of a digest."""
    title = f"digest {digest.scope} {digest.code} {digest.week}".replace("  ", " ")
    return Message(kind="digest", title=title, facts=_DIGESTS.dump_python(digest, mode="json"), path=digest.path)


def read_digest(message: Message) -> Digest:
    """The digest of a message."""
    return _DIGESTS.validate_python(dict(message.facts))

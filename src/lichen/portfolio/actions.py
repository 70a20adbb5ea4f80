# SPDX-License-Identifier: Apache-2.0
"""The register of actions: who did what, what it was hoped to save, and whether the measurements show it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from lichen.stats.sampling import precision

_FEWEST: Final = 2
"""Runs on each side below which nothing is known about repeatability."""


class Status(StrEnum):
    """How far an action is."""

    PLANNED = "planned"
    DOING = "doing"
    DONE = "done"
    DROPPED = "dropped"


class Evidence(StrEnum):
    """What the measurements say."""

    BETTER = "better"
    WORSE = "worse"
    NO_EVIDENCE = "no_evidence"
    TOO_FEW_RUNS = "too_few_runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An entry of the register. Dates and saving are None when they are not told."""

    application: str
    title: str
    description: str = ""
    owner: str = ""
    status: Status = Status.PLANNED
    started_on: date | None = None
    done_on: date | None = None
    indicator: str = "gwp100"
    expected_saving: float | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFigure:
    """A run's figure of one functional unit, at one method and the same factors as those it is compared with."""

    day: date
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfter:
    """What changed with an action.

    Attributes:
        before, after: mean figures per functional unit; None without a run.
        difference, low, high: after - before and its 95 % interval of repeatability; None with too few runs.
        evidence: better or worse when the interval leaves out 0.
    """

    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    evidence: Evidence
    runs_before: int
    runs_after: int


def before_after(action: Action, runs: Iterable[RunFigure], *, window_days: int = 90) -> BeforeAfter:
    """Runs before an action's start against runs after its end.

    Args:
        action: with ``started_on`` (or ``done_on`` alone) and ``done_on``; runs while it was being done are on neither side.
        runs: figures of one journey and indicator, less being better.
        window_days: days before and after that count.

    Returns:
        Means and difference. Its interval adds the half-widths of both trimmed means in squares; each is that of Student's t with
        the freedom of its own side, so that the interval is a little wider than Welch's.
    """
    end = action.done_on
    start = action.started_on or end
    rows = list(runs)
    first = [] if start is None else [run.value for run in rows if 0 < (start - run.day).days <= window_days]
    second = [] if end is None else [run.value for run in rows if 0 <= (run.day - end).days <= window_days]
    return compare(first, second)


def compare(before: Sequence[float], after: Sequence[float]) -> BeforeAfter:
    """The difference of two series of runs.

    >>> found = compare([10.0, 10.2, 9.8, 10.0], [8.0, 8.1, 7.9, 8.0])
    >>> round(found.difference, 9), found.evidence.value
    (-2.0, 'better')
    """
    first = precision(before) if before else None
    second = precision(after) if after else None
    means = (None if first is None else first.mean, None if second is None else second.mean)
    if first is None or second is None or min(len(before), len(after)) < _FEWEST:
        return _answer(means, (len(before), len(after)), None, Evidence.TOO_FEW_RUNS)
    difference = second.mean - first.mean
    half_width = math.hypot(first.half_width, second.half_width)
    interval = (difference - half_width, difference, difference + half_width)
    return _answer(means, (len(before), len(after)), interval, _evidence(interval))


def _evidence(interval: tuple[float, float, float]) -> Evidence:
    low, _, high = interval
    if high < 0:
        return Evidence.BETTER
    return Evidence.WORSE if low > 0 else Evidence.NO_EVIDENCE


def _answer(
    means: tuple[float | None, float | None],
    counts: tuple[int, int],
    interval: tuple[float, float, float] | None,
    evidence: Evidence,
) -> BeforeAfter:
    low, difference, high = (None, None, None) if interval is None else interval
    return BeforeAfter(
        before=means[0], after=means[1], difference=difference, low=low, high=high, evidence=evidence,
        runs_before=counts[0], runs_after=counts[1],
    )  # fmt: skip


def find(actions: Iterable[Action], words: str = "", *, tags: Iterable[str] = ()) -> tuple[Action, ...]:
    """Actions that hold every word, in any letter case and without accents, and bear every tag; the newest done first."""
    wanted = [_plain(word) for word in words.split()]
    marks = {_plain(tag) for tag in tags}
    found = [
        action
        for action in actions
        if all(word in _text(action) for word in wanted) and marks <= {_plain(tag) for tag in action.tags}
    ]
    return tuple(sorted(found, key=lambda action: action.done_on or action.started_on or date.min, reverse=True))


def _text(action: Action) -> str:
    return _plain(" ".join((action.application, action.title, action.description, action.owner, *action.tags)))


def _plain(text: str) -> str:
    split = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in split if not unicodedata.combining(letter)).casefold()

# SPDX-License-Identifier: Apache-2.0
"""What to measure next: where a measurement is likely to show most that can be saved.

Score = visits a month x footprint per visit x expected saving x weight. A journey that nobody measured has no footprint: the
median of its application, else of applications of its kind, else of all, stands in and is
flagged. Scores order the list and are no figures.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

ASSUMED_SAVING: Final = 0.1
"""Expected saving of a journey for which none is declared. The same for all of them, so that it decides no order among them."""
STALE_AFTER_DAYS: Final = 90
"""A measurement of more days ago says little about the application of today."""


class State(StrEnum):
    """How well a journey is measured."""

    NEVER = "never"
    STALE = "stale"
    FRESH = "fresh"


class Basis(StrEnum):
    """Where the footprint per visit comes from."""

    MEASURED = "measured"
    APPLICATION = "median_of_application"
    KIND = "median_of_kind"
    ALL = "median_of_all"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A journey, or an application without any declared journey.

    Attributes:
        kind: of the application (``application.kind``).
        visits: a month; None when unknown.
        per_visit: gCO2e of the newest measurement; None when never measured.
        measured_on: its day.
        expected_saving: 0 to 1 as declared; None when not.
        weight: of the application.
    """

    application: str
    journey: str | None
    kind: str = ""
    visits: float | None = None
    per_visit: float | None = None
    measured_on: date | None = None
    expected_saving: float | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A candidate's place, and why.

    Attributes:
        score: gCO2e a month that may be saved, weighted; None when traffic or every footprint is unknown: such candidates come
            last, and what lacks is said by ``visits`` or ``basis``.
        per_visit, basis: the footprint that was taken, and where it comes from.
        low, high: the least and the most of the likes whose median stands in; None for a footprint of its own.
        saving, saving_assumed: the saving that was taken, and whether it was not declared.
        share_of_visits: of all visits of known candidates; None when unknown.
    """

    candidate: Candidate
    state: State
    score: float | None
    per_visit: float | None
    low: float | None
    high: float | None
    basis: Basis
    saving: float
    saving_assumed: bool
    share_of_visits: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollOut:
    """How far measuring has come: journeys (or applications without journeys) measured, of them fresh, and all there are."""

    measured: int
    fresh: int
    total: int
    applications_measured: int
    applications: int
    share_of_visits: float | None


def suggest(
    candidates: Iterable[Candidate], today: date, *, stale_after_days: int = STALE_AFTER_DAYS
) -> tuple[Suggestion, ...]:
    """What is not measured, or not lately, the most promising first.

    >>> found = suggest(
    ...     [
    ...         Candidate(application="shop", journey="pay", visits=1000, per_visit=2.0, measured_on=date(2026, 11, 1)),
    ...         Candidate(application="shop", journey="browse", visits=500),
    ...     ],
    ...     date(2026, 11, 22),
    ... )
    >>> [(s.candidate.journey, s.score, s.basis.value, s.saving_assumed) for s in found]
    [('browse', 100.0, 'median_of_application', True)]
    """
    rows = list(candidates)
    visits = math.fsum(row.visits or 0.0 for row in rows)
    medians = _Medians(rows)
    found = [
        _suggestion(row, state, medians, visits)
        for row in rows
        if (state := state_of(row, today, stale_after_days)) is not State.FRESH
    ]
    return tuple(sorted(found, key=_order))


def state_of(candidate: Candidate, today: date, stale_after_days: int = STALE_AFTER_DAYS) -> State:
    """How well it is measured on a day."""
    if candidate.per_visit is None or candidate.measured_on is None:
        return State.NEVER
    return State.STALE if (today - candidate.measured_on).days > stale_after_days else State.FRESH


def roll_out(candidates: Iterable[Candidate], today: date, *, stale_after_days: int = STALE_AFTER_DAYS) -> RollOut:
    """Measured out of all."""
    rows = list(candidates)
    states = [state_of(row, today, stale_after_days) for row in rows]
    measured = [row for row, state in zip(rows, states, strict=True) if state is not State.NEVER]
    visits = math.fsum(row.visits or 0.0 for row in rows)
    return RollOut(
        measured=len(measured),
        fresh=states.count(State.FRESH),
        total=len(rows),
        applications_measured=len({row.application for row in measured}),
        applications=len({row.application for row in rows}),
        share_of_visits=math.fsum(row.visits or 0.0 for row in measured) / visits if visits else None,
    )


def _suggestion(candidate: Candidate, state: State, medians: _Medians, visits: float) -> Suggestion:
    per_visit, basis = medians.footprint(candidate)
    low, high = medians.range_of(candidate, basis)
    saving = ASSUMED_SAVING if candidate.expected_saving is None else candidate.expected_saving
    known = candidate.visits is not None and per_visit is not None
    return Suggestion(
        candidate=candidate,
        state=state,
        score=(candidate.visits or 0.0) * (per_visit or 0.0) * saving * candidate.weight if known else None,
        per_visit=per_visit,
        low=low,
        high=high,
        basis=basis,
        saving=saving,
        saving_assumed=candidate.expected_saving is None,
        share_of_visits=candidate.visits / visits if visits and candidate.visits is not None else None,
    )


class _Medians:
    """What stands in for the footprint of a journey that nobody measured: the medians of its likes."""

    def __init__(self, rows: Sequence[Candidate]) -> None:
        likes: dict[tuple[Basis, str], list[float]] = {}
        for row in rows:
            if row.per_visit is not None:
                for like in self._likes(row):
                    likes.setdefault(like, []).append(row.per_visit)
        self._medians = {like: statistics.median(values) for like, values in likes.items()}
        self._ranges = {like: (min(values), max(values)) for like, values in likes.items()}

    def footprint(self, candidate: Candidate) -> tuple[float | None, Basis]:
        """Footprint per visit, measured or of the nearest likes, and which."""
        if candidate.per_visit is not None:
            return candidate.per_visit, Basis.MEASURED
        known = (like for like in self._likes(candidate) if like in self._medians)
        return next(((self._medians[like], like[0]) for like in known), (None, Basis.UNKNOWN))

    def range_of(self, candidate: Candidate, basis: Basis) -> tuple[float | None, float | None]:
        """The least and the most of the likes that a stand-in is the median of."""
        found = (self._ranges[like] for like in self._likes(candidate) if like[0] is basis and like in self._ranges)
        return next(found, (None, None))

    @staticmethod
    def _likes(row: Candidate) -> Iterator[tuple[Basis, str]]:
        """The groups it belongs to, the nearest first."""
        yield Basis.APPLICATION, row.application
        if row.kind:
            yield Basis.KIND, row.kind
        yield Basis.ALL, ""


def _order(suggestion: Suggestion) -> tuple[bool, float, float, str, str]:
    """Largest score first; the unknown last, by traffic, then by name."""
    row = suggestion.candidate
    score = suggestion.score
    return score is None, -(score or 0.0), -(row.visits or 0.0), row.application, row.journey or ""

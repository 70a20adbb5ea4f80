# SPDX-License-Identifier: Apache-2.0
"""Weights order lists. They never enter a figure: each place has its unweighted rank and figure beside the weighted rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lichen.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """How much an application matters, as somebody declared.

    Attributes:
        weight: finite, 0 or more; 1 is that of an application without one.
        valid_from: first day on which it holds.
    """

    weight: float
    reason: str
    valid_from: date


def weight_on(day: date, weights: Sequence[Weight]) -> float:
    """The weight that holds on a day: the one with the latest start up to then; 1 without any."""
    started = [weight for weight in weights if weight.valid_from <= day]
    return max(started, key=lambda weight: weight.valid_from).weight if started else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is ranked: a figure and the weight of the application it belongs to."""

    key: str
    value: float | None
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a ranking.

    Attributes:
        rank, weighted_rank: 1 is the largest; equal figures share a rank, and the next one is left out; None when unknown.
        value: the unweighted figure.
    """

    key: str
    value: float | None
    weight: float
    rank: int | None
    weighted_rank: int | None


def rank(entries: Sequence[Entry]) -> tuple[Place, ...]:
    """Both ranks of each entry, in the order of the entries.

    Raises:
        UsageError: a weight that is negative or not finite.

    >>> [(p.key, p.rank, p.weighted_rank) for p in rank([Entry(key="a", value=9), Entry(key="b", value=5, weight=2)])]
    [('a', 1, 2), ('b', 2, 1)]
    """
    for entry in entries:
        if not 0 <= entry.weight < math.inf:
            raise UsageError(
                f"The weight of {entry.key} is {entry.weight}.",
                repair="A weight is a number from 0 on; 1 is that of an application without one.",
                culprit=entry.key,
            )
    plain = _ranks([entry.value for entry in entries])
    weighted = _ranks([None if entry.value is None else entry.value * entry.weight for entry in entries])
    return tuple(
        Place(key=entry.key, value=entry.value, weight=entry.weight, rank=first, weighted_rank=second)
        for entry, first, second in zip(entries, plain, weighted, strict=True)
    )


def _ranks(values: Sequence[float | None]) -> list[int | None]:
    """Rank of each value: one more than the number of larger ones."""
    ordered = sorted((value for value in values if value is not None), reverse=True)
    first: dict[float, int] = {}
    for position, value in enumerate(ordered, start=1):
        first.setdefault(value, position)
    return [None if value is None else first[value] for value in values]

# SPDX-License-Identifier: Apache-2.0
"""Which run stands for how many visits of a month."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from lichen.store.queries.figures import RunFact, TrafficFact


def daily(rows: Iterable[TrafficFact]) -> dict[date, float | None]:
    """Visits by day of one journey or application, each day from one source.

    Two sources tell of the same visits: the one that knows most days counts, the others fill the days that it lacks.
    """
    by_source: dict[str, dict[date, float | None]] = defaultdict(dict)
    for row in rows:
        by_source[row.source][row.day] = row.visits
    found: dict[date, float | None] = {}
    for source in sorted(by_source, key=lambda name: (-len(by_source[name]), name)):
        for day, visits in by_source[source].items():
            if found.get(day) is None:
                found[day] = visits
    return found


@dataclass(frozen=True, slots=True)
class Share:
    """What a journey's month is made of.

    Attributes:
        runs: run -> visits that take its figure.
        visits: all visits of the month that are known.
    """

    runs: dict[str, float] = field(default_factory=dict)
    visits: float = 0.0


def by_month(visits: Mapping[date, float | None], runs: Sequence[RunFact]) -> dict[date, Share]:
    """Visits of each month, by the run in force on the day; days before the first run take the first run's figure.

    Args:
        runs: of the journey, the oldest first; of two on one day the later one holds (`lichen.portfolio.monthly.in_force`).
    """
    days = [run.measured_at.date() for run in runs]
    weights: dict[date, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    known: dict[date, list[float]] = defaultdict(list)
    for day, count in visits.items():
        if count is None:
            continue
        month = day.replace(day=1)
        known[month].append(count)
        if runs:
            weights[month][runs[max(0, bisect_right(days, day) - 1)].run_id].append(count)
    return {
        month: Share({run: math.fsum(counts) for run, counts in weights[month].items()}, math.fsum(all_of_them))
        for month, all_of_them in sorted(known.items())
    }

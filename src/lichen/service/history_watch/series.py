# SPDX-License-Identifier: Apache-2.0
"""Histories of one visit: a robust point a day, cut where what is measured with has changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, pairwise
from typing import Final

from lichen.service.history_watch.readings import Reading, day_of
from lichen.stats.changepoint import daily_point

EXACT: Final = frozenset({"network_bytes", "requests", "dom_elements"})
"""Quantities that do not depend on the machine, so that another one does not cut their history."""
RECOMPUTED: Final = frozenset({"factors", "method"})
"""Kinds of marks that cut nothing: histories are seen with one method and one set of factors."""


@dataclass(frozen=True, slots=True)
class Cut:
    """From this moment on a history is another one."""

    at: datetime
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class DayPoint:
    """What a visit took on a day: the trimmed mean of its runs, and when the first of them was."""

    day: date
    at: datetime
    value: float
    runs: int


def points(readings: Sequence[Reading], journey: str, name: str, marks: Iterable[Cut] = ()) -> tuple[DayPoint, ...]:
    """The history since its last cut.

    Args:
        readings: the oldest first.
        journey: its code. name: an indicator or quantity.
        marks: what people and programs said; besides, runs say what they were measured with.
    """
    of_it = [one for one in readings if name in one.values.get(journey, {})]
    start = max(
        (cut.at for cut in (*marks, *upgrades(of_it, exact=name in EXACT)) if cut.kind not in RECOMPUTED), default=None
    )
    kept = [one for one in of_it if start is None or one.at >= start]
    found = []
    for day, runs in groupby(kept, key=day_of):
        listed = list(runs)
        value = daily_point([one.values[journey][name] for one in listed])
        if math.isfinite(value) and value > 0:  # nothing at all has no logarithm
            found.append(DayPoint(day, listed[0].at, value, len(listed)))
    return tuple(found)


def upgrades(readings: Sequence[Reading], *, exact: bool = False) -> tuple[Cut, ...]:
    """Where the browser, the machine or Lichen itself became another one, as the runs say.

    Args:
        exact: of quantities that only a browser changes.
    """
    found: list[Cut] = []
    for before, after in pairwise(readings):
        if before.browser != after.browser:
            found.append(Cut(after.at, "browser", after.browser))
        if not exact and before.host != after.host:
            found.append(Cut(after.at, "runtime", after.host))
        if not exact and before.agent != after.agent:
            found.append(Cut(after.at, "runtime", f"Lichen {after.agent}"))
    return tuple(found)

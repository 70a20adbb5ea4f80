# SPDX-License-Identifier: Apache-2.0
"""When a history changed: the largest cumulative sum of its logarithms, judged against block bootstraps of its residuals.

The statistic of a split into two segments is the difference of their means times sqrt(k (n - k) / n) (Page 1954,
doi:10.1093/biomet/41.1-2.100); its largest value over all splits has no table, so it is compared with that of series made of the
residuals, drawn in circular blocks that keep their short memory (Politis & Romano 1992). Found changes split the series, and each
piece is looked at again. A change counts when two evaluations in a row find it: one day's oddity is gone in the next.

Residuals vary less than the noise that they come from, and a quantile far out is too small when few blocks tell the spread. Both
are corrected (`_spread`, `_tail`): without that one innocent series in ten raises an alarm within 60 days.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from lichen.stats.quantiles import normal_quantile, student_quantile
from lichen.stats.sampling import CONFIDENCE, precision

WINDOW: Final = 60
"""Newest points that are looked at."""
SEGMENT_MIN: Final = 5
"""Fewest points on each side of a change."""
BLOCK: Final = 4
"""Points that are drawn together."""
RESAMPLES: Final = 999
P_MAX: Final = 0.002
CHANGE_MIN: Final = 0.03
"""Smallest relative change that is told."""
SAME_WITHIN: Final = 2
"""Two evaluations mean the same change when their places differ by so many points at most."""
_MEMORY_MAX: Final = 0.8
_FIRST_LOOK: Final = 99
"""Resamples after which most series without a change are seen to have none."""
_DECIMALS: Final = 9
"""Of the logarithms that the random numbers follow from: the same history in another unit has the same verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a series' level.

    Attributes:
        index: position of the first point of what is new, among all points given.
        earliest, latest: 95 % range of that position.
        change: relative (0.05 is 5 % more). low, high: its 95 % range at that place.
        p: share of series without a change whose largest difference is as large.
    """

    index: int
    earliest: int
    latest: int
    change: float
    low: float
    high: float
    p: float


def daily_point(values: Sequence[float]) -> float:
    """The value of a day: the 20 %-trimmed mean of what was measured in it.

    Raises:
        ValueError: no value, or one that is not finite.
    """
    return precision(values).mean


def changes(values: Sequence[float]) -> tuple[Change, ...]:
    """Changes among the newest `WINDOW` points, by place: what one evaluation finds.

    Args:
        values: one a day on which something was measured, the oldest first, in any unit.

    Raises:
        ValueError: a value that is not finite, or not above zero: it has no logarithm.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not np.all(np.isfinite(array) & (array > 0)):
        raise ValueError("a history needs finite values above zero")
    offset = max(len(array) - WINDOW, 0)
    found: list[Change] = []
    _search(np.log(array[offset:]), offset, found)
    return tuple(sorted(found, key=lambda change: change.index))


def confirmed(values: Sequence[float]) -> tuple[Change, ...]:
    """Changes that this evaluation and that of the day before find at the same place.

    Args:
        values: as for `changes`.

    Raises:
        ValueError: as for `changes`.
    """
    now = changes(values)
    before = [change.index for change in changes(values[:-1])] if now else []
    return tuple(one for one in now if any(abs(one.index - other) <= SAME_WITHIN for other in before))


def _search(logs: np.ndarray, offset: int, found: list[Change]) -> None:
    """Adds the changes of a piece of the series; ``offset`` is where it begins."""
    change = _strongest(logs, offset)
    if change is None:
        return
    found.append(change)
    place = change.index - offset
    _search(logs[:place], offset, found)
    _search(logs[place:], change.index, found)


def _strongest(logs: np.ndarray, offset: int) -> Change | None:
    """The strongest change of a piece; None when chance makes such a one, or it is too small to tell."""
    n = len(logs)
    if n < 2 * SEGMENT_MIN:
        return None
    centred = logs - logs.mean()
    split, largest = _largest(centred[np.newaxis, :])
    place, statistic = int(split[0]), float(largest[0])
    step = float(centred[place:].mean() - centred[:place].mean())
    if abs(math.expm1(step)) < CHANGE_MIN:
        return None
    level = np.where(np.arange(n) < place, centred[:place].mean(), centred[place:].mean())
    residuals = centred - level
    if not np.any(np.abs(residuals) > 10.0**-_DECIMALS):  # two exact levels: nothing is left to chance
        at = offset + place
        change = math.expm1(step)
        return Change(index=at, earliest=at, latest=at, change=change, low=change, high=change, p=1 / (RESAMPLES + 1))
    drawn, p = _judged(residuals * _spread(residuals, place), statistic, _seed(centred))
    if drawn is None:
        return None
    errors = (drawn[:, place:].mean(axis=1) - drawn[:, :place].mean(axis=1)) * _tail(n, (1 - CONFIDENCE) / 2)
    low, high = np.quantile(errors, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    places = _largest(drawn + level)[0]
    earliest, latest = np.quantile(places, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), method="nearest")
    return Change(
        index=offset + place, earliest=offset + min(int(earliest), place), latest=offset + max(int(latest), place),
        change=math.expm1(step), low=math.expm1(step - float(high)), high=math.expm1(step - float(low)), p=p,
    )  # fmt: skip


def _judged(residuals: np.ndarray, statistic: float, seed: int) -> tuple[np.ndarray | None, float]:
    """Series made of residuals, and the share of them as extreme as the real one; None when the share is above `P_MAX`."""
    random = np.random.default_rng(seed)
    limit = statistic / _tail(len(residuals), P_MAX / 2)
    most = math.floor(P_MAX * (RESAMPLES + 1)) - 1
    drawn = _resamples(residuals, _FIRST_LOOK, random)
    if np.count_nonzero(_largest(drawn)[1] >= limit) > most:
        return None, 1.0  # further ones only raise the share
    drawn = np.concatenate((drawn, _resamples(residuals, RESAMPLES - _FIRST_LOOK, random)))
    above = int(np.count_nonzero(_largest(drawn)[1] >= limit))
    return (None if above > most else drawn), (above + 1) / (RESAMPLES + 1)


def _spread(residuals: np.ndarray, place: int) -> np.ndarray:
    """What residuals are multiplied by to vary as the noise does, point by point.

    Three things make them smaller: each segment's mean was taken from its own points; sums over blocks of a series whose two
    means are zero lose two blocks' worth; and blocks of four miss the rest of a memory that outlasts them (of an
    autoregression with the residuals' own first correlation).
    """
    n = len(residuals)
    of_segment = np.where(
        np.arange(n) < place, math.sqrt(place / (place - 1)), math.sqrt((n - place) / (n - place - 1))
    )
    scaled = residuals * of_segment
    memory = float(np.clip((scaled[1:] * scaled[:-1]).sum() / (scaled**2).sum(), 0.0, _MEMORY_MAX))
    of_blocks = 1 + 2 * sum((1 - lag / BLOCK) * memory**lag for lag in range(1, BLOCK))
    spread: np.ndarray = of_segment * math.sqrt(n / (n - 2 * BLOCK) * (1 + memory) / (1 - memory) / of_blocks)
    return spread


@cache
def _tail(n: int, beyond: float) -> float:
    """How much further out Student's quantile is than the normal one, when n points tell the spread by overlapping blocks.

    Overlapping blocks tell as much as 1.5 times as many separate ones (Künsch 1989, doi:10.1214/aos/1176347265); two means are
    fitted.
    """
    freedom = 1.5 * n / BLOCK - 2
    return student_quantile(freedom, 1 - beyond) / normal_quantile(1 - beyond)


def _largest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row, the split whose means differ most and the statistic there."""
    n = rows.shape[1]
    left = np.arange(SEGMENT_MIN, n - SEGMENT_MIN + 1)
    sums = np.cumsum(rows, axis=1)
    head = sums[:, left - 1]
    difference = np.abs((sums[:, -1:] - head) / (n - left) - head / left) * np.sqrt(left * (n - left) / n)
    best = np.argmax(difference, axis=1)
    return left[best], np.take_along_axis(difference, best[:, np.newaxis], axis=1)[:, 0]


def _resamples(residuals: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Series of residuals drawn in circular blocks, one a row."""
    n = len(residuals)
    starts = random.integers(0, n, size=(count, math.ceil(n / BLOCK), 1))
    places = ((starts + np.arange(BLOCK)) % n).reshape(count, -1)[:, :n]
    drawn: np.ndarray = residuals[places]
    return drawn


def _seed(centred: np.ndarray) -> int:
    """A number that follows from the series, so that its verdict does not change from one evaluation to the next."""
    rounded = np.round(centred, _DECIMALS) + 0.0
    return int.from_bytes(hashlib.sha256(rounded.astype("<f8").tobytes()).digest()[:8], "big")

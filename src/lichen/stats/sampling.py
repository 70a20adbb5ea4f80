# SPDX-License-Identifier: Apache-2.0
"""How many repetitions a measurement needs, and how precise they made it.

The 20 %-trimmed mean with a winsorised standard deviation (Yuen 1974, doi:10.1093/biomet/61.1.165; Tukey & McLaughlin 1963)
is insensitive to the occasional sample that a busy host spoils. One set of kept samples is chosen on the primary metric and
used for every quantity, so that the rows of a report still add up to its totals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lichen.stats.quantiles import student_quantile

TRIM: Final = 0.2
"""Share of the samples left out at each end."""
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Trimmed mean of a series and how well it is known.

    Attributes:
        mean: 20 %-trimmed mean.
        half_width: half of the 95 % interval of that mean; infinite for one sample.
        relative: half_width / mean; infinite when the mean is 0 and the half-width is not.
        cv: coefficient of variation of all samples; None for one sample or a mean of 0.
        kept: positions of the samples that were not trimmed, in ascending order.
    """

    mean: float
    half_width: float
    relative: float
    cv: float | None
    kept: tuple[int, ...]


def trimmed(count: int) -> int:
    """How many samples are left out at each end of ``count``."""
    return math.floor(TRIM * count)


def precision(values: Sequence[float]) -> Precision:
    """Trimmed mean and its 95 % half-width.

    Args:
        values: one value per sample, finite, at least one.

    Returns:
        `Precision`; the half-width of one sample is infinite: it says nothing about the next.

    Raises:
        ValueError: no value, or one that is not finite.
    """
    if not values or not all(math.isfinite(v) for v in values):
        raise ValueError("precision needs at least one sample and finite values")
    array = np.asarray(values, dtype=float)
    n = len(array)
    k = trimmed(n)
    order = np.argsort(array, kind="stable")
    kept = tuple(sorted(int(i) for i in order[k : n - k]))
    mean = math.fsum(array[list(kept)]) / len(kept)
    if n == 1:
        return Precision(mean=mean, half_width=math.inf, relative=math.inf, cv=None, kept=kept)
    half_width = _half_width(array[order], k)
    relative = half_width / abs(mean) if mean else (0.0 if half_width == 0 else math.inf)
    cv = float(array.std(ddof=1) / abs(array.mean())) if array.mean() else None
    return Precision(mean=mean, half_width=half_width, relative=relative, cv=cv, kept=kept)


def _half_width(ordered: np.ndarray, k: int) -> float:
    n = len(ordered)
    winsorised = ordered.copy()
    winsorised[:k] = ordered[k]
    winsorised[n - k :] = ordered[n - k - 1]
    spread = float(winsorised.std(ddof=1))
    quantile = student_quantile(n - 2 * k - 1, (1 + CONFIDENCE) / 2) if n - 2 * k > 1 else math.inf
    return quantile * spread / ((1 - 2 * k / n) * math.sqrt(n)) if spread else 0.0


def half_width_of_kept(values: Sequence[float | None], kept: Sequence[int]) -> float | None:
    """95 % half-width of a secondary quantity's mean over the samples that the primary metric kept.

    Args:
        values: one value per counted sample; None where unknown.
        kept: positions that the mean is taken of.

    Returns:
        None when a value is unknown or there is one sample; 0 when all samples agree.

    A quantity that follows the primary metric loses its own extremes with the primary's, so its interval is Yuen's; one that
    is independent keeps an arbitrary subset, so its interval is Student's of that subset. Which of the two holds is not known
    beforehand: the wider one is given.
    """
    if len(values) < 2 or any(v is None for v in values):
        return None
    array = np.asarray(values, dtype=float)
    yuen = _half_width(np.sort(array), trimmed(len(array)))
    chosen = array[list(kept)]
    if len(chosen) < 2:
        return yuen
    spread = float(chosen.std(ddof=1))
    student = (
        student_quantile(len(chosen) - 1, (1 + CONFIDENCE) / 2) * spread / math.sqrt(len(chosen)) if spread else 0.0
    )
    return max(yuen, student)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingPlan:
    """When to stop repeating a journey.

    Attributes:
        minimum, maximum: number of counted samples; equal when the number is fixed.
        target: relative half-width aimed at; None when the number is fixed.
        max_s: longest time for one journey's counted samples [s].
    """

    minimum: int
    maximum: int
    target: float | None
    max_s: float

    def enough(self, primary: Sequence[float], elapsed_s: float, longest_sample_s: float) -> bool:
        """Whether to stop after these counted samples.

        Args:
            primary: primary metric of each counted sample so far.
            elapsed_s: time spent on this journey's counted samples [s].
            longest_sample_s: longest sample so far; another one must fit into ``max_s`` [s].
        """
        n = len(primary)
        if n == 0 or (self.target is None and n < self.maximum):
            return False
        if n >= self.maximum:
            return True
        if elapsed_s + longest_sample_s > self.max_s:
            return True
        return n >= self.minimum and self.target is not None and precision(primary).relative <= self.target

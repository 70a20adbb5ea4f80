# SPDX-License-Identifier: Apache-2.0
"""Whether one side of interleaved pairs is heavier than the other: fixed looks, a trimmed mean, three outcomes.

Runs alternate A B B A A B B A…, so that a drift of the machine hits both sides alike. What is looked at are the differences of
the logarithms of each pair, their 20 %-trimmed mean and its winsorised standard error (Yuen 1974, doi:10.1093/biomet/61.1.165;
Tukey & McLaughlin 1963). Looking several times at growing data finds differences that are none; with five looks that were fixed
beforehand and a small constant level at each (Pocock 1977, doi:10.1093/biomet/64.2.191), 2.5 % is an upper bound of that.
`tests/stats/test_gate_rule.py` simulates what the rule gets wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lichen.stats.quantiles import student_below, student_quantile
from lichen.stats.sampling import trimmed

LOOKS: Final = (6, 9, 13, 18, 25)
"""Numbers of pairs at which it may be decided."""
ALPHA: Final = 0.005
"""One-sided level of each look."""
POWER: Final = 0.9
"""Of the smallest visible change."""

Decision = Literal["pass", "fail", "undecided"]
Fault = Literal["unknown", "not_finite", "negative", "zero", "single", "unequal"]
"""Why two series have no relative difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEffect:
    """Difference of the logarithms, head minus base.

    Attributes:
        mean: 20 %-trimmed mean of the differences.
        error: standard error of that mean; 0 when all pairs agree.
        freedom: degrees of freedom of the error.
        pairs: that were looked at.
    """

    mean: float
    error: float
    freedom: int
    pairs: int

    @property
    def change(self) -> float:
        """Head against base, relative."""
        return math.expm1(self.mean)

    def interval(self, alpha: float = ALPHA) -> tuple[float, float]:
        """Relative change below and above which lies a share ``alpha`` of what this could come from; for 0.005, 99 % inside."""
        reach = self._reach(alpha)
        return math.expm1(self.mean - reach), _expm1(self.mean + reach)

    @property
    def p(self) -> float:
        """One-sided: how likely a mean this high is when the head is not heavier."""
        if not self.error:
            return 0.0 if self.mean > 0 else 1.0
        return student_below(self.freedom, -self.mean / self.error)

    @property
    def smallest_visible(self) -> float:
        """Relative increase that as many pairs, as noisy as these, tell from nothing nine times out of ten (at ``ALPHA``)."""
        quantiles = student_quantile(self.freedom, 1 - ALPHA) + student_quantile(self.freedom, POWER)
        return _expm1(quantiles * self.error) if self.error else 0.0

    def decide(self, delta: float, alpha: float = ALPHA) -> Decision:
        """What a look says.

        Args:
            delta: smallest relative increase that matters.
            alpha: one-sided level for ``fail``, smaller where several things are tested; ``pass`` keeps `ALPHA`.

        Returns:
            ``fail``: increased by ``delta`` at least, and surely increased. ``pass``: surely not by ``delta``.
        """
        threshold = math.log1p(delta)
        if self.mean >= threshold and self.mean > 0 and self.p <= alpha:
            return "fail"
        return "pass" if self.mean + self._reach(ALPHA) < threshold else "undecided"

    def _reach(self, alpha: float) -> float:
        return student_quantile(self.freedom, 1 - alpha) * self.error if self.error else 0.0


def _expm1(value: float) -> float:
    """``math.expm1``, infinite where that overflows: an interval of very few pairs is that wide."""
    return math.expm1(value) if value < math.log(np.finfo(float).max) else math.inf


def fault(base: Sequence[float | None], head: Sequence[float | None]) -> Fault | None:
    """Why two series cannot be compared by the ratio of their pairs; None when they can."""
    if len(base) != len(head):
        return "unequal"
    if len(base) < 2:
        return "single"
    values = [*base, *head]
    if None in values:
        return "unknown"
    known = [value for value in values if value is not None]
    if not all(map(math.isfinite, known)):
        return "not_finite"
    if min(known) < 0:
        return "negative"
    return "zero" if min(known) == 0 else None


def paired_effect(base: Sequence[float], head: Sequence[float]) -> LogEffect:
    """The effect that pairs show.

    Args:
        base, head: one value per pair and side, positive and finite, in the same order, at least two.

    Raises:
        ValueError: `fault` finds something.
    """
    if (wrong := fault(base, head)) is not None:
        raise ValueError(f"pairs need two positive, finite series of one length: {wrong}")
    differences = np.log(np.asarray(head, dtype=float)) - np.log(np.asarray(base, dtype=float))
    # A constant ratio gives differences that agree to the last digits only.
    if np.ptp(differences) <= 16 * np.finfo(float).eps * max(1.0, float(np.abs(differences).max())):
        differences = np.full_like(differences, differences[0])
    mean, error, freedom = trimmed_means(differences[np.newaxis, :])
    return LogEffect(mean=float(mean[0]), error=float(error[0]), freedom=freedom, pairs=len(differences))


def trimmed_means(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """20 %-trimmed mean of each row, its standard error, and the degrees of freedom of that error.

    Args:
        differences: shape (series, pairs), at least two pairs.
    """
    pairs = differences.shape[1]
    k = trimmed(pairs)
    ordered = np.sort(differences, axis=1)
    mean = ordered[:, k : pairs - k].mean(axis=1)
    winsorised = np.clip(ordered, ordered[:, k : k + 1], ordered[:, pairs - k - 1 : pairs - k])
    spread = winsorised.std(axis=1, ddof=1)
    return mean, spread / ((1 - 2 * k / pairs) * math.sqrt(pairs)), pairs - 2 * k - 1


def order(pair: int) -> tuple[int, int]:
    """Which side a pair begins with: 0 is the base, 1 the head; A B B A A B B A…"""
    return (0, 1) if pair % 2 == 0 else (1, 0)

# SPDX-License-Identifier: Apache-2.0
"""Whether a mean is above a bound, and whether a measurement is heavier than earlier ones of the same machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lichen.stats.paired import ALPHA, LogEffect
from lichen.stats.quantiles import student_below, student_quantile
from lichen.stats.sampling import CONFIDENCE

SESSIONS_MIN: Final = 5
"""Fewest earlier measurements whose spread says what one more may be."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and how well it is known.

    Attributes:
        value: of the kept samples.
        half_width: of its 95 % interval; None when unknown, 0 when all samples agree.
        kept: samples that it is the mean of, after trimming.
    """

    value: float
    half_width: float | None
    kept: int

    @property
    def exact(self) -> bool:
        """All samples agree."""
        return self.half_width == 0

    @property
    def error(self) -> float | None:
        """Standard error; None with one sample."""
        if self.half_width is None or self.kept < 2:
            return None
        return self.half_width / student_quantile(self.kept - 1, (1 + CONFIDENCE) / 2)

    def bounds(self, alpha: float = ALPHA) -> tuple[float, float] | None:
        """Bounds that the true mean is below, or above, with probability ``alpha`` each; None with one sample."""
        if self.error is None:
            return None
        reach = student_quantile(self.kept - 1, 1 - alpha) * self.error if self.error else 0.0
        return self.value - reach, self.value + reach

    def p_above(self, bound: float) -> float | None:
        """One-sided: how likely a mean this high is when the true one is at ``bound``; None when exact or unknown."""
        if not self.error:
            return None
        return student_below(self.kept - 1, -(self.value - bound) / self.error)


def against_sessions(head: Mean, base: Sequence[Mean]) -> LogEffect:
    """The effect of a measurement against earlier ones, whose spread from one to the next is part of the error.

    Args:
        head: the new measurement; base: earlier ones, at least two. Positive, with known half-widths.

    Returns:
        The difference of logarithms. Its variance is that between sessions, once for the head and shared out among the base,
        and that within them; its degrees of freedom are those of the sessions.

    Raises:
        ValueError: fewer than two sessions, a value that is not positive, an unknown half-width.

    Source:
        the prediction of one more session in a one-way random-effects layout: Searle, Casella & McCulloch, "Variance
        Components" (1992), chapter 3.
    """
    errors = [mean.error for mean in (head, *base)]
    if len(base) < 2 or None in errors or min(mean.value for mean in (head, *base)) <= 0:
        raise ValueError("sessions need two positive means of known precision at least")
    relative = [(error or 0.0) / mean.value for error, mean in zip(errors, (head, *base), strict=True)]
    logs = np.log([mean.value for mean in base])
    count = len(base)
    within = math.fsum(share**2 for share in relative[1:]) / count
    between = max(0.0, float(logs.var(ddof=1)) - within)
    variance = between * (1 + 1 / count) + relative[0] ** 2 + within / count
    return LogEffect(
        mean=math.log(head.value) - float(logs.mean()), error=math.sqrt(variance), freedom=count - 1, pairs=count
    )

# SPDX-License-Identifier: Apache-2.0
"""How small a change a comparison can show."""

from __future__ import annotations

import math
from typing import Final

from lichen.stats.quantiles import student_quantile

_CONFIDENCE: Final = 0.975
"""One tail of a two-sided test at 5 %."""
_POWER: Final = 0.8


def smallest_change(cv: float, samples: int) -> float:
    """Smallest relative change that a comparison of two sides shows four times out of five.

    Args:
        cv: coefficient of variation of a sample, the same on both sides.
        samples: on each side, at least 2.

    Returns:
        Change as a share of the mean: (t(0.975) + t(0.8)) x cv x sqrt(2 / samples), t with 2 x samples - 2 degrees of
        freedom; an approximation that takes the noncentral t for a shifted t.

    Raises:
        ValueError: fewer than two samples.

    Source:
        R. V. Lenth, "Some practical guidelines for effective sample size determination", The American Statistician 55 (2001).

    >>> round(smallest_change(0.02, 7), 4)
    0.0326
    """
    if samples < 2:
        raise ValueError("a spread needs at least two samples a side")
    freedom = 2 * samples - 2
    return (student_quantile(freedom, _CONFIDENCE) + student_quantile(freedom, _POWER)) * cv * math.sqrt(2 / samples)

# SPDX-License-Identifier: Apache-2.0
"""Student's and Gauss's distributions. Importing SciPy takes longer than many a command: only who asks for a value does it."""

from __future__ import annotations


def student_below(freedom: float, t: float) -> float:
    """Probability that Student's t with so many degrees of freedom is at most ``t``."""
    from scipy.special import stdtr

    return float(stdtr(freedom, t))


def student_quantile(freedom: float, probability: float) -> float:
    """Student's t below which a probability lies, for so many degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def normal_quantile(probability: float) -> float:
    """Standard deviations from the mean of a normal distribution below which a probability lies."""
    from scipy.special import ndtri

    return float(ndtri(probability))

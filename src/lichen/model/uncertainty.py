# SPDX-License-Identifier: Apache-2.0
"""Draws of factors: one seeded draw per factor row, shared by every figure that uses the row.

A factor's 5 % and 95 % bounds around its central value become a distribution; its draws are stratified (one per equal
slice of probability) in an order seeded by the row's identity. The same row gives the same draws in every process, so ranges
are reproducible, and two figures that share a factor move together when they are summed.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

import numpy as np
from scipy.special import ndtri

from lichen.errors import FactorError
from lichen.records import Factor

DRAWS: Final = 2000
"""Draws per factor: a 5 % bound then rests on 100 draws."""
LOW_QUANTILE: Final = 0.05
HIGH_QUANTILE: Final = 0.95
_Z: Final = float(ndtri(HIGH_QUANTILE))


def _strata(key: str, count: int) -> np.ndarray:
    """Mid-points of ``count`` equal slices of (0, 1), shuffled by ``key``."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return (np.random.default_rng(seed).permutation(count) + 0.5) / count


def draw(factor: Factor, count: int = DRAWS) -> np.ndarray:
    """Values of a factor, in the order seeded by its identity.

    Args:
        factor: the row; ``low`` and ``high`` are its 5 % and 95 % bounds.
        count: number of draws.

    Returns:
        Array of shape (count,), in the factor's unit.

    Raises:
        FactorError: the bounds do not enclose the value, or a log-normal one is not positive.

    A split log-normal has its median at the value and each half spread to its own bound; a triangular one takes the bounds as
    5 % and 95 % quantiles of its straight sides; a uniform one spreads evenly through both.
    """
    if not factor.low <= factor.value <= factor.high:
        raise FactorError(
            f"Factor {factor.key} has the value {factor.value:g} outside its range {factor.low:g} to {factor.high:g}.",
            repair="Repair the row.",
            culprit=factor.key,
        )
    if factor.distribution == "fixed" or factor.low == factor.high:
        return np.full(count, factor.value)
    u = _strata(factor.key, count)
    if factor.distribution == "lognormal":
        if factor.low <= 0:
            raise FactorError(
                f"Factor {factor.key} is log-normal but its low bound {factor.low:g} is not positive.",
                repair='Use distribution = "triangular" or a positive bound.',
                culprit=factor.key,
            )
        z = ndtri(u)
        below, above = np.log(factor.value / factor.low) / _Z, np.log(factor.high / factor.value) / _Z
        return np.asarray(factor.value * np.exp(np.where(z < 0, below, above) * z))
    if factor.distribution == "uniform":
        width = (factor.high - factor.low) / (HIGH_QUANTILE - LOW_QUANTILE)
        return np.asarray(factor.low + (u - LOW_QUANTILE) * width)
    # Triangular: median at the value, each side's 5 % tail at its bound; a side of a triangle has quantile 1 - sqrt(2 u).
    reach = 1 - np.sqrt(2 * LOW_QUANTILE)
    side = np.where(u < 0.5, -(1 - np.sqrt(2 * u)), 1 - np.sqrt(2 * (1 - u)))
    width = np.where(u < 0.5, factor.value - factor.low, factor.high - factor.value) / reach
    return np.asarray(factor.value + side * width)


def bounds(draws: np.ndarray) -> tuple[float, float]:
    """5 % and 95 % of draws, by Hazen's rule: the k-th of n values stands at (k - 1/2)/n.

    Source: definition 5 of Hyndman & Fan 1996, doi:10.1080/00031305.1996.10473566.
    """
    # np.quantile gives the same and costs three times as much, which counts where thousands of impacts have a range each.
    last = len(draws) - 1
    places = [min(max((2 * share * len(draws) - 1) / 2, 0.0), float(last)) for share in (LOW_QUANTILE, HIGH_QUANTILE)]
    pairs = [(math.floor(place), min(math.floor(place) + 1, last)) for place in places]
    ordered = np.partition(draws, sorted({index for pair in pairs for index in pair}))
    low, high = (
        float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))
        for place, (below, above) in zip(places, pairs, strict=True)
    )
    return low, high

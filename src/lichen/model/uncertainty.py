# SPDX-License-Identifier: Apache-2.0
"""Draws of factors: one seeded draw per factor row, shared by every figure that uses the row.

A factor's 5 % and 95 % bounds around its central value become a distribution; its draws are stratified (one per equal
slice of probability) in an order seeded by the row's identity. The same row gives the same draws in every process, so ranges
are reproducible, and two figures that share a factor move together when they are summed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from functools import cache, lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np

from lichen.errors import FactorError
from lichen.records import Distribution, Factor

DRAWS: Final = 2000
"""Draws per factor: a 5 % bound then rests on 100 draws."""
LOW_QUANTILE: Final = 0.05
HIGH_QUANTILE: Final = 0.95
_KEPT: Final = 1024
"""Factors whose draws are remembered: 16 MB."""
_ROUNDING: Final = 1e-12
"""Relative difference that the order of a sum makes."""
_Z: Final = NormalDist().inv_cdf(HIGH_QUANTILE)


@cache
def _middles(count: int) -> np.ndarray:
    """Mid-points of ``count`` equal slices of (0, 1)."""
    return (np.arange(count) + 0.5) / count


@cache
def _normal_middles(count: int) -> np.ndarray:
    """Standard normal quantiles of `_middles`: the same for every factor, so that they are computed once."""
    return np.array([NormalDist().inv_cdf(share) for share in _middles(count).tolist()])


def _order(key: str, count: int) -> np.ndarray:
    """The order of the slices, seeded by ``key``."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).permutation(count)


def draw(factor: Factor, count: int = DRAWS) -> np.ndarray:
    """Values of a factor, in the order seeded by its identity.

    Args:
        factor: the row; ``low`` and ``high`` are its 5 % and 95 % bounds.
        count: number of draws.

    Returns:
        Array of shape (count,), in the factor's unit; read-only, as others share it.

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
    if factor.distribution == "lognormal" and factor.low <= 0 and factor.low < factor.high:
        raise FactorError(
            f"Factor {factor.key} is log-normal but its low bound {factor.low:g} is not positive.",
            repair='Use distribution = "triangular" or a positive bound.',
            culprit=factor.key,
        )
    return _draw(factor.key, factor.distribution, (factor.low, factor.value, factor.high), count)


@lru_cache(maxsize=_KEPT)
def _draw(key: str, distribution: Distribution, range_: tuple[float, float, float], count: int) -> np.ndarray:
    low, value, high = range_
    if distribution == "fixed" or low == high:
        drawn = np.full(count, value)
    else:
        drawn = _spread(count, distribution, range_)[_order(key, count)]
    drawn.flags.writeable = False
    return drawn


def _spread(count: int, distribution: Distribution, range_: tuple[float, float, float]) -> np.ndarray:
    """Quantiles of a distribution, one for each slice, rising."""
    low, value, high = range_
    u, z = _middles(count), _normal_middles(count)
    if distribution == "lognormal":
        below, above = math.log(value / low) / _Z, math.log(high / value) / _Z
        return np.asarray(value * np.exp(np.where(z < 0, below, above) * z))
    if distribution == "uniform":
        width = (high - low) / (HIGH_QUANTILE - LOW_QUANTILE)
        return np.asarray(low + (u - LOW_QUANTILE) * width)
    # Triangular: median at the value, each side's 5 % tail at its bound; a side of a triangle has quantile 1 - sqrt(2 u).
    reach = 1 - np.sqrt(2 * LOW_QUANTILE)
    side = np.where(u < 0.5, -(1 - np.sqrt(2 * u)), 1 - np.sqrt(2 * (1 - u)))
    width = np.where(u < 0.5, value - low, high - value) / reach
    return np.asarray(value + side * width)


def bounds(draws: np.ndarray) -> tuple[float, float]:
    """5 % and 95 % of draws, shape (n,), by Hazen's rule: the k-th of n values stands at (k - 1/2)/n.

    Source: definition 5 of Hyndman & Fan 1996, doi:10.1080/00031305.1996.10473566.
    """
    low, high = bounds_of_rows(draws[None, :])
    return float(low[0]), float(high[0])


def bounds_of_rows(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `bounds` for each row of ``draws``, shape (rows, n): two arrays of shape (rows,)."""
    if draws.strides[-1] == 0:  # a certain figure is one number, broadcast
        return draws[:, 0], draws[:, 0]
    # np.quantile gives the same and costs three times as much, which counts where thousands of impacts have a range each.
    count = draws.shape[-1]
    last = count - 1
    places = [min(max((2 * share * count - 1) / 2, 0.0), float(last)) for share in (LOW_QUANTILE, HIGH_QUANTILE)]
    pairs = [(math.floor(place), min(math.floor(place) + 1, last)) for place in places]
    ordered = np.partition(draws, sorted({index for pair in pairs for index in pair}), axis=-1)
    low, high = (
        ordered[:, below] + (ordered[:, above] - ordered[:, below]) * (place - below)
        for place, (below, above) in zip(places, pairs, strict=True)
    )
    return low, high


def enclosing(value: float, low: float, high: float) -> tuple[float, float]:
    """Bounds of a figure, without what mere rounding puts between them: where factors are certain, all three are one number.

    >>> enclosing(0.3, 0.1 + 0.2, 0.5)
    (0.3, 0.5)
    """
    return (
        value if math.isclose(low, value, rel_tol=_ROUNDING) else low,
        value if math.isclose(high, value, rel_tol=_ROUNDING) else high,
    )


def variance_shares(total: np.ndarray, factors: Iterable[Factor]) -> tuple[tuple[Factor, float], ...]:
    """Share of the spread of a total that each factor explains by itself, the largest first.

    The squared correlation of the total with the factor's own draws, on normal scores: ranks do not care whether factors are
    added or multiplied, so that the shares add up to about 1 for both (first-order index, Saltelli et al. 2008,
    doi:10.1002/9780470725184, 1.2.7; from ranks to normal scores, Kruskal 1958, doi:10.1080/01621459.1958.10501481).

    Args:
        total: draws of the total, shape (draws,).
        factors: rows that the total uses; those without a range are left out.
    """
    found = []
    if float(np.ptp(total)) > 0:
        ranked = _ranks(total)
        for factor in factors:
            draws = draw(factor)
            if float(np.ptp(draws)) > 0:
                by_rank = float(np.corrcoef(ranked, _ranks(draws))[0, 1])
                found.append((factor, (2 * math.sin(math.pi / 6 * by_rank)) ** 2))
    # Estimates from draws may add up to a little more than the whole.
    excess = max(1.0, math.fsum(share for _, share in found))
    return tuple(sorted(((factor, share / excess) for factor, share in found), key=lambda one: (-one[1], one[0].key)))


def _ranks(values: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ranks

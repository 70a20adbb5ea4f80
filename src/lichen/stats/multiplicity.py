# SPDX-License-Identifier: Apache-2.0
"""Several tests at once: levels that hold for all of them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """p-values adjusted so that a level holds for the whole family (no false finding among them).

    Args:
        p: one per test, 0 to 1.

    Returns:
        Adjusted values in the same order; a test is found at a level when its adjusted value is not above it.

    Source:
        S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    values, by_size = _ordered(p)
    count = len(values)
    steps = values[by_size] * (count - np.arange(count))
    return _back(np.maximum.accumulate(steps), by_size)


def _ordered(p: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(p, dtype=float)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("a p-value lies between 0 and 1")
    return values, np.argsort(values, kind="stable")


def _back(adjusted: np.ndarray, by_size: np.ndarray) -> tuple[float, ...]:
    found = np.empty_like(adjusted)
    found[by_size] = np.minimum(adjusted, 1.0)
    return tuple(float(value) for value in found)

# SPDX-License-Identifier: Apache-2.0
"""Runs that were recorded apart: a difference between two days is more than the noise within each.

Where the base cannot be run again, sessions of it stand for it. The variance of the difference has two components (Kalibera &
Jones 2013, doi:10.1145/2464157.2464160): between sessions, of which the head has one, and between the runs of a session.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from lichen.stats.paired import LogEffect
from lichen.stats.sampling import trimmed

ENOUGH: Final = 5
"""Sessions of the base from which on their spread is known well enough to decide."""


def sessions_effect(base: Sequence[Sequence[float]], head: Sequence[float]) -> LogEffect:
    """The effect of a recorded session against earlier ones.

    Args:
        base: runs of each session of the base, positive, at least two in each.
        head: runs of the head's session, positive, at least two.

    Returns:
        Difference of the trimmed means of the logarithms. With one session of the base only what varies within sessions is in
        its error, which is then too small: whoever decides must know.

    Raises:
        ValueError: a session has fewer than two runs.
    """
    if not base or min(map(len, (*base, head))) < 2:
        raise ValueError("a session needs at least two runs")
    sessions = [_session(runs) for runs in base]
    head_mean, head_variance = _session(head)
    means = np.asarray([mean for mean, _ in sessions])
    count = len(sessions)
    within_base = math.fsum(variance for _, variance in sessions) / count
    between = max(0.0, float(means.var(ddof=1)) - within_base) if count > 1 else 0.0
    error = math.sqrt(between * (1 + 1 / count) + head_variance + within_base / count)
    inner = len(head) + sum(map(len, base)) - count - 1
    return LogEffect(
        mean=head_mean - float(means.mean()),
        error=error,
        freedom=count - 1 if between > 0 else max(1, inner - 2 * trimmed(inner)),
        pairs=len(head),
    )


def _session(runs: Sequence[float]) -> tuple[float, float]:
    """Trimmed mean of the logarithms of a session, and the variance of that mean."""
    ordered = np.sort(np.log(np.asarray(runs, dtype=float)))
    n, k = len(ordered), trimmed(len(ordered))
    winsorised = np.clip(ordered, ordered[k], ordered[n - k - 1])
    spread = float(winsorised.std(ddof=1))
    return float(ordered[k : n - k].mean()), (spread / ((1 - 2 * k / n) * math.sqrt(n))) ** 2

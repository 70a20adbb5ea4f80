# SPDX-License-Identifier: Apache-2.0
"""Recorded sessions: days differ by more than the noise within each. Truths are drawn here."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lichen.stats.sessions import ENOUGH, sessions_effect

DELTA = 0.05


def test_one_session_a_side_by_hand() -> None:
    """Five runs: one is left out at each end of the mean, and its neighbour stands for it in the error."""
    base, head = [1.0, 1.1, 0.9, 1.05, 2.0], [1.2, 1.3, 1.1, 1.25, 1.21]

    def session(runs: list[float]) -> tuple[float, float]:
        logs = sorted(map(math.log, runs))
        winsorised = [logs[1], *logs[1:4], logs[3]]
        centre = math.fsum(winsorised) / 5
        variance = math.fsum((x - centre) ** 2 for x in winsorised) / 4
        return math.fsum(logs[1:4]) / 3, variance / (0.6**2 * 5)

    (base_mean, base_variance), (head_mean, head_variance) = session(base), session(head)
    effect = sessions_effect([base], head)
    assert effect.mean == pytest.approx(head_mean - base_mean)
    assert effect.error == pytest.approx(math.sqrt(base_variance + head_variance))


def _decisions(sessions: int, *, between: float, change: float, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(1_500):
        days = rng.normal(0.0, between, sessions + 1)
        base = [np.exp(day + rng.normal(0.0, 0.03, 9)) for day in days[:-1]]
        head = np.exp(days[-1] + math.log1p(change) + rng.normal(0.0, 0.03, 9))
        found.append(sessions_effect([list(one) for one in base], list(head)).decide(DELTA))
    return found


def test_days_that_differ_do_not_fail_what_did_not_change() -> None:
    """A day moves everything by 4 %: five sessions of the base hold the level, one would not."""
    enough = _decisions(ENOUGH, between=0.04, change=0.0, seed=1)
    assert enough.count("fail") / len(enough) <= 0.025
    alone = _decisions(1, between=0.04, change=0.0, seed=1)
    assert alone.count("fail") / len(alone) > 0.025


def test_a_large_rise_is_seen_over_days() -> None:
    found = _decisions(8, between=0.02, change=0.30, seed=2)
    assert found.count("fail") / len(found) >= 0.95


def test_sessions_that_agree_leave_the_noise_within_them() -> None:
    rng = np.random.default_rng(3)
    base = [list(np.exp(rng.normal(0.0, 0.03, 9))) for _ in range(6)]
    head = list(np.exp(rng.normal(0.1, 0.03, 9)))
    effect = sessions_effect(base, head)
    assert 0 < effect.error < 0.05
    assert effect.mean == pytest.approx(0.1, abs=0.05)
    assert stats.t.ppf(0.995, effect.freedom) < 64


@given(st.floats(1e-6, 1e6))
def test_units_do_not_matter(factor: float) -> None:
    base, head = [[1.0, 1.1, 0.9], [1.2, 1.0, 1.1]], [1.3, 1.4, 1.2]
    one = sessions_effect(base, head)
    other = sessions_effect([[factor * x for x in day] for day in base], [factor * x for x in head])
    assert (other.mean, other.error) == (pytest.approx(one.mean, abs=1e-9), pytest.approx(one.error, abs=1e-9))


@pytest.mark.parametrize(("base", "head"), [([], [1.0, 2.0]), ([[1.0]], [1.0, 2.0]), ([[1.0, 2.0]], [1.0])])
def test_a_session_of_one_run_says_nothing(base: list[list[float]], head: list[float]) -> None:
    with pytest.raises(ValueError, match="at least two"):
        sessions_effect(base, head)

# SPDX-License-Identifier: Apache-2.0
"""Bounds of a mean, and one measurement against earlier ones: by hand, and by simulation of what they get wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from lichen.stats.budgets import Mean, against_sessions
from lichen.stats.sampling import precision


def _mean(values: list[float]) -> Mean:
    found = precision(values)
    return Mean(found.mean, found.half_width, len(found.kept))


def test_bounds_by_hand() -> None:
    # Five samples without trimming at the ends of 20 %: 1 is left out at each end, 3 stay, 2 degrees of freedom.
    mean = _mean([9.0, 10.0, 10.0, 10.0, 11.0])
    assert mean.value == 10.0
    assert mean.exact  # the winsorised values all agree
    varied = Mean(10.0, 0.5, 5)
    error = 0.5 / t.ppf(0.975, 4)
    low, high = varied.bounds() or (0.0, 0.0)
    assert high == pytest.approx(10 + t.ppf(0.995, 4) * error)
    assert low + high == pytest.approx(20.0)
    assert varied.p_above(9.0) == pytest.approx(t.sf(1 / error, 4))


def test_one_sample_says_nothing() -> None:
    single = Mean(10.0, None, 1)
    assert single.bounds() is None
    assert single.p_above(5.0) is None
    assert not single.exact


def test_an_exact_mean_is_its_own_bounds() -> None:
    exact = Mean(10.0, 0.0, 7)
    assert exact.bounds() == (10.0, 10.0)
    assert exact.p_above(9.0) is None


def test_the_variance_of_one_more_session_by_hand() -> None:
    base = [Mean(value, 0.0, 5) for value in (90.0, 100.0, 100.0, 110.0)]
    logs = [math.log(value) for value in (90.0, 100.0, 100.0, 110.0)]
    centre = sum(logs) / 4
    spread = sum((one - centre) ** 2 for one in logs) / 3
    effect = against_sessions(Mean(120.0, 0.0, 5), base)
    assert effect.mean == pytest.approx(math.log(120) - centre)
    assert effect.error == pytest.approx(math.sqrt(spread * (1 + 1 / 4)))
    assert effect.freedom == 3


def test_noise_within_sessions_is_not_counted_twice() -> None:
    """Sessions that differ no more than their own noise have no variance between them."""
    half = 0.05 * 100 * float(t.ppf(0.975, 4))  # 5 % standard error each
    base = [Mean(value, half, 5) for value in (99.0, 100.0, 101.0)]
    effect = against_sessions(Mean(100.0, half, 5), base)
    shares = [5 / value for value in (99.0, 100.0, 101.0)]
    expected = math.sqrt(0.05**2 + sum(share**2 for share in shares) / 3 / 3)
    assert effect.error == pytest.approx(expected)


@pytest.mark.parametrize(
    ("head", "base"),
    [
        (Mean(1.0, 0.1, 5), [Mean(1.0, 0.1, 5)]),
        (Mean(0.0, 0.1, 5), [Mean(1.0, 0.1, 5)] * 3),
        (Mean(1.0, 0.1, 5), [Mean(1.0, None, 1)] * 3),
    ],
)
def test_what_cannot_be_compared_is_refused(head: Mean, base: list[Mean]) -> None:
    with pytest.raises(ValueError, match="sessions need"):
        against_sessions(head, base)


@pytest.mark.parametrize("between", [0.0, 0.03, 0.08])
def test_innocent_measurements_rarely_fail_against_their_history(between: float) -> None:
    """1,000 histories of six sessions of seven samples at 5 % noise: at most 1.5 % fail, three times the level."""
    random = np.random.default_rng(20261122)
    failed = 0
    for _ in range(1000):
        levels = np.exp(random.normal(0, between, 7))
        means = [_mean(list(level * np.exp(random.normal(0, 0.05, 7)))) for level in levels]
        effect = against_sessions(means[0], means[1:])
        failed += effect.decide(0.05) == "fail"
    assert failed <= 15


def test_a_heavier_measurement_is_found() -> None:
    """+ 25 % at 3 % noise between sessions and 3 % within: found nine times out of ten."""
    random = np.random.default_rng(7)
    found = 0
    for _ in range(300):
        levels = np.exp(random.normal(0, 0.03, 11))
        means = [_mean(list(level * np.exp(random.normal(0, 0.03, 7)))) for level in levels]
        head = means[0]
        heavier = Mean(head.value * 1.25, (head.half_width or 0) * 1.25, head.kept)
        found += against_sessions(heavier, means[1:]).decide(0.05) == "fail"
    assert found >= 270


@pytest.mark.parametrize("cv", [0.01, 0.05, 0.12])
@pytest.mark.parametrize("contaminated", [False, True])
def test_a_budget_that_is_just_met_rarely_fails(cv: float, contaminated: bool) -> None:
    """3,000 measurements of seven samples whose true level is the budget: at most 1 % fail, twice the level.

    With outliers to the right, which trimming takes out, the mean that is held to the budget is that of undisturbed runs.
    """
    random = np.random.default_rng(3)
    failed = 0
    for _ in range(3000):
        values = np.exp(random.normal(0, cv, 7))
        if contaminated:
            values *= np.where(random.random(7) < 0.06, 1 + random.exponential(3 * cv, 7), 1.0)
        p = _mean(list(values)).p_above(1.0)
        failed += p is not None and p <= 0.005
    assert failed <= 30

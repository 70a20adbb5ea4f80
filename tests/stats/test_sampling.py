# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lichen.stats.sampling import SamplingPlan, half_width_of_kept, precision, trimmed


def test_hand_computed_trimmed_mean() -> None:
    # n = 10, k = 2: kept 3..8, mean 5.5; winsorised 3,3,3,4,5,6,7,8,8,8: variance 44.5 / 9
    got = precision([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert got.mean == 5.5
    assert got.kept == (2, 3, 4, 5, 6, 7)
    half = stats.t.ppf(0.975, 5) * math.sqrt(42.5 / 9) / (0.6 * math.sqrt(10))
    assert got.half_width == pytest.approx(half, rel=1e-12)


def test_one_sample_says_nothing() -> None:
    assert math.isinf(precision([3.0]).half_width)
    assert half_width_of_kept([3.0], [0]) is None


def test_equal_samples_are_exact() -> None:
    got = precision([2.0] * 7)
    assert (got.half_width, got.relative, got.cv) == (0.0, 0.0, 0.0)
    assert half_width_of_kept([2.0] * 7, got.kept) == 0.0


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_refuses_what_is_no_sample(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        precision(values)


@given(st.lists(st.floats(0.1, 1e3), min_size=2, max_size=30), st.floats(0.01, 100), st.randoms(use_true_random=False))
def test_scales_and_ignores_order(values: list[float], scale: float, random: object) -> None:
    one = precision(values)
    scaled = precision([v * scale for v in values])
    assert scaled.mean == pytest.approx(one.mean * scale, rel=1e-9)
    assert scaled.half_width == pytest.approx(one.half_width * scale, rel=1e-6, abs=1e-9 * scale)
    assert precision(sorted(values)).mean == pytest.approx(one.mean, rel=1e-12)
    assert len(one.kept) == len(values) - 2 * trimmed(len(values))


@pytest.mark.parametrize("n", [7, 10, 16, 30])
@pytest.mark.parametrize("noise", ["normal", "contaminated"])
def test_the_printed_interval_holds_the_truth(n: int, noise: str) -> None:
    """Log-normal samples of CV 5 %, with and without 6 % of outliers to the right: truth drawn by NumPy, not by us."""
    random = np.random.default_rng(20261122 + n)
    samples = np.exp(random.normal(0, 0.05, size=(2000, n)))
    if noise == "contaminated":
        samples *= np.where(random.random((2000, n)) < 0.06, 1.3, 1.0)
    reference = np.exp(random.normal(0, 0.05, size=400_000))
    if noise == "contaminated":
        reference *= np.where(random.random(400_000) < 0.06, 1.3, 1.0)
    truth = stats.trim_mean(reference, 0.2)
    hits = sum(abs((p := precision(row.tolist())).mean - truth) <= p.half_width for row in samples)
    assert 0.90 <= hits / 2000 <= 0.99


@pytest.mark.parametrize("correlation", [0.0, 0.7, 1.0])
def test_secondary_quantities_are_not_too_sure(correlation: float) -> None:
    """A quantity whose samples were trimmed by the rank of another one."""
    random = np.random.default_rng(7)
    hits = 0
    for _ in range(2000):
        primary = random.normal(10, 1, 10)
        other = correlation * (primary - 10) + math.sqrt(1 - correlation**2) * random.normal(0, 1, 10) + 10
        kept = precision(list(primary)).kept
        half = half_width_of_kept(list(other), kept)
        assert half is not None
        hits += abs(other[list(kept)].mean() - 10) <= half
    assert hits / 2000 >= 0.93


class TestPlan:
    auto = SamplingPlan(minimum=7, maximum=30, target=0.03, max_s=300)

    def test_takes_the_minimum_even_when_precise(self) -> None:
        assert not self.auto.enough([1.0] * 6, 10, 2)
        assert self.auto.enough([1.0] * 7, 10, 2)

    def test_goes_on_while_it_is_not_precise(self) -> None:
        noisy = [1.0, 1.5, 0.7, 1.2, 0.9, 1.4, 0.8]
        assert not self.auto.enough(noisy, 10, 2)
        assert self.auto.enough(noisy * 5, 10, 2)

    def test_stops_before_the_time_limit_is_broken(self) -> None:
        noisy = [1.0, 1.5, 0.7]
        assert self.auto.enough(noisy, 299, 2)
        assert not self.auto.enough(noisy, 290, 2)

    def test_a_fixed_number_is_taken_whole(self) -> None:
        fixed = SamplingPlan(minimum=3, maximum=3, target=None, max_s=math.inf)
        assert [fixed.enough([1.0] * n, 1e9, 1) for n in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(("cv", "target"), [(0.03, 0.03), (0.06, 0.03), (0.08, 0.05)])
def test_stopping_early_costs_little_coverage(cv: float, target: float) -> None:
    """The rule looks after every sample and stops when the interval looks narrow: docs/sampling.md says what that costs."""
    plan = SamplingPlan(minimum=7, maximum=30, target=target, max_s=math.inf)
    random = np.random.default_rng(4)
    hits = 0
    for series in np.exp(random.normal(0, cv, size=(800, 30))):
        n = next(k for k in range(1, 31) if plan.enough(series[:k].tolist(), 0, 0))
        known = precision(series[:n].tolist())
        hits += abs(known.mean - 1) <= known.half_width
    assert 0.86 <= hits / 800 <= 0.99

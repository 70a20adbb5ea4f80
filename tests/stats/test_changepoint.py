# SPDX-License-Identifier: Apache-2.0
"""Changes of a history: a hand-computed one, what has none, and how often chance is taken for one. Truths are drawn here."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lichen.stats.changepoint import CHANGE_MIN, P_MAX, RESAMPLES, SEGMENT_MIN, WINDOW, changes, confirmed, daily_point

SERIES = 300
DAYS = 60
CONFIDENCE = 0.95


def noise(kind: str, rng: np.random.Generator, count: int, cv: float) -> np.ndarray:
    """Log-normal noise around 1: Gaussian, spiky (Student's t with 3 degrees), or drifting (an autoregression of 0.3)."""
    if kind == "gaussian":
        drawn = rng.standard_normal(count)
    elif kind == "spiky":
        drawn = rng.standard_t(3, count) / math.sqrt(3)
    else:
        shocks = rng.standard_normal(count + 50)
        drawn = np.empty(count + 50)
        drawn[0] = shocks[0]
        for position in range(1, count + 50):
            drawn[position] = 0.3 * drawn[position - 1] + shocks[position]
        drawn = drawn[50:] * math.sqrt(1 - 0.3**2)
    return np.exp(cv * drawn)


def share_at_most(hits: int, count: int) -> float:
    """The share that 95 % of such simulations stay below (Clopper and Pearson)."""
    return float(stats.beta.ppf(CONFIDENCE, hits + 1, count - hits))


def alarms(series: np.ndarray, first: int) -> bool:
    """Whether looking every day from one on confirms any change."""
    before: list[int] = []
    for day in range(first, len(series) + 1):
        now = [change.index for change in changes(series[:day].tolist())]
        if any(abs(one - other) <= 2 for one in now for other in before):
            return True
        before = now
    return False


@pytest.mark.parametrize(("kind", "limit"), [("gaussian", 0.03), ("spiky", 0.10), ("drifting", 0.10)])
@pytest.mark.parametrize("days_before", [0, DAYS], ids=["begins", "goes-on"])
def test_sixty_days_without_a_change_raise_few_alarms(kind: str, limit: float, days_before: int) -> None:
    rng = np.random.default_rng(1)
    count = sum(
        alarms(noise(kind, rng, days_before + DAYS, 0.03), max(days_before, 2 * SEGMENT_MIN)) for _ in range(SERIES)
    )
    assert count / SERIES <= limit
    assert share_at_most(count, SERIES) <= 1.5 * limit


def test_five_percent_more_is_found_within_five_days_and_confirmed_on_the_sixth() -> None:
    rng = np.random.default_rng(3)
    found = told = 0
    for _ in range(SERIES):
        series = noise("gaussian", rng, WINDOW + 1, 0.015)
        series[WINDOW - 5 :] *= 1.05
        found += any(abs(one.index - (WINDOW - 5)) <= 3 for one in changes(series[:WINDOW].tolist()))
        told += any(abs(one.index - (WINDOW - 5)) <= 3 for one in confirmed(series.tolist()))
    assert found / SERIES >= 0.95
    assert told / SERIES >= 0.95


def test_the_range_of_a_change_holds_the_truth() -> None:
    rng = np.random.default_rng(4)
    held = found = at = 0
    for _ in range(SERIES):
        series = noise("gaussian", rng, WINDOW, 0.03)
        series[30:] *= 1.08
        for one in changes(series.tolist()):
            found += 1
            held += one.low <= 0.08 <= one.high
            at += one.earliest <= 30 <= one.latest
    assert found >= 0.95 * SERIES
    assert held / found >= 0.93
    assert at / found >= 0.93


def test_two_levels_by_hand() -> None:
    """Levels 100 and 110 without noise: the split is where they meet, the change is 10 % exactly."""
    (change,) = changes([100.0] * 12 + [110.0] * 8)
    assert change.index == change.earliest == change.latest == 12
    assert change.change == pytest.approx(0.10, abs=1e-12)
    assert change.low == change.high == change.change
    assert change.p == 1 / (RESAMPLES + 1)


def test_two_changes_are_both_found() -> None:
    rng = np.random.default_rng(5)
    series = noise("gaussian", rng, WINDOW, 0.01)
    series[20:] *= 1.1
    series[45:] *= 0.7
    found = changes(series.tolist())
    assert [one.index for one in found] == [20, 45]
    assert [math.copysign(1, one.change) for one in found] == [1, -1]


def test_a_change_is_confirmed_by_the_day_after() -> None:
    series = [100.0, 101.0, 99.0] * 8 + [120.0, 121.0, 119.0] * 2
    days = range(2 * SEGMENT_MIN, len(series) + 1)
    suspected = next(day for day in days if changes(series[:day]))
    told = next(day for day in days if confirmed(series[:day]))
    assert told == suspected + 1
    assert [one.index for one in confirmed(series)] == [24]


def test_the_newest_points_alone_are_looked_at() -> None:
    old = [50.0] * 30
    recent = noise("gaussian", np.random.default_rng(6), WINDOW, 0.01).tolist()
    assert changes(old + recent) == ()
    assert changes([*old, *recent[:30]])[0].index == 30


def test_a_change_too_small_to_tell_is_none() -> None:
    almost = 1 + CHANGE_MIN - 0.001
    assert changes([100.0] * 20 + [100.0 * almost] * 20) == ()
    assert changes([100.0] * 20 + [100.0 * (1 + CHANGE_MIN + 0.001)] * 20)


@pytest.mark.parametrize("series", [[], [1.0], [1.0] * 5, [1.0] * 9, [3.7] * 60, [1.0] * (2 * SEGMENT_MIN - 1) + [9.0]])
def test_no_history_and_a_constant_one_have_no_change(series: list[float]) -> None:
    assert changes(series) == confirmed(series) == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
def test_what_has_no_logarithm_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite values above zero"):
        changes([1.0] * 20 + [value])


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(1e-6, 1e6), seed=st.integers(0, 2**31), step=st.sampled_from([1.0, 1.05, 1.2]), cv=st.floats(0.005, 0.05)
)  # fmt: skip
def test_the_unit_does_not_matter_and_a_verdict_repeats(scale: float, seed: int, step: float, cv: float) -> None:
    series = noise("gaussian", np.random.default_rng(seed), 40, cv)
    series[25:] *= step
    found = changes(series.tolist())
    assert changes(series.tolist()) == found
    scaled = changes((series * scale).tolist())
    assert [one.index for one in scaled] == [one.index for one in found]
    for one, other in zip(scaled, found, strict=True):
        assert one.change == pytest.approx(other.change, rel=1e-6)
        assert one.p <= P_MAX
        assert one.low <= one.change <= one.high
        assert one.earliest <= one.index <= one.latest
        assert SEGMENT_MIN <= one.index <= len(series) - SEGMENT_MIN


def test_a_days_point_leaves_the_odd_run_out() -> None:
    assert daily_point([1.0, 1.0, 1.0, 1.0, 9.0]) == 1.0
    assert daily_point([2.0]) == 2.0
    with pytest.raises(ValueError, match="at least one"):
        daily_point([])

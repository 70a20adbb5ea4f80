# SPDX-License-Identifier: Apache-2.0
"""The effect of pairs against hand-computed figures, and what has no effect."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lichen.stats.multiplicity import holm
from lichen.stats.paired import LogEffect, fault, paired_effect

BASE = (1.00, 1.10, 0.95, 1.02, 0.98, 1.05)
HEAD = (1.12, 1.20, 1.08, 1.13, 1.09, 1.90)


def test_an_effect_by_hand() -> None:
    """Six differences: the smallest and the largest are left out of the mean, and stand in for their neighbours in its error."""
    differences = sorted(math.log(head / base) for base, head in zip(BASE, HEAD, strict=True))
    kept = differences[1:5]
    mean = math.fsum(kept) / 4
    winsorised = [kept[0], *kept, kept[-1]]
    centre = math.fsum(winsorised) / 6
    spread = math.sqrt(math.fsum((x - centre) ** 2 for x in winsorised) / 5)
    error = spread / ((1 - 2 / 6) * math.sqrt(6))

    effect = paired_effect(BASE, HEAD)

    assert effect.pairs == 6
    assert effect.freedom == 3
    assert effect.mean == pytest.approx(mean, rel=1e-12)
    assert effect.error == pytest.approx(error, rel=1e-12)
    assert effect.change == pytest.approx(math.exp(mean) - 1, rel=1e-12)
    low, high = effect.interval()
    quantile = stats.t.ppf(0.995, 3)
    assert low == pytest.approx(math.exp(mean - quantile * error) - 1, rel=1e-9)
    assert high == pytest.approx(math.exp(mean + quantile * error) - 1, rel=1e-9)
    assert effect.p == pytest.approx(stats.t.sf(mean / error, 3), rel=1e-9)
    assert effect.smallest_visible == pytest.approx(math.expm1((quantile + stats.t.ppf(0.9, 3)) * error), rel=1e-9)


def test_the_three_outcomes() -> None:
    def effect(mean: float, error: float) -> LogEffect:
        return LogEffect(mean=mean, error=error, freedom=15, pairs=25)

    assert effect(0.10, 0.01).decide(0.05) == "fail"
    assert effect(0.00, 0.01).decide(0.05) == "pass"
    assert effect(0.03, 0.01).decide(0.05) == "undecided"
    assert effect(0.10, 0.05).decide(0.05) == "undecided", "an increase that may be chance"
    assert effect(0.04, 0.001).decide(0.05) == "pass", "surely an increase, and surely less than what matters"
    assert effect(-0.30, 0.01).decide(0.05) == "pass"
    assert effect(0.10, 0.01).decide(0.05, alpha=1e-9) == "undecided", "a smaller level asks for more"


def test_a_constant_ratio_needs_no_statistics() -> None:
    effect = paired_effect([1.0, 2.0, 3.0], [1.1, 2.2, 3.3])
    assert (effect.error, effect.smallest_visible) == (0.0, 0.0)
    assert effect.decide(0.05) == "fail"
    assert effect.interval() == (pytest.approx(0.1), pytest.approx(0.1))
    same = paired_effect([0.1, 0.2, 0.7], [0.1, 0.2, 0.7])
    assert (same.change, same.p, same.decide(0.05)) == (0.0, 1.0, "pass")
    assert same.decide(0.0) == "undecided", "nothing is not less than nothing"


@pytest.mark.parametrize(
    ("base", "head", "wrong"),
    [
        ([], [], "single"),
        ([1.0], [1.2], "single"),
        ([1.0, 2.0], [1.0], "unequal"),
        ([1.0, None], [1.0, 2.0], "unknown"),
        ([1.0, math.nan], [1.0, 2.0], "not_finite"),
        ([1.0, 2.0], [1.0, math.inf], "not_finite"),
        ([1.0, -2.0], [1.0, 2.0], "negative"),
        ([1.0, 0.0], [1.0, 2.0], "zero"),
        ([1.0, 2.0], [1.0, 2.0], None),
    ],
)
def test_what_has_no_ratio(base: list[float | None], head: list[float | None], wrong: str | None) -> None:
    assert fault(base, head) == wrong
    if wrong is not None:
        with pytest.raises(ValueError, match=wrong):
            paired_effect(base, head)  # type: ignore[arg-type]


positive = st.floats(1e-3, 1e3)
pairs = st.lists(st.tuples(positive, positive), min_size=2, max_size=25)


@given(pairs, st.floats(1e-6, 1e6))
def test_units_do_not_matter(series: list[tuple[float, float]], factor: float) -> None:
    base, head = zip(*series, strict=True)
    one, other = (
        paired_effect(base, head),
        paired_effect([factor * value for value in base], [factor * value for value in head]),
    )
    assert other.mean == pytest.approx(one.mean, abs=1e-9)
    assert other.error == pytest.approx(one.error, abs=1e-9)


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(series: list[tuple[float, float]], random: object) -> None:
    base, head = zip(*series, strict=True)
    shuffled = list(series)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = paired_effect(*zip(*shuffled, strict=True))
    assert again.mean == pytest.approx(paired_effect(base, head).mean, abs=1e-12)


@given(pairs)
def test_swapping_the_sides_turns_the_sign(series: list[tuple[float, float]]) -> None:
    base, head = zip(*series, strict=True)
    assert paired_effect(head, base).mean == pytest.approx(-paired_effect(base, head).mean, abs=1e-9)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


def test_holm_keeps_the_level_of_the_family() -> None:
    """Ten tests of nothing: at least one is found in 5 % of the families at most, in about 40 % without it."""
    p = np.random.default_rng(7).random((4000, 10))
    found = np.array([min(holm(row)) <= 0.05 for row in p])
    assert found.mean() <= 0.055
    assert (p.min(axis=1) <= 0.05).mean() > 0.35


@pytest.mark.parametrize("wrong", [[-0.1], [1.1], [math.nan]])
def test_a_p_value_lies_between_0_and_1(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(wrong)

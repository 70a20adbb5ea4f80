# SPDX-License-Identifier: Apache-2.0
"""Effects of one quantity: exact where a side never varies, statistics where it does, a reason where there is no ratio."""

import math
from dataclasses import replace

import pytest

from lichen.service.comparing.effects import Series, effect_of, unmeasured, with_family
from lichen.service.comparing.verdicts import reason_of
from lichen.service.verdict import Effect
from lichen.stats.paired import paired_effect

DELTA = 0.05


def effect(base: tuple[float | None, ...], head: tuple[float | None, ...], unit: str = "B") -> Effect:
    return effect_of("network_bytes", Series(unit, base), Series(unit, head), DELTA)


def test_what_never_varies_is_compared_as_it_is() -> None:
    found = effect((1000.0,) * 6, (1050.0,) * 6)
    assert (found.exact, found.outcome, found.p, found.smallest_visible) == (True, "fail", None, 0.0)
    assert found.change == found.low == found.high == pytest.approx(0.05)
    assert (found.base, found.head, found.pairs) == (1000.0, 1050.0, 6)
    assert effect((1000.0,) * 6, (1049.0,) * 6).outcome == "pass", "more, and less than what matters"
    assert effect((1000.0,) * 6, (1000.0,) * 6).outcome == "pass"
    assert effect((1000.0,) * 6, (400.0,) * 6).outcome == "pass"


def test_zeroes_on_both_sides_are_equal_and_something_out_of_nothing_fails() -> None:
    same = effect((0.0,) * 6, (0.0,) * 6)
    assert (same.change, same.outcome) == (0.0, "pass")
    more = effect((0.0,) * 6, (5.0,) * 6)
    assert (more.change, more.outcome, more.exact) == (None, "fail", True)


def test_a_counter_that_varies_inside_a_side_falls_to_statistics() -> None:
    base, head = (100.0, 101.0, 100.0, 100.0, 102.0, 100.0), (120.0, 121.0, 119.0, 120.0, 120.0, 122.0)
    found = effect(base, head)
    expected = paired_effect(base, head)
    assert not found.exact
    assert found.change == expected.change
    assert (found.low, found.high) == expected.interval()
    assert found.outcome == "fail"


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ((1.0, 2.0, None), "unknown"),
        ((1.0, 2.0, math.nan), "not_finite"),
        ((1.0, 2.0, -3.0), "negative"),
        ((1.0, 2.0, 0.0), "zero"),
        ((-1.0, -1.0, -1.0), "negative"),
        ((None, None, None), "unknown"),
        ((math.inf, math.inf, math.inf), "not_finite"),
    ],
)
def test_what_has_no_ratio_says_why(head: tuple[float | None, ...], fault: str) -> None:
    base = (1.0, 2.0, 3.0) if len(set(head)) > 1 else (1.0, 1.0, 1.0)
    found = effect(base, head)
    assert (found.outcome, found.fault, found.change) == ("inconclusive", fault, None)
    sentence = reason_of("inconclusive", {"network_bytes": found}, DELTA)
    assert sentence.startswith("network_bytes ")
    assert "{" not in sentence


def test_one_run_says_nothing() -> None:
    found = effect((100.0,), (200.0,))
    assert (found.outcome, found.fault) == ("inconclusive", "single")


def test_units_do_not_change_a_verdict() -> None:
    base, head = (1.0, 1.1, 0.9, 1.05, 0.97, 1.02), (1.2, 1.25, 1.1, 1.22, 1.3, 1.19)
    one = effect(base, head, "s")
    other = effect(tuple(1000 * x for x in base), tuple(1000 * x for x in head), "ms")
    assert other.outcome == one.outcome
    assert other.change == pytest.approx(one.change)
    assert other.p == pytest.approx(one.p)


def test_many_tests_find_no_more_than_one_would() -> None:
    """One p-value of 0.004 fails alone; among ten tests it may be chance. One of 0.0001 stays."""
    failing = replace(
        unmeasured("cpu_time"), fault="", change=0.2, low=0.01, high=0.4, pairs=9, p=0.004, outcome="fail"
    )
    others = [replace(failing, p=0.5, outcome="pass") for _ in range(9)]
    assert with_family([failing])[0].outcome == "fail"
    assert with_family([failing, *others])[0].outcome == "inconclusive"
    assert with_family([replace(failing, p=0.0001), *others])[0].outcome == "fail"


def test_exact_effects_are_no_tests() -> None:
    exact = [effect((1.0,) * 6, (2.0,) * 6) for _ in range(20)]
    failing = replace(
        unmeasured("cpu_time"), fault="", change=0.2, low=0.01, high=0.4, pairs=9, p=0.004, outcome="fail"
    )
    assert [one.outcome for one in with_family([*exact, failing])] == ["fail"] * 21

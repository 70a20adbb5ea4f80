# SPDX-License-Identifier: Apache-2.0
"""Effects behind a change: hand-computed, exact sums, symmetry, zeros."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.portfolio.effects import Change, add, decompose

amounts = st.floats(min_value=0.0, max_value=1e9, allow_nan=False)
figures = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
"""Figures may be negative: a market-based one may be a credit."""


def changes(steps: int = 2) -> st.SearchStrategy[Change]:
    return st.builds(
        Change,
        volume_before=amounts,
        volume_after=amounts,
        published=figures,
        restated=st.lists(figures, min_size=steps, max_size=steps).map(tuple),
        now=figures,
    )


def scale(change: Change) -> float:
    """The largest term that rounding may hit."""
    largest = max(abs(one) for one in (change.published, *change.restated, change.now))
    return max(change.volume_before, change.volume_after) * largest + 1e-300


def test_a_worked_example() -> None:
    """1,000 visits of 2 g become 1,200 of 2.1 g; other factors alone made 2 g into 2.4 g, another method 2.4 g into 2.5 g."""
    found = decompose(Change(volume_before=1000, volume_after=1200, published=2.0, restated=(2.4, 2.5), now=2.1))
    assert found.model == pytest.approx((400.0, 100.0))
    assert found.volume == pytest.approx(200 * (2.5 + 2.1) / 2)
    assert found.intensity == pytest.approx((2.1 - 2.5) * 1100)
    assert found.before == 2000
    assert found.after == 2520
    assert found.change == pytest.approx(520)
    assert pytest.approx(found.change) == 400 + 100 + 460 - 440


@given(changes())
def test_effects_sum_to_the_change(change: Change) -> None:
    found = decompose(change)
    total = math.fsum([found.volume, found.intensity, found.factor])
    assert total == pytest.approx(found.change, abs=1e-12 * scale(change))


@given(amounts, figures)
def test_nothing_changed_means_no_effect(volume: float, figure: float) -> None:
    found = decompose(
        Change(volume_before=volume, volume_after=volume, published=figure, restated=(figure,), now=figure)
    )
    assert (found.volume, found.intensity, found.factor, found.change) == (0, 0, 0, 0)


@given(changes(1))
def test_a_restated_run_has_a_factor_effect_alone(change: Change) -> None:
    same = replace(change, volume_after=change.volume_before, now=change.restated[-1])
    found = decompose(same)
    assert (found.volume, found.intensity) == (0, 0)
    assert found.factor == pytest.approx(found.change, abs=1e-12 * scale(same))


@given(changes(1))
def test_like_for_like_the_effects_of_going_back_are_the_opposite(change: Change) -> None:
    there = replace(change, published=change.restated[-1])
    back = Change(
        volume_before=there.volume_after, volume_after=there.volume_before, published=there.now,
        restated=(there.now,), now=there.published,
    )  # fmt: skip
    one, other = decompose(there), decompose(back)
    close = 1e-12 * scale(there)
    assert one.volume == pytest.approx(-other.volume, abs=close)
    assert one.intensity == pytest.approx(-other.intensity, abs=close)


@given(st.floats(min_value=0.5, max_value=2), st.floats(min_value=0.5, max_value=2))
def test_volume_and_intensity_may_change_places(more: float, heavier: float) -> None:
    """Twice the visits of the same weight and the same visits of twice the weight are the same change: neither goes first."""
    one = decompose(Change(volume_before=1, volume_after=more, published=1, restated=(1,), now=heavier))
    other = decompose(Change(volume_before=1, volume_after=heavier, published=1, restated=(1,), now=more))
    assert one.volume == pytest.approx(other.intensity)
    assert one.intensity == pytest.approx(other.volume)


@pytest.mark.parametrize(
    ("change", "volume", "intensity", "factor"),
    [
        (Change(volume_before=0, volume_after=10, published=2, restated=(2,), now=2), 20, 0, 0),
        (Change(volume_before=10, volume_after=0, published=2, restated=(2,), now=2), -20, 0, 0),
        (Change(volume_before=10, volume_after=10, published=0, restated=(0,), now=2), 0, 20, 0),
        (Change(volume_before=10, volume_after=10, published=2, restated=(0,), now=0), 0, 0, -20),
        (Change(volume_before=0, volume_after=0, published=0, restated=(0,), now=0), 0, 0, 0),
    ],
    ids=["use begins", "use ends", "a footprint from nothing", "a factor that becomes zero", "nothing at all"],
)
def test_zeros_need_no_small_number_in_their_place(
    change: Change, volume: float, intensity: float, factor: float
) -> None:
    found = decompose(change)
    assert (found.volume, found.intensity, found.factor) == (volume, intensity, factor)


@given(st.lists(changes(), min_size=1, max_size=6))
def test_effects_of_a_sum_are_the_sums_of_effects(rows: list[Change]) -> None:
    found = add(decompose(row) for row in rows)
    close = 1e-12 * math.fsum(map(scale, rows))
    assert found.volume + found.intensity + found.factor == pytest.approx(found.change, abs=close)
    assert found.before == pytest.approx(math.fsum(row.volume_before * row.published for row in rows), abs=close)

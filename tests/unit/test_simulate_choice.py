# SPDX-License-Identifier: Apache-2.0
"""Ranks, the front, where ways cost the same, and what may be said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.portfolio import scenarios_choice as choice
from lichen.portfolio.scenarios import HOURS, Demand, Spread
from lichen.portfolio.scenarios_choice import Weighed

DEMAND = Demand(cpu_s=HOURS * 3600, peak_cpus=4.0, requests=1e6, peak_requests_per_s=10)


def way(name: str, bill: float, hours: float, carbon: float | None, **more: object) -> Weighed:
    """A way whose work costs 50 an hour, with a tenth either way."""
    full = Spread(0.9 * (bill + 50 * hours), bill + 50 * hours, 1.1 * (bill + 50 * hours))
    made = Weighed(
        name=name, architecture="iaas", bill=Spread.of(bill), hours=Spread.of(hours), full=full, move=Spread.of(1000.0),
        carbon=None if carbon is None else Spread.of(carbon),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def codes(*ways: Weighed, chances: dict[str, float] | None = None) -> list[str]:
    return [verdict.code for verdict in choice.verdicts(ways, chances or {})]


def test_ranks_follow_the_full_cost_and_what_cannot_be_comes_last() -> None:
    ways = [way("bill", 100, 10, 1), way("work", 300, 1, 1), way("never", 1, 0, 1, possible=False)]
    assert [one.name for one in choice.ranked(ways)] == ["work", "bill", "never"]


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=12))
def test_the_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    ways = [way(str(place), cost, 0, carbon) for place, (cost, carbon) in enumerate(points)]
    front = choice.front(ways)
    for place, (cost, carbon) in enumerate(points):
        beaten = any(c <= cost and k <= carbon and (c, k) != (cost, carbon) for c, k in points)
        assert (str(place) in front) is not beaten


def test_ways_without_a_climate_figure_are_not_on_the_front() -> None:
    assert choice.front([way("a", 1, 0, None), way("b", 2, 0, 5)]) == ("b",)


def test_break_even_of_two_straight_lines() -> None:
    # 100 + 900 x against 400: equal at a third of the use.
    found = choice.break_even(("use", lambda d: 100 + 900 * d.requests / 1e6), ("fixed", lambda _: 400), DEMAND)
    assert (found.outcome, found.share) == ("at", pytest.approx(1 / 3))


def test_break_even_ends_where_the_peak_lasts_all_month() -> None:
    # The mean is a quarter of the peak: use can grow to four times. 100 x stays below 401 there, and meets 399 just before.
    use = ("use", lambda d: 100 * d.requests / 1e6)
    assert choice.break_even(use, ("fixed", lambda _: 401), DEMAND).outcome == "always"
    assert choice.break_even(use, ("fixed", lambda _: 399), DEMAND).share == pytest.approx(3.99)
    assert choice.break_even(("use", lambda _: 500), ("fixed", lambda _: 400), DEMAND).outcome == "never"


def test_a_managed_way_is_worth_the_hours_of_its_dearer_bill() -> None:
    assert choice.worth_hours(way("managed", 400, 1, 1), way("own", 100, 5, 1), rate=50) == 6
    assert choice.worth_hours(way("managed", 50, 1, 1), way("own", 100, 5, 1), rate=50) == -1


def test_a_move_is_repaid_by_what_a_month_saves() -> None:
    today = way("today", 500, 0, 1, today=True)
    assert choice.repaid_after(way("other", 300, 0, 1), today) == 5
    assert choice.repaid_after(way("other", 600, 0, 1), today) is None


def test_money_nil_time_gained() -> None:
    """Servers that are written off cost electricity alone; the bill rises, the hours are worth more."""
    today = way("today", 200, 20, 9, today=True)
    found = choice.verdicts([today, way("rented", 400, 5, 9)], {"rented": 0.5})
    assert [verdict.code for verdict in found[:2]] == ["time_gained", "repaid"]
    assert found[0].facts["hours"] == 15
    assert found[0].facts["saved"] == pytest.approx(1200 - 650)
    assert found[0].facts["bill"] == -200


def test_cheaper_when_the_bill_itself_falls() -> None:
    assert codes(way("today", 1000, 10, 9, today=True), way("rented", 400, 5, 9))[0] == "cheaper"


def test_stay_when_nothing_is_cheaper() -> None:
    found = choice.verdicts([way("today", 100, 2, 9, today=True), way("rented", 900, 1, 9)], {})
    assert (found[0].code, found[0].facts["dearer"]) == ("stay", 750)


def test_a_saving_within_the_ranges_is_told_as_uncertain() -> None:
    assert "within_range" in codes(way("today", 1000, 0, 9, today=True), way("rented", 900, 0, 9))
    assert "within_range" not in codes(way("today", 1000, 0, 9, today=True), way("rented", 100, 0, 9))


def test_a_move_that_takes_too_long_is_told() -> None:
    late = way("rented", 990, 0, 9)
    assert "repaid_late" in codes(way("today", 1000, 0, 9, today=True), late)


def test_less_carbon_is_said_with_evidence_only() -> None:
    today, other = way("today", 500, 0, 9, today=True), way("rented", 400, 0, 3)
    assert "carbon_less" in codes(today, other, chances={"rented": 0.96})
    assert "carbon_no_evidence" in codes(today, other, chances={"rented": 0.9})


def test_money_and_climate_may_disagree_or_agree() -> None:
    assert "money_or_carbon" in codes(way("a", 100, 0, 9), way("b", 200, 0, 3))
    assert "both" in codes(way("a", 100, 0, 3), way("b", 200, 0, 9))


def test_without_today_the_cheapest_is_told_as_sure_as_it_is() -> None:
    assert codes(way("a", 100, 0, None), way("b", 105, 0, None)) == ["cheapest_perhaps", "carbon_unknown"]
    assert codes(way("a", 100, 0, 1), way("b", 500, 0, 2)) == ["cheapest", "both"]
    assert codes(way("a", 100, 0, 1)) == ["only_one"]
    assert codes(way("a", 100, 0, 1, possible=False)) == ["none_possible"]

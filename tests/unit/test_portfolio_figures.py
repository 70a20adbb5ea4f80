# SPDX-License-Identifier: Apache-2.0
"""Figures per month, sources and totals of a portfolio: by hand, and properties that any portfolio has."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.errors import UsageError
from lichen.portfolio.estimate import UNKNOWN, Estimate, certain, total
from lichen.portfolio.monthly import DayTraffic, Measured, in_force, months
from lichen.portfolio.sources import Choice, Claim, Reason, Slot, SourceKind, choose

amounts = st.floats(min_value=0, max_value=1e9, allow_nan=False)
days = st.dates(min_value=date(2025, 1, 1), max_value=date(2026, 12, 31))


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    low, value, high = sorted(draw(st.tuples(amounts, amounts, amounts)))
    measured = draw(st.floats(min_value=0, max_value=1))
    return Estimate(value=value, low=low, high=high, shares={"measured": measured, "proxy": 1 - measured})


def test_a_sum_by_hand() -> None:
    first = Estimate(value=3.0, low=2.0, high=5.0, shares={"measured": 1.0})
    second = Estimate(value=1.0, low=0.5, high=4.0, shares={"modelled": 0.5, "proxy": 0.5})
    found = total([first, second])
    assert (found.total.value, found.total.low, found.total.high) == (4.0, 2.5, 9.0)
    assert found.total.shares == {"measured": 0.75, "modelled": 0.125, "proxy": 0.125}
    assert (found.lines, found.unknown) == (2, 0)


def test_nothing_sums_to_zero_and_an_unknown_line_to_unknown() -> None:
    assert total([]).total.value == 0
    found = total([certain(2.0), UNKNOWN])
    assert found.total == UNKNOWN
    assert found.known.value == 2.0
    assert found.unknown == 1


def test_a_line_without_range_leaves_the_total_without_one() -> None:
    found = total([Estimate(value=2.0), certain(1.0)]).total
    assert (found.value, found.low, found.high) == (3.0, None, None)


@pytest.mark.parametrize(
    ("low", "value", "high"),
    [(3.0, 2.0, 4.0), (1.0, 5.0, 4.0), (None, math.nan, None), (1.0, 2.0, math.inf), (1.0, None, None)],
)
def test_what_is_no_range_is_refused(low: float | None, value: float | None, high: float | None) -> None:
    with pytest.raises(ValueError, match="range"):
        Estimate(value=value, low=low, high=high)


@pytest.mark.parametrize("factor", [-1.0, math.nan, math.inf])
def test_units_are_finite_and_not_negative(factor: float) -> None:
    with pytest.raises(ValueError, match="units"):
        certain(1.0).times(factor)
    with pytest.raises(ValueError, match="units"):
        certain(1.0).per(factor)


@given(st.lists(estimates(), max_size=8), amounts)
def test_a_total_is_linear(lines: list[Estimate], factor: float) -> None:
    whole = total(lines).total.times(factor)
    parts = total(line.times(factor) for line in lines).total
    assert parts.value == pytest.approx(whole.value)
    assert parts.high == pytest.approx(whole.high)


@given(st.lists(estimates(), min_size=1, max_size=8), st.integers(min_value=0, max_value=8))
def test_regrouping_changes_no_total_and_shares_sum_to_one(lines: list[Estimate], cut: int) -> None:
    whole = total(lines).total
    regrouped = total([total(lines[:cut]).total, total(lines[cut:]).total]).total
    assert regrouped.value == pytest.approx(whole.value)
    assert regrouped.low == pytest.approx(whole.low)
    if whole.value:
        assert math.fsum(whole.shares.values()) == pytest.approx(1)


@given(st.lists(st.one_of(estimates(), st.just(UNKNOWN)), max_size=6))
def test_unknown_propagates(lines: list[Estimate]) -> None:
    found = total(lines)
    assert (found.total.value is None) == (UNKNOWN in lines)
    assert found.known.value == math.fsum(line.value or 0.0 for line in lines)


def test_a_month_by_hand() -> None:
    """100 visits at 2 g before the release, 300 at 1.5 g after it: 200 + 450 g; 20 visits in the next month."""
    runs = [
        Measured(date(2026, 3, 1), Estimate(value=2.0, low=1.0, high=4.0)),
        Measured(date(2026, 3, 15), Estimate(value=1.5, low=1.0, high=2.0)),
    ]
    traffic = [
        DayTraffic(date(2026, 3, 14), 100),
        DayTraffic(date(2026, 3, 15), 200),
        DayTraffic(date(2026, 3, 31), 100),
        DayTraffic(date(2026, 4, 1), 20),
    ]
    march, april = months(reversed(runs), traffic)
    assert (march.figure.value, march.figure.low, march.figure.high) == (650.0, 400.0, 1000.0)
    assert (march.visits, march.days, march.before_first_run) == (400.0, 3, 0.0)
    assert (april.month, april.figure.value) == (date(2026, 4, 1), 30.0)


def test_days_before_the_first_run_are_counted_apart() -> None:
    (month,) = months(
        [Measured(date(2026, 3, 20), certain(2.0))],
        [DayTraffic(date(2026, 3, 1), 10), DayTraffic(date(2026, 3, 20), 5)],
    )
    assert month.figure.value == 30.0
    assert month.before_first_run == 10.0


@pytest.mark.parametrize("visits", [None, 0.0])
def test_unknown_traffic_is_not_zero_traffic(visits: float | None) -> None:
    (month,) = months([Measured(date(2026, 3, 1), certain(2.0))], [DayTraffic(date(2026, 3, 2), visits)])
    assert (month.figure.value, month.visits) == ((None, None) if visits is None else (0.0, 0.0))


def test_a_journey_without_a_run_is_unknown() -> None:
    (month,) = months([], [DayTraffic(date(2026, 3, 2), 50.0)])
    assert month.figure == UNKNOWN
    assert month.visits == 50.0
    assert in_force(date(2026, 3, 2), []) is None


@given(st.lists(st.tuples(days, estimates()), min_size=1, max_size=5), st.lists(st.tuples(days, amounts), max_size=20))
def test_months_sum_to_the_days(runs: list[tuple[date, Estimate]], traffic: list[tuple[date, float]]) -> None:
    measured = sorted((Measured(*run) for run in runs), key=lambda run: run.day)
    found = months(measured, (DayTraffic(*row) for row in traffic))
    by_day = [(run, visits) for day, visits in traffic if (run := in_force(day, measured))]
    assert len(by_day) == len(traffic)
    assert math.fsum(month.figure.value or 0.0 for month in found) == pytest.approx(
        math.fsum((run.per_unit.value or 0.0) * visits for run, visits in by_day)
    )
    for month in found:
        assert month.figure.low is not None
        assert month.figure.high is not None
        assert month.figure.low <= (month.figure.value or 0.0) <= month.figure.high
        assert month.before_first_run <= (month.visits or 0.0) * (1 + 1e-9)


@given(st.lists(days, min_size=1, max_size=6), days)
def test_the_run_in_force_is_the_newest_so_far(run_days: list[date], day: date) -> None:
    found = in_force(day, [Measured(one, UNKNOWN) for one in sorted(run_days)])
    assert found is not None
    past = [one for one in run_days if one <= day]
    assert found.day == (max(past) if past else min(run_days))


SLOT = Slot("shop", "server", date(2026, 3, 1))


def claim(source: str, value: float | None, slot: Slot = SLOT) -> Claim:
    return Claim(slot=slot, source=SourceKind(source), figure=certain(value) if value is not None else UNKNOWN)


def test_the_meter_counts_before_the_bill_before_the_journeys() -> None:
    (found,) = choose([claim("journeys", 70.0), claim("bill", 90.0), claim("meter", 100.0)])
    assert (found.counted, found.figure.value, found.reason) == (SourceKind.METER, 100.0, Reason.MOST_TRUSTED)
    assert [other.source.value for other in found.others] == ["bill", "journeys"]
    assert found.difference(found.others[0]) == pytest.approx(-0.1)
    assert found.difference(found.others[1]) == pytest.approx(-0.3)


def test_the_declared_source_counts_even_when_it_is_silent() -> None:
    declared = {("shop", "server"): SourceKind.BILL}
    (found,) = choose([claim("bill", 90.0), claim("meter", 100.0)], declared)
    assert (found.counted, found.reason) == (SourceKind.BILL, Reason.DECLARED)
    (silent,) = choose([claim("meter", 100.0)], declared)
    assert (silent.counted, silent.figure, silent.reason) == (None, UNKNOWN, Reason.DECLARED)
    assert [other.source for other in silent.others] == [SourceKind.METER]


@pytest.mark.parametrize(
    ("claims", "counted", "reason"),
    [
        ([claim("bill", 9.0)], SourceKind.BILL, Reason.ONLY),
        ([claim("meter", None), claim("bill", 9.0)], SourceKind.BILL, Reason.MORE_TRUSTED_UNKNOWN),
        ([claim("meter", 0.0), claim("bill", 9.0)], SourceKind.METER, Reason.MOST_TRUSTED),
        ([claim("meter", None)], None, Reason.NONE),
    ],
)
def test_the_choice_is_said(claims: list[Claim], counted: SourceKind | None, reason: Reason) -> None:
    (found,) = choose(claims)
    assert (found.counted, found.reason) == (counted, reason)


def test_two_figures_of_one_source_are_refused() -> None:
    with pytest.raises(UsageError, match=r"server tier of shop has two figures of its bill in 2026-03"):
        choose([claim("bill", 1.0), claim("bill", 2.0)])


@given(st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from(list(SourceKind)), st.integers(0, 2)), amounts))
def test_each_slot_counts_once(given_claims: dict[tuple[str, SourceKind, int], float]) -> None:
    claims = [
        Claim(
            slot=Slot(name, "server", date(2026, 1, 1) + timedelta(days=31 * month)),
            source=source,
            figure=certain(value),
        )
        for (name, source, month), value in given_claims.items()
    ]
    choices: tuple[Choice, ...] = choose(claims)
    assert len(choices) == len({one.slot for one in claims})
    assert sum(1 + len(choice.others) for choice in choices) == len(claims)
    for choice in choices:
        best = min((one.source for one in claims if one.slot == choice.slot), key=list(SourceKind).index)
        assert choice.counted is best

# SPDX-License-Identifier: Apache-2.0
"""Targets, changes and rebounds, rankings, what to measure next, actions: by hand and as properties."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.errors import UsageError
from lichen.portfolio import actions, change, measure_next, targets
from lichen.portfolio.actions import Action, Evidence, RunFigure
from lichen.portfolio.change import Cause, Line
from lichen.portfolio.estimate import UNKNOWN, Estimate, certain
from lichen.portfolio.measure_next import Basis, Candidate, State
from lichen.portfolio.ranking import Entry, Weight, rank, weight_on
from lichen.portfolio.targets import Stand, Target

TODAY = date(2026, 11, 22)


def target(**more: Any) -> Target:
    """-30 % of 1,000 from 2024 to 2030."""
    return Target(
        **{"indicator": "gwp100", "base_year": 2024, "base_value": 1000.0, "horizon_year": 2030, "reduction": 0.3}
        | more
    )


@pytest.mark.parametrize(
    ("year", "linear", "points"), [(2020, 1000, 1000), (2024, 1000, 1000), (2026, 900, 980), (2027, 850, 950), (2030, 700, 700),
     (2040, 700, 700)],
)  # fmt: skip
def test_paths_by_hand(year: float, linear: float, points: float) -> None:
    """By points: -2 % in 2026, -30 % in 2030; 2027 lies between -2 and -8 % of 2028."""
    assert targets.allowed(target(), year) == pytest.approx(linear)
    assert targets.allowed(target(points=((2026, 0.02), (2028, 0.08))), year) == pytest.approx(points)


def test_a_stored_path() -> None:
    assert targets.points_of({"kind": "linear"}) == ()
    assert targets.points_of({"kind": "points", "points": {"2028": 0.2, "2026": 0.1}}) == ((2026, 0.1), (2028, 0.2))
    for wrong in (
        {},
        {"kind": "curve"},
        {"kind": "points"},
        {"kind": "points", "points": {"soon": 0.1}},
        {"kind": "points", "points": [1]},
    ):
        with pytest.raises(UsageError, match="neither linear nor points"):
            targets.points_of(wrong)


def test_a_standing_by_hand() -> None:
    """End of 2026: 900 allowed, 950 (930 to 1,010) there, 700 in 2030: 62.5 a year, 7.35 % a year."""
    found = targets.standing(target(), Estimate(value=950.0, low=930.0, high=1010.0), date(2026, 12, 31))
    assert found.allowed == pytest.approx(900)
    assert (found.gap.low, found.gap.value, found.gap.high) == pytest.approx((30, 50, 110))
    assert found.reached == pytest.approx(0.05)
    assert found.needed_per_year == pytest.approx(62.5)
    assert found.needed_rate == pytest.approx(1 - (700 / 950) ** 0.25)
    assert found.stand is Stand.MISSED


@pytest.mark.parametrize(
    ("actual", "stand"),
    [
        (Estimate(value=800.0, low=700.0, high=890.0), Stand.MET),
        (Estimate(value=890.0, low=800.0, high=990.0), Stand.WITHIN_RANGE),
        (Estimate(value=890.0), Stand.MET),
        (UNKNOWN, Stand.UNKNOWN),
    ],
)
def test_a_range_decides_only_as_a_whole(actual: Estimate, stand: Stand) -> None:
    assert targets.standing(target(), actual, date(2026, 12, 31)).stand is stand


def test_what_is_reached_needs_nothing_more_and_what_is_over_cannot_be_reached() -> None:
    assert targets.standing(target(), certain(600.0), date(2026, 12, 31)).needed_per_year == 0
    over = targets.standing(target(), certain(900.0), date(2031, 6, 1))
    assert (over.needed_per_year, over.needed_rate, over.stand) == (None, None, Stand.MISSED)


def test_without_a_base_there_is_no_gap() -> None:
    found = targets.standing(target(base_value=None), certain(900.0), date(2026, 12, 31))
    assert (found.allowed, found.gap, found.reached, found.stand) == (None, UNKNOWN, None, Stand.UNKNOWN)


@given(
    st.floats(min_value=0, max_value=1e9), st.integers(min_value=1, max_value=20), st.integers(min_value=0, max_value=5)
)
def test_falling_by_what_is_needed_each_year_reaches_the_target(actual: float, span: int, done: int) -> None:
    aim = target(base_value=1e6, horizon_year=2024 + done + span)
    found = targets.standing(aim, certain(actual), date(2024 + done, 12, 31))
    assert found.needed_per_year is not None
    assert found.needed_rate is not None
    assert actual - span * found.needed_per_year == pytest.approx(min(actual, 7e5), abs=1e-3)
    assert actual * (1 - found.needed_rate) ** span == pytest.approx(min(actual, 7e5), rel=1e-6)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"horizon_year": 2024}, "not after"),
        ({"reduction": 1.2}, "share from 0 to 1"),
        ({"reduction": math.nan}, "share from 0 to 1"),
        ({"base_value": -1.0}, "base value"),
        ({"base_value": math.nan}, "base value"),
        ({"points": ((2031, 0.1),)}, "ascend"),
        ({"points": ((2024, 0.1),)}, "ascend"),
    ],
)
def test_what_is_no_target_is_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        target(**more)


def line(
    before: float | None, after: float | None, published: float | None, now: float | None, restated: float | None = None
) -> Line:
    return Line(
        volume_before=before,
        volume_after=after,
        published=published,
        now=now,
        restated=published if restated is None else restated,
    )


def test_a_rebound_by_hand() -> None:
    """1,000 visits of 2 g become 1,500 of 1.8 g: +950 by volume, -250 by intensity, +700 in all."""
    found = change.explain([line(1000, 1500, 2.0, 1.8)])
    assert found is not None
    assert (found.effects.volume, found.effects.intensity, found.effects.factor) == pytest.approx((950, -250, 0))
    assert found.rebound
    assert found.largest is Cause.VOLUME


@pytest.mark.parametrize(
    ("lines", "rebound", "largest"),
    [
        ([line(1000, 1000, 2.0, 1.8)], False, Cause.INTENSITY),
        ([line(1000, 1500, 2.0, 2.1)], False, Cause.VOLUME),
        ([line(1000, 1000, 2.0, 3.0, restated=3.0)], False, Cause.FACTOR),
        ([line(1000, 1000, 2.0, 2.0)], False, None),
        ([], False, None),
        ([line(100, 100, 2.0, 1.0), line(100, 400, 1.0, 1.0)], True, Cause.VOLUME),
    ],
)
def test_causes(lines: list[Line], rebound: bool, largest: Cause | None) -> None:
    found = change.explain(lines)
    assert found is not None
    assert (found.rebound, found.largest) == (rebound, largest)


def test_what_appears_or_vanishes_is_volume() -> None:
    appeared = change.explain([line(0, 100, None, 2.0)])
    assert appeared is not None
    assert (appeared.effects.volume, appeared.effects.intensity) == (200, 0)
    vanished = change.explain([line(100, 0, 2.0, None)])
    assert vanished is not None
    assert (vanished.effects.volume, vanished.effects.change) == (-200, -200)


def test_what_nobody_did_needs_no_figure() -> None:
    found = change.explain([line(0, 0, None, None), line(100, 200, 1.0, 1.0)])
    assert found is not None
    assert found.effects.change == 100


@pytest.mark.parametrize(
    "unknown", [line(None, 1, 1.0, 1.0), line(1, None, 1.0, 1.0), line(1, 1, None, 1.0), line(1, 1, 1.0, None)]
)
def test_an_unknown_term_leaves_the_change_unexplained(unknown: Line) -> None:
    assert change.explain([line(1, 1, 1.0, 1.0), unknown]) is None


small = st.floats(min_value=0, max_value=1e6)


@given(st.lists(st.builds(line, small, small, small, small, small), max_size=6))
def test_effects_sum_to_the_change(lines: list[Line]) -> None:
    found = change.explain(lines)
    assert found is not None
    effects = found.effects
    assert math.fsum([effects.volume, effects.intensity, effects.factor]) == pytest.approx(
        effects.change, rel=1e-9, abs=1e-2
    )
    if found.rebound:
        assert effects.after > effects.before


def test_ranks_by_hand() -> None:
    entries = [
        Entry(key="a", value=9.0),
        Entry(key="b", value=5.0, weight=2.0),
        Entry(key="c", value=None),
        Entry(key="d", value=9.0),
    ]
    found = rank(entries)
    assert [(place.rank, place.weighted_rank) for place in found] == [(1, 2), (3, 1), (None, None), (1, 2)]
    assert [place.value for place in found] == [9.0, 5.0, None, 9.0]


@given(st.lists(st.builds(Entry, key=st.text(), value=st.one_of(st.none(), small), weight=small), max_size=20))
def test_weights_change_no_figure_and_no_unweighted_rank(entries: list[Entry]) -> None:
    weighted = rank(entries)
    plain = rank([Entry(key=entry.key, value=entry.value) for entry in entries])
    assert [place.value for place in weighted] == [entry.value for entry in entries]
    assert [place.rank for place in weighted] == [place.rank for place in plain]
    assert [place.rank for place in plain] == [place.weighted_rank for place in plain]


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_what_is_no_weight_is_refused(weight: float) -> None:
    with pytest.raises(UsageError, match="weight of a"):
        rank([Entry(key="a", value=1.0, weight=weight)])


def test_the_weight_in_force() -> None:
    weights = [
        Weight(weight=3.0, reason="", valid_from=date(2026, 6, 1)),
        Weight(weight=2.0, reason="", valid_from=date(2026, 1, 1)),
    ]
    assert [weight_on(date(2026, month, 1), weights) for month in (1, 5, 6)] == [2.0, 2.0, 3.0]
    assert weight_on(date(2025, 1, 1), weights) == 1.0


def candidate(application: str = "shop", journey: str | None = "pay", **more: Any) -> Candidate:
    return Candidate(application=application, journey=journey, **more)


def measured(value: float, days_ago: int = 1, **more: Any) -> Candidate:
    return candidate(per_visit=value, measured_on=TODAY - timedelta(days=days_ago), **more)


def test_what_to_measure_next_by_hand() -> None:
    """Stale: 1,000 x 4 x 0.2 = 800; never, by the median of its application: 500 x 3 x 0.1 x 8 = 1,200; fresh: left out."""
    rows = [
        measured(4.0, 91, journey="stale", visits=1000, expected_saving=0.2),
        measured(2.0, 90, journey="fresh", visits=9000),
        candidate(journey="never", visits=500, weight=8.0),
        candidate(journey="unvisited"),
    ]
    found = measure_next.suggest(rows, TODAY)
    assert [(one.candidate.journey, one.score) for one in found] == [
        ("never", pytest.approx(1200)), ("stale", pytest.approx(800)), ("unvisited", None),
    ]  # fmt: skip
    assert [one.state for one in found] == [State.NEVER, State.STALE, State.NEVER]
    assert [one.basis for one in found] == [Basis.APPLICATION, Basis.MEASURED, Basis.APPLICATION]
    assert [one.saving_assumed for one in found] == [True, False, True]
    assert found[0].share_of_visits == pytest.approx(500 / 10500)


def test_what_stands_in_for_an_unmeasured_one_is_said() -> None:
    rows = [measured(4.0, application="a", kind="web"), measured(10.0, application="b", kind="batch")]
    bases = {
        name: found.basis
        for name, kind in (("x", "web"), ("y", "mobile"), ("z", ""))
        for found in measure_next.suggest([*rows, candidate(application=name, kind=kind, visits=1)], TODAY)
    }
    assert bases == {"x": Basis.KIND, "y": Basis.ALL, "z": Basis.ALL}
    (alone,) = measure_next.suggest([candidate(visits=1)], TODAY)
    assert (alone.basis, alone.score) == (Basis.UNKNOWN, None)


def test_the_roll_out() -> None:
    rows = [
        measured(1.0, 1, visits=30),
        measured(1.0, 200, journey="old", visits=30),
        candidate(application="b", visits=40),
    ]
    found = measure_next.roll_out(rows, TODAY)
    assert (found.measured, found.fresh, found.total) == (2, 1, 3)
    assert (found.applications_measured, found.applications) == (1, 2)
    assert found.share_of_visits == pytest.approx(0.6)
    assert measure_next.roll_out([], TODAY).share_of_visits is None


def done(**more: Any) -> Action:
    return Action(
        application="shop", title="Smaller images", done_on=date(2026, 6, 10), started_on=date(2026, 6, 1), **more
    )


def runs(*values: float, start: date) -> list[RunFigure]:
    return [RunFigure(start + timedelta(days=7 * week), value) for week, value in enumerate(values)]


def test_an_action_that_worked() -> None:
    """Means 10 and 8 with standard deviation 0.1 of four runs each: Student's t with 3 degrees of freedom is 3.182."""
    before = runs(9.9, 10.1, 9.9, 10.1, start=date(2026, 5, 1))
    after = runs(7.9, 8.1, 7.9, 8.1, start=date(2026, 6, 10))
    found = actions.before_after(
        done(), [*after, *before, RunFigure(date(2026, 6, 5), 99.0), RunFigure(date(2025, 1, 1), 99.0)]
    )
    assert (found.before, found.after, found.difference) == pytest.approx((10, 8, -2))
    assert (found.runs_before, found.runs_after, found.evidence) == (4, 4, Evidence.BETTER)
    half_width = math.sqrt(2) * 3.182446 * math.sqrt(0.04 / 3 / 4)
    assert (found.low, found.high) == pytest.approx((-2 - half_width, -2 + half_width), rel=1e-6)


@pytest.mark.parametrize(
    ("before", "after", "evidence"),
    [
        ([8.0, 8.1, 7.9], [10.0, 10.1, 9.9], Evidence.WORSE),
        ([8.0, 12.0, 10.0], [9.0, 11.0, 9.5], Evidence.NO_EVIDENCE),
        ([8.0], [1.0, 1.1, 1.0], Evidence.TOO_FEW_RUNS),
        ([], [], Evidence.TOO_FEW_RUNS),
    ],
)
def test_evidence(before: list[float], after: list[float], evidence: Evidence) -> None:
    assert actions.compare(before, after).evidence is evidence


@given(st.lists(small, min_size=2, max_size=8), st.lists(small, min_size=2, max_size=8))
def test_swapped_sides_give_the_opposite(first: list[float], second: list[float]) -> None:
    forth, back = actions.compare(first, second), actions.compare(second, first)
    assert (forth.low, forth.high) == (-(back.high or 0.0), -(back.low or 0.0))
    assert {forth.evidence, back.evidence} in ({Evidence.NO_EVIDENCE}, {Evidence.BETTER, Evidence.WORSE})


def test_an_action_that_is_not_done_has_no_after() -> None:
    found = actions.before_after(Action(application="shop", title="x"), runs(1.0, 2.0, start=date(2026, 6, 1)))
    assert (found.before, found.after, found.evidence) == (None, None, Evidence.TOO_FEW_RUNS)


def test_others_find_actions() -> None:
    register = [
        done(description="Résolution réduite", tags=("Images", "front")),
        Action(application="hr", title="Night stop", tags=("cloud",), started_on=date(2026, 9, 1)),
    ]
    assert actions.find(register, "RESOLUTION shop") == (register[0],)
    assert actions.find(register, tags=["images"]) == (register[0],)
    assert actions.find(register) == (register[1], register[0])
    assert actions.find(register, "=cmd") == ()

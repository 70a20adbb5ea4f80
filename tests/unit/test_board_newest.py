# SPDX-License-Identifier: Apache-2.0
"""What was measured and has no traffic shows the figure of a visit; a run of several journeys shows one figure for each."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests import board_support as support

from lichen.service.board import figures
from lichen.service.board.application import application
from lichen.service.board.joined import joined
from lichen.service.board.next import measure_next
from lichen.service.board.portfolio import portfolio
from lichen.service.board.queries import PortfolioQuery

DAY = date(2026, 11, 20)


def test_measured_without_traffic_is_measured_and_shows_a_visit(tmp_path: Path) -> None:
    with support.board(tmp_path) as context:
        app, _ = support.add_application(context, "cart", None)
        support.add_application(context, "idle", None)
        old = support.content("cart", date(2026, 9, 1), screen_s=99.0)
        new = support.content("cart", DAY, screen_s=10.0)
        support.add_run(context, app, new)
        support.add_run(context, app, old)
        figures.refresh(context)
        view = portfolio(context, PortfolioQuery(sort="per_visit"))
        assert (view.roll_out.measured, view.roll_out.total) == (1, 2)
        assert {one.value: one.count for facet in view.facets if facet.name == "measured" for one in facet.values} == {
            "yes": 1, "no": 1,
        }  # fmt: skip
        cart, idle = view.rows
        assert cart.application.code == "cart"
        assert cart.measures.impact.value is None
        assert cart.measures.impact.missing == "no_traffic"
        assert idle.measures.impact.missing == "no_run"
        assert idle.measures.per_visit.value is None
        found = application(context, "cart")
        assert found is not None
        (run, _) = found.runs
        per_visit = found.measures.per_visit
        assert per_visit.value == run.per_visit.value, "of the newest run, not of the one that came last"
        assert per_visit.low is not None
        assert per_visit.high is not None
        assert per_visit.low < (per_visit.value or 0.0) < per_visit.high
        assert per_visit.shares == {"measured": pytest.approx(1.0)}
        assert per_visit.why == f"/runs/{run.run_id}"
        assert cart.measures.per_visit == per_visit
        assert [row.gco2e_per_visit for row in joined(context)] == [], (
            "a month without traffic takes no figure of another"
        )


def test_a_run_of_several_journeys_has_a_figure_for_each(tmp_path: Path) -> None:
    with support.board(tmp_path) as context:
        app, _ = support.add_application(context, "cart", None, ("buy",))
        both = support.content("cart", DAY, screen_s=10.0, journeys=("buy", "look"))
        alone = support.content("cart", DAY, screen_s=10.0, journeys=("buy",))
        support.add_run(context, app, both)
        support.add_run(context, app, alone)
        figures.refresh(context)
        view = application(context, "cart")
        assert view is not None
        several = next(run for run in view.runs if len(run.journeys) == 2)
        single = next(run for run in view.runs if len(run.journeys) == 1)
        assert [one.journey.code for one in several.figures] == ["buy", "look"]
        assert [one.per_visit.value for one in several.figures] == [single.per_visit.value] * 2
        assert several.per_visit.missing == "several_journeys"
        assert view.measures.per_visit.value == pytest.approx(single.per_visit.value), "the mean of equal journeys"


def test_what_to_measure_next_has_the_range_and_quality_of_its_footprint(tmp_path: Path) -> None:
    with support.board(tmp_path) as context:
        for code, screen_s in (("cart", 10.0), ("search", 30.0)):
            app, journeys = support.add_application(context, code, None, ("buy", "look"))
            support.add_run(context, app, support.content(code, date(2026, 3, 1), screen_s=screen_s))
            for journey, visits in (("buy", 1200.0), ("look", 800.0)):
                support.add_traffic(context, app, journeys[journey], {date(2026, 10, 2): visits})
        figures.refresh(context)
        rows = {(row.application.code, row.journey.code): row for row in measure_next(context).rows if row.journey}
    stale = rows["cart", "buy"]
    assert (stale.reason, stale.footprint_is) == ("stale", "measured")
    assert stale.per_visit.low is not None
    assert stale.per_visit.high is not None
    assert stale.per_visit.low < (stale.per_visit.value or 0.0) < stale.per_visit.high
    assert stale.per_visit.shares == {"measured": 1.0}
    assert stale.per_visit.why.startswith("/runs/")
    assert stale.saving_low == pytest.approx(stale.per_visit.low * 1200 * 12 * stale.expected_saving)
    never = rows["cart", "look"]
    assert never.reason == "never_measured"
    assert never.per_visit.value == stale.per_visit.value, "the median of the application's journeys"
    assert never.per_visit.shares == {"proxy": 1.0}


def test_traffic_of_which_a_part_is_measured_is_told_as_such_everywhere(tmp_path: Path) -> None:
    """2,000 visits, of which 1,200 take a journey that has a run."""
    with support.board(tmp_path) as context:
        app, journeys = support.add_application(context, "cart", None, ("buy", "look"))
        support.add_run(context, app, support.content("cart", date(2026, 9, 1), screen_s=10.0))
        day = date(2026, 10, 2)
        support.add_traffic(context, app, None, {day: 2000.0})
        support.add_traffic(context, app, journeys["buy"], {day: 1200.0})
        figures.refresh(context)
        (row,) = portfolio(context, PortfolioQuery()).rows
        totals = portfolio(context, PortfolioQuery()).totals.measures
        view = application(context, "cart")
        assert view is not None
        (joint,) = joined(context)
    of_a_visit = view.runs[0].per_visit.value or 0.0
    for measures in (row.measures, totals, view.measures):
        assert measures.visits == 2000
        assert measures.impact.covered == pytest.approx(0.6)
        assert measures.impact.value == pytest.approx(1200 * of_a_visit)
        assert measures.per_visit.value == pytest.approx(of_a_visit), "of those that were measured, not spread over all"
    assert joint.covered == pytest.approx(0.6)

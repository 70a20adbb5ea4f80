# SPDX-License-Identifier: Apache-2.0
"""The change between two periods is volume + intensity + factors, and each of them is what it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from tests import board_support as support

from lichen.service.board import figures
from lichen.service.board.effects import effects
from lichen.service.board.periods import read
from lichen.service.board.queries import EVERYTHING
from lichen.service.board.reading import Look
from lichen.service.board.shapes import Effects
from lichen.service.context import ServiceContext

BEFORE = date(2024, 12, 10)
"""The year of the grid's statistics changes after it."""
AFTER = date(2025, 1, 10)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ServiceContext]:
    with support.board(tmp_path) as found:
        yield found


def make(context: ServiceContext, visits: dict[date, float], *more: tuple[date, float]) -> str:
    """An application that was measured in November, and on other days with other seconds of screen."""
    app, journeys = support.add_application(context, "cart", None)
    for day, screen_s in ((date(2024, 11, 1), 10.0), *more):
        support.add_run(context, app, support.content("cart", day, screen_s=screen_s))
    support.add_traffic(context, app, journeys["buy"], visits)
    figures.refresh(context)
    return app


def between(context: ServiceContext, app: str, left: str, right: str) -> Effects:
    with context.store.reading() as session:
        found = effects(Look(context, session, EVERYTHING, right), [app], read(left), read(right))
    assert found is not None
    assert None not in (found.before, found.volume, found.intensity, found.factors, found.after)
    return found


def parts(found: Effects) -> float:
    return (found.volume or 0.0) + (found.intensity or 0.0) + (found.factors or 0.0)


def test_the_same_run_and_visits_differ_by_their_factors_alone(context: ServiceContext) -> None:
    app = make(context, {BEFORE: 1000.0, AFTER: 1000.0})
    found = between(context, app, "2024-12", "2025-01")
    assert found.volume == found.intensity == 0.0
    assert found.factors
    assert found.factors == pytest.approx((found.after or 0.0) - (found.before or 0.0), rel=1e-12)


def test_a_lighter_run_with_more_visits_under_other_factors(context: ServiceContext) -> None:
    app = make(context, {BEFORE: 1000.0, AFTER: 3000.0}, (date(2025, 1, 1), 5.0))
    found = between(context, app, "2024-12", "2025-01")
    same = make_alike(context)
    assert same.factors
    assert found.factors == pytest.approx(same.factors, rel=1e-9), "the effect of factors is that of the earlier month"
    assert (found.intensity or 0.0) < 0 < (found.volume or 0.0)
    assert parts(found) == pytest.approx((found.after or 0.0) - (found.before or 0.0), rel=1e-12)
    assert found.rebound


def make_alike(context: ServiceContext) -> Effects:
    """The effects of an application that is measured once only."""
    app, journeys = support.add_application(context, "alike", None)
    support.add_run(context, app, support.content("alike", date(2024, 11, 1), screen_s=10.0))
    support.add_traffic(context, app, journeys["buy"], {BEFORE: 1000.0, AFTER: 1000.0})
    figures.refresh(context)
    return between(context, app, "2024-12", "2025-01")


def test_months_of_the_same_factors_have_no_effect_of_factors(context: ServiceContext) -> None:
    app = make(context, {date(2026, 5, 1): 100.0, date(2026, 6, 1): 50.0})
    found = between(context, app, "2026-05", "2026-06")
    assert found.factors == found.intensity == 0.0
    assert found.volume == pytest.approx(-(found.before or 0.0) / 2)
    assert not found.rebound


def test_a_year_is_restated_month_by_month(context: ServiceContext) -> None:
    app = make(
        context, {date(2024, 3, 1): 100.0, date(2024, 9, 1): 300.0, date(2025, 3, 1): 100.0, date(2025, 9, 1): 300.0}
    )
    found = between(context, app, "2024", "2025")
    assert found.volume == pytest.approx(0.0, abs=1e-9)
    assert found.intensity == pytest.approx(0.0, abs=1e-9)
    assert found.factors == pytest.approx((found.after or 0.0) - (found.before or 0.0), rel=1e-9)
    assert found.factors

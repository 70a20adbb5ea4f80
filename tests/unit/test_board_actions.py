# SPDX-License-Identifier: Apache-2.0
"""What runs say of an action: before, after, the interval, or that they show nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests import board_support as support

from lichen.service.board import figures
from lichen.service.board.application import application
from lichen.service.board.rows import ActionRow
from lichen.service.context import ServiceContext
from lichen.store.models import Action

DONE = date(2025, 1, 10)
"""The grid's year of statistics changes shortly before: runs of both sides are seen under one."""


def act(context: ServiceContext, before: list[float], after: list[float], *, done: date | None = DONE) -> ActionRow:
    """An application whose runs before and after lit a screen for some seconds."""
    app, _ = support.add_application(context, "cart", None)
    for number, screen_s in enumerate(before):
        support.add_run(context, app, support.content("cart", DONE - timedelta(days=30 + number), screen_s=screen_s))
    for number, screen_s in enumerate(after):
        support.add_run(context, app, support.content("cart", DONE + timedelta(days=number), screen_s=screen_s))
    with context.store.session() as session:
        session.add(
            Action(
                application_id=app, title="Lighter", status="done" if done else "planned", indicator="gwp100",
                started_on=DONE - timedelta(days=9), done_on=done, tags=[],
            )
        )  # fmt: skip
    figures.refresh(context)
    view = application(context, "cart")
    assert view is not None
    return view.actions[0]


def test_fewer_seconds_of_screen_are_better_and_by_how_much(tmp_path: Path) -> None:
    with support.board(tmp_path) as context:
        measured = act(context, [10.0, 10.1, 9.9, 10.0], [5.0, 5.05, 4.95, 5.0]).measured
    assert measured is not None
    assert measured.evidence == "better"
    assert measured.journey.code == "buy"
    assert (measured.runs_before, measured.runs_after) == (4, 4)
    assert measured.before is not None
    assert measured.after is not None
    assert measured.change == pytest.approx(measured.after / measured.before - 1)
    assert measured.low is not None
    assert measured.high is not None
    assert measured.low < (measured.change or 0.0) < measured.high < 0


def test_runs_under_other_factors_are_no_evidence(tmp_path: Path) -> None:
    """In December the grid's factors were others: seen with the same, equal runs show nothing."""
    with support.board(tmp_path) as context:
        measured = act(context, [10.0, 10.2, 9.8], [10.0, 9.8, 10.2]).measured
    assert measured is not None
    assert measured.evidence == "no_evidence"
    assert measured.change == pytest.approx(0.0, abs=1e-9)


def test_one_run_a_side_is_too_few_and_a_plan_has_none(tmp_path: Path) -> None:
    with support.board(tmp_path) as context:
        measured = act(context, [10.0], [5.0]).measured
    assert measured is not None
    assert measured.evidence == "too_few_runs"
    assert measured.change is measured.low is measured.high is None
    (tmp_path / "other").mkdir()
    with support.board(tmp_path / "other") as context:
        assert act(context, [10.0], [5.0], done=None).measured is None

# SPDX-License-Identifier: Apache-2.0
"""A year's new factor of a grid is no change of a visit in the digest, and a change of a visit is told at one factor day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests import board_support

from lichen.config import Settings
from lichen.service import digest
from lichen.service.board import figures
from lichen.service.context import ServiceContext
from lichen.service.digest import About, Digest
from lichen.service.workspace import Workspace
from lichen.store.models import Figure

OLD, NEW = date(2026, 10, 1), date(2026, 11, 11)
"""Days of two runs; the grid's factor changes in between."""
HEAD = """
[pack]
id = "own"
version = "1"
description = "A grid."
[defaults]
unit = "gCO2e/kWh"
boundary = "none"
geography = "FR"
source = "lichen-pedigree"
distribution = "fixed"
"""
ROW = """
[[factor]]
id = "grid.gwp100"
value = {value}
low = {value}
high = {value}
valid_from = {first}
valid_to = {last}
"""


def grid(folder: Path, *vintages: tuple[float, str, str]) -> Workspace:
    """A workspace where the French grid has these values, each between two days."""
    pack = folder / "own.toml"
    pack.write_text(HEAD + "".join(ROW.format(value=value, first=first, last=last) for value, first, last in vintages))
    settings = Settings()
    return Workspace(replace(settings, extend=replace(settings.extend, factors=(pack,))))


def told(context: ServiceContext, *, newest_s: float) -> Digest:
    """The digest of a shop whose screen was lit for 50 s in October, and for some seconds in the week."""
    team = board_support.add_team(context, "loans")
    shop, journeys = board_support.add_application(context, "shop", team)
    for day, screen_s in ((OLD, 50.0), (NEW, newest_s)):
        board_support.add_run(context, shop, board_support.content("shop", day, screen_s=screen_s))
    days = {date(2026, 9, 21) + timedelta(days=n): 50.0 for n in range(60)}
    board_support.add_traffic(context, shop, journeys["buy"], days)
    figures.refresh(context)
    return digest.build(context, About("team", "loans"))


def of_runs(context: ServiceContext) -> list[float | None]:
    with context.store.reading() as session:
        rows = session.query(Figure).filter_by(granularity="run", indicator="gwp100", tier="", phase="")
        return [row.value for row in rows.order_by(Figure.period)]


TWO = ((50.0, "2026-01-01", "2026-10-31"), (200.0, "2026-11-01", "2026-12-31"))
ONE = ((200.0, "2026-01-01", "2026-12-31"),)


def test_a_new_factor_alone_moves_nothing(tmp_path: Path) -> None:
    with board_support.board(tmp_path) as empty:
        context = replace(empty, workspace=grid(tmp_path, *TWO))
        found = told(context, newest_s=50.0)
        before, after = of_runs(context)
    assert before is not None
    assert after is not None
    assert after > 1.05 * before, "the figures of the two runs differ by their factor, and by more than is no change"
    assert (found.verdict, found.moves) == ("steady", ())
    assert found.change.share == pytest.approx(0.0, abs=1e-12)
    assert found.change.now == pytest.approx(350 * after)
    assert found.weeks == pytest.approx([350 * after] * len(found.weeks))


def test_a_change_of_a_visit_is_told_as_if_the_factor_had_always_been_the_new_one(tmp_path: Path) -> None:
    told_of = []
    for name, vintages in (("two", TWO), ("one", ONE)):
        folder = tmp_path / name
        folder.mkdir()
        with board_support.board(folder) as empty:
            told_of.append(told(replace(empty, workspace=grid(folder, *vintages)), newest_s=40.0))
    two, one = told_of
    assert one.verdict == "lighter"
    assert two.change == one.change
    assert two.weeks == pytest.approx(one.weeks)
    assert [(move.kind, move.share, move.impact) for move in two.moves] == [
        (move.kind, move.share, move.impact) for move in one.moves
    ]

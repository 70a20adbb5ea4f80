# SPDX-License-Identifier: Apache-2.0
"""From an access log, a bill and a table of values to the figures on the board, by hand."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests import board_support as support

import lichen
from lichen.config import load_settings
from lichen.service.board import figures
from lichen.service.board.portfolio import portfolio
from lichen.service.board.queries import PortfolioQuery
from lichen.service.importing_money import TableOrder, import_costs, import_values
from lichen.service.importing_traffic import TrafficOrder, import_traffic
from lichen.service.workspace import Workspace

CONFIG = '[[traffic.journey]]\nname = "buy"\npaths = ["/buy/**"]\nstart = "/buy/start"\n'


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_imported_is_what_the_board_shows(tmp_path: Path) -> None:
    """Two of three visits buy; a purchase has a figure, so the month has twice that; 300 EUR of value for 200 EUR of cost."""
    project = Workspace(load_settings(_write(tmp_path / "lichen.toml", CONFIG), env={}))
    pages = ("/", "/buy/start", "/buy/pay"), ("/buy/start",), ("/",)
    lines = [
        f'192.0.2.{who} - - [05/Oct/2026:10:{minute:02d}:00 +0000] "GET {page} HTTP/1.1" 200 1 "-" "Firefox"\n'
        for who, seen in enumerate(pages)
        for minute, page in enumerate(seen)
    ]
    run = support.content("cart", date(2026, 9, 15), screen_s=10.0)
    with support.board(tmp_path) as context:
        application, _ = support.add_application(context, "cart", None)
        support.add_run(context, application, run)
        for _ in range(2):  # again and again doubles nothing
            import_traffic(
                project, TrafficOrder(paths=[_write(tmp_path / "access.log", "".join(lines))], application="cart")
            )
            money = "month,application,amount,currency\n2026-10,cart,{}.1,EUR\n2026-10,,7,EUR\n"
            import_costs(project, TableOrder(path=_write(tmp_path / "c.csv", money.format(200))))
            values = "month,application,amount,currency,low,high\n2026-10,cart,300.15,EUR,200.1,400.2\n"
            import_values(project, TableOrder(path=_write(tmp_path / "v.csv", values)))
        figures.refresh(context)
        view = portfolio(context, PortfolioQuery(period="2026-10"))
    (row,) = view.rows
    table = lichen.evaluate(
        [{key: value for key, value in one.items() if key != "samples"} for one in run["activities"]],
        context=run["context"],
        on=date(2026, 10, 1),
    ).totals(by=lambda _: "all")
    one_purchase = math.fsum(
        value for name, value in zip(table["indicator"], table["value"], strict=True) if name == "gwp100"
    )
    found = row.measures
    assert found.impact.value == pytest.approx(2 * one_purchase, rel=1e-12)
    assert found.impact.low is not None
    assert found.impact.low < 2 * one_purchase
    assert (found.cost.amount, found.value.amount) == (Decimal("200.1"), Decimal("300.15"))
    assert (found.roi.low, found.roi.value, found.roi.high) == pytest.approx((0.0, 0.5, 1.0))
    assert found.visits == 3

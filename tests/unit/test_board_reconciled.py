# SPDX-License-Identifier: Apache-2.0
"""The page of bills beside what providers say: like with like by month, and nothing where they say nothing; and its imports."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.carbon_support import aws, write_csv
from tests.focus_support import bring, line, of_month, on, project, write

from lichen.outputs.web.pages.words import Words
from lichen.service.bills.carbon import import_carbon
from lichen.service.bills.differing import Reason
from lichen.service.bills.reconciled import month_of
from lichen.service.bills.reconciling import Place, Row, reconcile
from lichen.service.board.bill_views import BillsView
from lichen.service.board.bills import bills
from lichen.service.board.queries import Visibility
from lichen.service.context import ServiceContext, open_context


@pytest.fixture
def board(tmp_path: Path) -> Iterator[ServiceContext]:
    context = open_context(project(tmp_path / "project"))
    lines = [line(), on(6), of_month("2026-11"), line(ServiceName="Other", SkuMeter="x", ChargeDescription="x")]
    bring(context.workspace, write(tmp_path / "bill.csv", [*lines, line(BillingAccountId="second", SubAccountId="9")]))
    with context.store:
        yield context


def said(context: ServiceContext, folder: Path, *rows: dict[str, str]) -> None:
    """The provider's own figures."""
    import_carbon(context.workspace, [str(write_csv(folder / "aws.csv", rows))])


def shown(context: ServiceContext, period: str = "2026-10", **asked: Any) -> BillsView:
    return bills(context, period=period, **asked)


def test_without_figures_of_providers_there_is_nothing(board: ServiceContext) -> None:
    assert shown(board).reconciled == ()


def test_a_month_is_what_both_sides_tell(board: ServiceContext, tmp_path: Path) -> None:
    assert shown(board).reconciled == ()
    said(board, tmp_path, aws(), aws(product_code="AmazonQuantum"))
    (row,) = shown(board).reconciled
    (compared,) = [one for one in reconcile(board, "lichen-1", month="2026-10").rows if one.ratio_use is not None]
    assert compared.use is not None
    assert compared.embodied is not None
    assert (row.provider, row.month, row.theirs) == ("aws", "2026-10", 190.0), "90 in scopes 1 and 2, 100 in scope 3"
    assert row.ours == pytest.approx(compared.use + compared.embodied)
    assert row.ratio == pytest.approx(row.ours / 190)
    assert row.coverage == 1, "what is not compared does not count"
    assert {"only_theirs", "only_ours", "idle_overhead"} <= set(row.why)


def test_a_year_has_its_months_and_a_new_import_is_seen(board: ServiceContext, tmp_path: Path) -> None:
    said(board, tmp_path, aws())
    before = shown(board, "2026").reconciled
    assert [(row.month, row.ours is None) for row in before] == [("2026-11", True), ("2026-10", False)]
    assert before[0].why == ("not_published",)
    said(board, tmp_path, aws(total_scope_2_lbm_emissions_value="0.001"))
    assert shown(board, "2026").reconciled[1].theirs != before[1].theirs
    assert shown(board, "2025").reconciled == ()


def test_who_sees_some_applications_sees_none_of_it(board: ServiceContext, tmp_path: Path) -> None:
    said(board, tmp_path, aws())
    view = shown(board, seen=Visibility(teams=frozenset()))
    assert (view.reconciled, view.imports, view.imports_told) == ((), (), 0)


def test_imports_tell_their_own_lines(board: ServiceContext) -> None:
    view = shown(board)
    assert {(one.source, one.month): (one.files, one.lines) for one in view.imports} == {
        ("bill:aws-payer", "2026-11"): (1, 1),
        ("bill:aws-payer", "2026-10"): (1, 3),
        ("bill:aws-second", "2026-10"): (1, 1),
    }
    assert view.imports_told == 3


def row(**own: Any) -> Row:
    """Both sides of a place."""
    said: dict[str, Any] = dict.fromkeys(
        ("use", "use_low", "use_high", "embodied", "operational", "making", "total", "ratio_use", "ratio_making",
         "ratio_total", "coverage")
    )  # fmt: skip
    return Row(**said | {"place": Place("2026-10", "aws", "1", "s", "r"), "why": (), "costs": {}} | own)


def test_only_like_is_added_up() -> None:
    rows = [
        row(use=30.0, embodied=5.0, operational=60.0, costs={"EUR": {"estimated": Decimal(3), "no_rule": Decimal(1)}}),
        row(use=10.0, embodied=8.0, total=20.0, costs={"EUR": {"estimated": Decimal(4)}}),
        row(use=1000.0, embodied=1.0, why=(Reason.ONLY_OURS,), costs={"EUR": {"no_rule": Decimal(50)}}),
        row(operational=7.0, making=9.0, why=(Reason.ONLY_THEIRS,)),
    ]
    found = month_of("2026-10", "aws", rows)
    assert (found.ours, found.theirs) == (48.0, 80.0), "30 + 18 against 60 + 20"
    assert (found.ratio, found.coverage) == (0.6, 7 / 8)
    assert found.why == ("only_ours", "only_theirs"), "what concerns most first"
    assert (found.places, found.compared) == (4, 2)


def test_nothing_over_nothing_is_no_ratio() -> None:
    assert month_of("2026-10", "aws", [row(use=3.0, embodied=1.0, operational=0.0)]).ratio is None
    alone = month_of("2026-10", "aws", [row(operational=5.0)])
    assert (alone.ours, alone.theirs, alone.ratio, alone.coverage) == (None, None, None, None)


@pytest.mark.parametrize(("lang", "told"), [("en", "12 (no currency told)"), ("fr", "12 (monnaie non dite)")])
def test_money_without_a_currency_says_so(lang: str, told: str) -> None:
    for currency in ("", "XXX"):
        assert Words(lang).cash(Decimal("12.3"), currency) == told
    assert "12" in Words(lang).cash(Decimal("12.3"), "\u202e")

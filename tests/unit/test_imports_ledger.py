# SPDX-License-Identifier: Apache-2.0
"""Traffic, cost and value stand in the ledger as they stand in the store, for whoever reads its tables with another tool."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner
from deltalake import DeltaTable
from tests.ledger_support import row, run_of

from lichen.cli.app import root as cli
from lichen.config import load_settings
from lichen.errors import StorageError
from lichen.ledger import Ledger, Selection, open_ledger
from lichen.service.context import existing_ledger
from lichen.service.importing_ledger import keep_all, source_of
from lichen.service.importing_money import TableOrder, import_costs, import_values
from lichen.service.importing_tables import opened
from lichen.service.importing_traffic import TrafficOrder, import_traffic
from lichen.service.workspace import Workspace

NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)
ON: Final = NOW.date()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "lichen.toml").touch()
    return Workspace(load_settings(tmp_path / "lichen.toml", env={}))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = open_ledger(str(tmp_path / ".lichen" / "ledger"))
    made.append_runs([run_of(row())])
    return made


def table(folder: Path, *lines: str) -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def traffic(workspace: Workspace, path: Path, application: str = "shop") -> None:
    import_traffic(workspace, TrafficOrder(paths=[path], application=application, source="board", create=True), now=NOW)


def costs(workspace: Workspace, path: Path, source: str = "cloud") -> None:
    import_costs(workspace, TableOrder(path=path, source=source, create=True), on=ON)


def told(ledger: Ledger, source: str, *columns: str) -> list[tuple[Any, ...]]:
    rows = ledger.activities(Selection(sources=[source])).to_pylist()
    return sorted((tuple(one[column] for column in columns) for one in rows), key=repr)


VISITS: Final = ("day", "journey", "quantity", "value")


def test_traffic_has_a_row_for_each_day_journey_and_quantity(
    workspace: Workspace, ledger: Ledger, tmp_path: Path
) -> None:
    lines = ["day,journey,visits,page_views", "2026-11-01,,100,", "2026-11-01,apply,40,120", "2026-11-02,,0,0"]
    traffic(workspace, table(tmp_path, *lines))
    assert told(ledger, "traffic:board", *VISITS) == sorted([
        (date(2026, 11, 1), None, "visits", 100.0),
        (date(2026, 11, 1), None, "page_views", None),  # unknown, which is not zero
        (date(2026, 11, 1), "apply", "visits", 40.0),
        (date(2026, 11, 1), "apply", "page_views", 120.0),
        (date(2026, 11, 2), None, "visits", 0.0),
        (date(2026, 11, 2), None, "page_views", 0.0),
    ], key=repr)  # fmt: skip
    assert set(told(ledger, "traffic:board", "application", "basis", "unit", "method")) == {
        ("shop", "total", "1", "metered")
    }
    spans = told(ledger, "traffic:board", "started_at", "ended_at")
    assert spans[0] == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert len(set(told(ledger, "traffic:board", "activity_id"))) == 6


def test_a_day_that_is_imported_again_is_replaced_and_others_stay(
    workspace: Workspace, ledger: Ledger, tmp_path: Path
) -> None:
    head = "day,journey,visits"
    traffic(workspace, table(tmp_path, head, "2026-11-01,,1", "2026-11-02,,2", "2026-11-03,,3"))
    traffic(workspace, table(tmp_path, head, "2026-11-01,,7"), application="other")
    # The second day is not in the file, though the span of its days goes across it.
    traffic(workspace, table(tmp_path, head, "2026-11-01,,10", "2026-11-03,,30"))
    visits = [
        one for one in told(ledger, "traffic:board", "application", "day", "quantity", "value") if "visits" in one
    ]
    assert visits == [
        ("other", date(2026, 11, 1), "visits", 7.0),
        ("shop", date(2026, 11, 1), "visits", 10.0),
        ("shop", date(2026, 11, 2), "visits", 2.0),
        ("shop", date(2026, 11, 3), "visits", 30.0),
    ]
    assert ledger.runs().num_rows == 1, "runs are not touched"


def test_money_is_exact_and_keeps_its_currency(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    lines = [
        "month;application;amount;currency;kind",
        "2026-01;shop;0,1;EUR;cloud", "2026-01;shop;0,2;EUR;licence", "2026-02;;-5;USD;cloud",
    ]  # fmt: skip
    costs(workspace, table(tmp_path, *lines), "Cloud bill")
    source = source_of("cost", "Cloud bill")
    assert told(ledger, source, "application", "day", "quantity", "amount", "currency", "value", "unit") == [
        ("", date(2026, 2, 1), "cost", Decimal("-5.000000"), "USD", -5.0, "currency"),
        ("shop", date(2026, 1, 1), "cost", Decimal("0.100000"), "EUR", 0.1, "currency"),
        ("shop", date(2026, 1, 1), "cost", Decimal("0.200000"), "EUR", 0.2, "currency"),
    ]
    assert {json.loads(tags)["kind"] for (tags,) in told(ledger, source, "tags")} == {"cloud", "licence"}
    assert {json.loads(tags)["source"] for (tags,) in told(ledger, source, "tags")} == {"Cloud bill"}
    (ended,) = {one for (one,) in told(ledger, source, "ended_at") if one.month == 3}
    assert ended == datetime(2026, 3, 1, tzinfo=UTC)
    import pyarrow.compute as pc

    read = DeltaTable(str(tmp_path / ".lichen/ledger/activities")).to_pyarrow_table(columns=["amount", "currency"])
    assert pc.sum(read.filter(pc.field("currency") == "EUR")["amount"]).as_py() == Decimal("0.300000")


def test_a_month_that_is_imported_again_is_replaced(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    head = "month,application,amount,currency,kind"
    rows = ["2026-01,shop,1,EUR,cloud", "2026-02,shop,2,EUR,cloud", "2026-03,shop,3,EUR,cloud"]
    costs(workspace, table(tmp_path, head, *rows))
    costs(workspace, table(tmp_path, head, "2026-02,shop,20,EUR,cloud"))
    costs(workspace, table(tmp_path, head, "2026-02,shop,5,EUR,people"), "payroll")
    amounts = [int(amount) for (_, amount) in told(ledger, "cost:cloud", "day", "amount")]
    assert amounts == [1, 20, 3]
    assert [int(amount) for (amount,) in told(ledger, "cost:payroll", "amount")] == [5]


def test_a_value_keeps_its_owner_its_range_and_how_sure_it_is(
    workspace: Workspace, ledger: Ledger, tmp_path: Path
) -> None:
    lines = [
        "month,application,amount,currency,kind,owner,confidence,low,high",
        "2026-01,shop,1000,EUR,revenue,Ana,0.8,900,1100.5",
    ]
    import_values(workspace, TableOrder(path=table(tmp_path, *lines), source="board", create=True), on=ON)
    ((tags,),) = told(ledger, "value:board", "tags")
    assert json.loads(tags) == {
        "source": "board", "kind": "revenue", "owner": "Ana", "confidence": 0.8, "low": "900.000000", "high": "1100.500000",
    }  # fmt: skip
    evaluable = ledger.evaluable(Selection(sources=["value:board"]))
    ((activity,),) = evaluable.values()
    assert (activity["quantity"], activity["currency"], activity["basis"]) == ("value", "EUR", "total")


def test_a_ledger_that_fails_leaves_the_store_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    place = tmp_path / ".lichen" / "ledger"
    open_ledger(str(place))
    head = "month,application,amount,currency,kind"
    costs(workspace, table(tmp_path, head, "2026-01,shop,1,EUR,cloud"))
    log = place / "activities" / "_delta_log"
    newest = max(log.glob("*.json"))
    content = newest.read_bytes()
    newest.write_bytes(b"{")
    with pytest.raises(StorageError):
        costs(workspace, table(tmp_path, head, "2026-01,shop,2,EUR,cloud"))
    newest.write_bytes(content)
    with opened(workspace) as store:
        kept = keep_all(open_ledger(str(place)), store)
    assert kept == 1
    assert told(open_ledger(str(place)), "cost:cloud", "value") == [(1.0,)]


def test_a_project_without_a_ledger_has_none_made_and_a_later_one_gets_what_was_imported(
    workspace: Workspace, tmp_path: Path
) -> None:
    head = "month,application,amount,currency,kind"
    costs(workspace, table(tmp_path, head, "2026-01,shop,1.5,EUR,cloud", "2026-02,,2,EUR,cloud"))
    traffic(workspace, table(tmp_path, "day,journey,visits", "2026-11-01,apply,3"))
    assert existing_ledger(workspace.settings) is None
    assert not (tmp_path / ".lichen" / "ledger").exists()

    (tmp_path / "lichen-runs").mkdir()
    for _ in range(2):  # again changes nothing
        done = CliRunner().invoke(cli, ["--config", str(tmp_path / "lichen.toml"), "ledger", "ingest", "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["imported_rows"] == 4
    made = existing_ledger(workspace.settings)
    assert made is not None
    assert told(made, "cost:cloud", "application", "value") == [("", 2.0), ("shop", 1.5)]
    assert told(made, "traffic:board", "quantity", "value") == [("page_views", None), ("visits", 3.0)]


def test_what_lies_before_the_first_day_kept_stays_out_of_the_ledger(
    workspace: Workspace, ledger: Ledger, tmp_path: Path
) -> None:
    ledger.retain(date(2026, 2, 1))
    head = "month,application,amount,currency,kind"
    costs(workspace, table(tmp_path, head, "2026-01,shop,1,EUR,cloud", "2026-02,shop,2,EUR,cloud"))
    assert told(ledger, "cost:cloud", "day") == [(date(2026, 2, 1),)]
    costs(workspace, table(tmp_path, head, "2025-12,shop,9,EUR,cloud"))
    assert told(ledger, "cost:cloud", "day") == [(date(2026, 2, 1),)]


@pytest.mark.parametrize("name", ["../../x", "é" * 300, "A b", "x'; DROP", "a%2Fb", "\u202e", "cost:"])
def test_a_hostile_name_of_a_source_is_a_folder_of_the_ledger(
    workspace: Workspace, ledger: Ledger, tmp_path: Path, name: str
) -> None:
    source = source_of("cost", name)
    assert len(source) <= 100
    assert source_of("cost", name + "2") != source
    if len(name) <= 200:
        costs(workspace, table(tmp_path, "month,application,amount,currency,kind", "2026-01,shop,1,EUR,cloud"), name)
        assert told(ledger, source, "value") == [(1.0,)]

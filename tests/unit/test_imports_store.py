# SPDX-License-Identifier: Apache-2.0
"""Imports into a real store: what is written, what takes whose place, what is refused without leaving a trace."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from lichen.cli.app import root as cli
from lichen.config import load_settings
from lichen.errors import StorageError, UsageError
from lichen.service.importing_inventory import import_inventory
from lichen.service.importing_money import TableOrder, import_costs, import_values
from lichen.service.importing_tables import Imported, opened
from lichen.service.importing_traffic import TrafficOrder, import_traffic
from lichen.service.progress import Silent
from lichen.service.workspace import Workspace
from lichen.store.models import Application, AuditEvent, Cost, Equipment, Journey, Traffic, Value

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
CONFIG: Final = """
[[traffic.journey]]
name = "apply"
paths = ["/apply/**"]
start = "/apply/start"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "lichen.toml").write_text(CONFIG, encoding="utf-8")
    return Workspace(load_settings(tmp_path / "lichen.toml"))


def rows(workspace: Workspace, model: type[Any], *columns: str) -> list[tuple[Any, ...]]:
    with opened(workspace) as store, store.reading() as session:
        found = [tuple(getattr(row, column) for column in columns) for row in session.scalars(select(model))]
    return sorted(found, key=repr)


def log(folder: Path, name: str, *requests: tuple[int, str, str]) -> Path:
    """An access log: minutes from noon of 2 November 2026, last byte of the address, path."""
    start = datetime(2026, 11, 2, 12, tzinfo=UTC)
    path = folder / name
    path.write_text(
        "".join(
            f"192.0.2.{who} - - [{start + timedelta(minutes=minute):%d/%b/%Y:%H:%M:%S} +0000] "
            f'"GET {page} HTTP/1.1" 200 1 "-" "Firefox"\n'
            for minute, who, page in requests
        )
    )
    return path


def traffic(workspace: Workspace, *paths: Path, application: str = "shop", **more: Any) -> Imported:
    return import_traffic(
        workspace, TrafficOrder(paths=paths, application=application, **({"create": True} | more)), now=NOW
    )


def test_traffic_is_written_by_day_and_journey(workspace: Workspace, tmp_path: Path) -> None:
    found = traffic(workspace, log(tmp_path, "a", (0, "1", "/apply/start"), (1, "1", "/apply/2"), (2, "2", "/")))
    assert (found.source, found.rows, found.first, found.last) == (
        "access-log",
        2,
        date(2026, 11, 2),
        date(2026, 11, 2),
    )
    assert found.written is not None
    assert (found.written.added, found.written.removed, found.written.made) == (2, 0, ("shop",))
    ((journey, code, name),) = rows(workspace, Journey, "id", "code", "name")
    assert (code, name) == ("apply", "apply")
    found_rows = rows(workspace, Traffic, "journey_id", "day", "visits", "page_views", "users", "source")
    assert set(found_rows) == {
        (journey, date(2026, 11, 2), 1.0, 2.0, None, "access-log"), (None, date(2026, 11, 2), 2.0, 3.0, None, "access-log"),
    }  # fmt: skip
    assert rows(workspace, AuditEvent, "actor", "action") == [("command:import", "traffic.import")]


def test_an_import_again_replaces_its_days_and_no_others(workspace: Workspace, tmp_path: Path) -> None:
    """Two days; the second one is imported again with more, then with less, which is told."""
    two_days = log(tmp_path, "a", (0, "1", "/"), (24 * 60, "1", "/"))
    traffic(workspace, two_days)
    first = rows(workspace, Traffic, "journey_id", "day", "visits")
    again = traffic(workspace, two_days)
    assert rows(workspace, Traffic, "journey_id", "day", "visits") == first
    assert again.written is not None
    assert (again.written.added, again.written.removed, again.written.made, again.written.shrunk) == (4, 4, (), ())
    more = traffic(workspace, log(tmp_path, "b", (24 * 60, "1", "/"), (24 * 60, "2", "/")))
    assert more.written is not None
    assert (more.written.removed, more.written.shrunk) == (2, ())
    visits = {
        day.day: count
        for journey, day, count in rows(workspace, Traffic, "journey_id", "day", "visits")
        if journey is None
    }
    assert visits == {2: 1.0, 3: 2.0}
    less = traffic(workspace, two_days)
    assert less.written is not None
    assert less.written.shrunk == (date(2026, 11, 3),)


def test_long_logs_tell_how_far_they_are(workspace: Workspace, tmp_path: Path) -> None:
    """3 MiB of log: whole MiB, never backwards, never beyond the end."""

    class Listener(Silent):
        def __init__(self) -> None:
            self.told: list[tuple[int, int]] = []

        def sample(self, journey: str, taken: int, expected: int, precision: float | None) -> None:
            self.told.append((taken, expected))

    path = log(tmp_path, "a", *((0, "1", "/" + "x" * 900) for _ in range(3300)))
    listener = Listener()
    order = TrafficOrder(paths=[path], application="shop", create=True)
    import_traffic(workspace, order, now=NOW, progress=listener)
    assert listener.told == sorted(listener.told)
    assert {expected for _, expected in listener.told} == {path.stat().st_size >> 20} == {3}
    assert 1 <= len(listener.told) <= 3
    assert listener.told[-1][0] >= 2


def test_sources_and_applications_are_apart(workspace: Workspace, tmp_path: Path) -> None:
    path = log(tmp_path, "a", (0, "1", "/"))
    for application, source in (("shop", None), ("shop", "edge"), ("hr", None)):
        assert traffic(workspace, path, application=application, source=source).written is not None
    assert len(rows(workspace, Traffic, "id")) == 6
    assert rows(workspace, Application, "code", "team_id") == [("hr", None), ("shop", None)]


def test_a_dry_run_writes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    found = traffic(workspace, log(tmp_path, "a", (0, "1", "/")), dry_run=True)
    assert found.written is None
    assert found.details["traffic"][0] == {"journey": None, "visits": 1.0, "page_views": 1.0}
    assert (
        rows(workspace, Application, "code")
        == rows(workspace, Traffic, "id")
        == rows(workspace, AuditEvent, "seq")
        == []
    )


def test_an_application_that_does_not_exist_is_refused_with_the_nearest(workspace: Workspace, tmp_path: Path) -> None:
    path = log(tmp_path, "a", (0, "1", "/"))
    traffic(workspace, path)
    with pytest.raises(UsageError, match="no application 'shopp'") as caught:
        traffic(workspace, path, application="shopp", create=False)
    assert "Did you mean 'shop'?" in caught.value.repair


@pytest.mark.parametrize("code", ["", " ", "a/b", "x" * 201, "a\nb", "a\x1b[2J"])
def test_what_is_no_code_makes_no_application(workspace: Workspace, tmp_path: Path, code: str) -> None:
    with pytest.raises(UsageError, match="code of the application is"):
        traffic(workspace, log(tmp_path, "a", (0, "1", "/")), application=code)
    assert rows(workspace, Application, "code") == []


@pytest.mark.parametrize("code", ["=cmd", "<b>", "🌿", "\u202eevil", "x" * 200, "'; DROP TABLE traffic; --"])
def test_hostile_codes_are_data(workspace: Workspace, tmp_path: Path, code: str) -> None:
    traffic(workspace, log(tmp_path, "a", (0, "1", "/")), application=code)
    assert rows(workspace, Application, "code") == [(code,)]
    assert len(rows(workspace, Traffic, "id")) == 2


def test_a_bad_file_among_good_ones_leaves_everything_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    good, bad = log(tmp_path, "a", (0, "1", "/")), log(tmp_path, "b", (0, "1", "/"), (400 * 24 * 60, "1", "/"))
    with pytest.raises(StorageError, match="of the future"):
        traffic(workspace, good, bad)
    assert rows(workspace, Traffic, "id") == rows(workspace, Application, "code") == []


def test_logs_and_tables_are_imported_apart(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("day,visits\n2026-11-02,5\n")
    with pytest.raises(UsageError, match=r"t\.csv is no access log"):
        traffic(workspace, log(tmp_path, "a", (0, "1", "/")), tmp_path / "t.csv")


def test_a_table_of_traffic_is_written(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("day,journey,visits,page_views\n2026-11-02,,5,\n2026-11-02,a/b,3,9\n")
    assert traffic(workspace, tmp_path / "t.csv").source == "csv"
    assert rows(workspace, Journey, "code") == [("a∕b",)]
    assert rows(workspace, Traffic, "visits", "page_views") == [(3.0, 9.0), (5.0, None)]


def test_visits_and_pages_of_matomo_live_side_by_side(workspace: Workspace, tmp_path: Path) -> None:
    """Two exports of one source: the application's visits, then its journeys, each again and again."""
    summary, pages = tmp_path / "visits.csv", tmp_path / "pages.csv"
    summary.write_text("date,nb_visits\n2026-11-02,10\n")
    pages.write_text("date,label,nb_visits,nb_hits\n2026-11-02,/apply/start,4,5\n")
    for path in (summary, pages, pages, summary):
        assert traffic(workspace, path).source == "matomo"
    assert rows(workspace, Traffic, "visits", "page_views") == [(10.0, None), (4.0, 5.0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("day,visits\n", "no line below its headings"),
        ("date,label,nb_hits\n2026-11-02,/help,1\n", "belongs to a journey"),
    ],
)
def test_a_table_that_tells_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        traffic(
            Workspace(load_settings(None, overrides={"server.store": f"sqlite:///{tmp_path}/s.db"})), tmp_path / "t.csv"
        )


def test_a_year_of_many_journeys_is_written_at_once(workspace: Workspace, tmp_path: Path) -> None:
    days = [date(2025, 11, 1) + timedelta(days=number) for number in range(365)]
    lines = [f"{day},{journey},{number},1" for number, day in enumerate(days) for journey in ("", "a", "b", "c")]
    (tmp_path / "t.csv").write_text("\n".join(["day,journey,visits,page_views", *lines]))
    for removed in (0, 4 * 365):
        found = traffic(workspace, tmp_path / "t.csv")
        assert found.written is not None
        assert (found.written.added, found.written.removed) == (4 * 365, removed)


COSTS: Final = (
    "month,application,amount,currency,kind\n"
    "2026-09,shop,10.10,EUR,cloud\n2026-10,shop,0.20,EUR,cloud\n2026-10,,5,USD,saas\n"
)  # fmt: skip


def order(folder: Path, text: str, **more: Any) -> TableOrder:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return TableOrder(path=path, **({"create": True} | more))


def test_costs_are_written_exactly_and_unallocated_ones_stay_so(workspace: Workspace, tmp_path: Path) -> None:
    found = import_costs(workspace, order(tmp_path, COSTS), on=NOW.date())
    assert (found.source, found.rows, found.applications, found.unallocated) == ("cost:table", 3, 1, 1)
    assert found.totals == {"EUR": Decimal("10.30"), "USD": Decimal(5)}
    ((shop,),) = rows(workspace, Application, "id")
    assert set(rows(workspace, Cost, "application_id", "period", "amount", "currency", "kind", "source")) == {
        (shop, date(2026, 9, 1), Decimal("10.100000"), "EUR", "cloud", "cost:table"),
        (shop, date(2026, 10, 1), Decimal("0.200000"), "EUR", "cloud", "cost:table"),
        (None, date(2026, 10, 1), Decimal(5), "USD", "saas", "cost:table"),
    }


def test_a_month_is_replaced_and_others_stay(workspace: Workspace, tmp_path: Path) -> None:
    import_costs(workspace, order(tmp_path, COSTS), on=NOW.date())
    found = import_costs(
        workspace, order(tmp_path, "month,application,amount,currency\n2026-10,shop,1,EUR\n"), on=NOW.date()
    )
    assert found.written is not None
    assert (found.written.added, found.written.removed) == (1, 2)
    assert [amount for (amount,) in rows(workspace, Cost, "amount")] == [Decimal(1), Decimal("10.1")]
    import_costs(workspace, order(tmp_path, COSTS, source="other"), on=NOW.date())
    assert len(rows(workspace, Cost, "id")) == 5


def test_values_are_written(workspace: Workspace, tmp_path: Path) -> None:
    text = "month,application,amount,currency,kind,owner,confidence,low,high\n2026-10,shop,500,EUR,revenue,Ann,0.8,400,700\n"
    import_values(workspace, order(tmp_path, text), on=NOW.date())
    import_values(workspace, order(tmp_path, text), on=NOW.date())
    assert rows(workspace, Value, "amount", "low", "high", "currency", "kind", "owner", "confidence", "source") == [
        (Decimal(500), Decimal(400), Decimal(700), "EUR", "revenue", "Ann", 0.8, "value:table")
    ]


def test_an_inventory_is_replaced_as_a_whole(workspace: Workspace, tmp_path: Path) -> None:
    import_inventory(
        workspace, order(tmp_path, "model,count,power_w,application\nR640,3,300,shop\nR740,1,,\n"), on=NOW.date()
    )
    found = import_inventory(workspace, order(tmp_path, "model,count,power_w\nR750,2,350\n"), on=NOW.date())
    assert found.details == {"machines": 2.0, "without_power": 0}
    assert found.written is not None
    assert found.written.removed == 2
    assert rows(workspace, Equipment, "model", "count", "power_w", "application_id", "kind") == [
        ("R750", 2.0, 350.0, None, "server")
    ]


Import = Callable[..., Imported]


@pytest.mark.parametrize("run", [import_costs, import_values, import_inventory])
@pytest.mark.parametrize("dry_run", [False, True])
def test_tables_name_applications_that_exist(workspace: Workspace, tmp_path: Path, run: Import, dry_run: bool) -> None:
    text = "month,application,amount,currency,model\n2026-10,shop,1,EUR,R640\n2026-10,hr,1,EUR,R640\n"
    with pytest.raises(UsageError, match="There are no applications 'hr', "):
        run(workspace, order(tmp_path, text, create=False, dry_run=dry_run), on=NOW.date())
    found = run(workspace, order(tmp_path, text, dry_run=dry_run), on=NOW.date())
    assert (found.written is None) is dry_run
    assert len(rows(workspace, Application, "code")) == (0 if dry_run else 2)


@pytest.mark.parametrize("run", [import_costs, import_values, import_inventory])
def test_a_table_of_headings_alone_is_refused(workspace: Workspace, tmp_path: Path, run: Import) -> None:
    with pytest.raises(StorageError, match="no line below its headings"):
        run(workspace, order(tmp_path, "month,application,amount,currency,model\n"), on=NOW.date())


@pytest.mark.parametrize("source", ["", " ", "x" * 201, "a\x1b[2J"])
def test_a_source_has_a_name(workspace: Workspace, tmp_path: Path, source: str) -> None:
    with pytest.raises(UsageError, match="--source"):
        import_costs(workspace, order(tmp_path, COSTS, source=source), on=NOW.date())
    with pytest.raises(UsageError, match="--source"):
        traffic(workspace, log(tmp_path, "a", (0, "1", "/")), source=source)


def test_a_file_may_be_called_anything(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "co\udce9ts\n=cmd.csv"
    path.write_text(COSTS)
    import_costs(workspace, TableOrder(path=path, create=True), on=NOW.date())
    assert {source for (source,) in rows(workspace, Cost, "source")} == {"cost:co\\udce9ts?=cmd"}


def call(folder: Path, *args: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(folder / "lichen.toml"), "import", *args], standalone_mode=False)


@pytest.mark.usefixtures("workspace")
def test_the_command_tells_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C")
    path = log(tmp_path, "a", (0, "1", "/apply/start"), (1, "1", "/x.css"))
    help_page = log(tmp_path, "b", (0, "1", "/help?q=x"), (0, "1", "/apply/start"))
    args = ("traffic", str(path), "--application", "shop", "--create")
    answer = call(tmp_path, *args, "--day-zone", "Europe/Paris")
    assert answer.stdout.splitlines() == [
        "source: access-log",
        "period: 2026-11-02",
        "rows: 2",
        "whole application: visits 1, page views 1",
        "apply: visits 1, page views 1",
        "lines read: 2",
        "other requests that are no page view: 1",
        "application made, without a team: shop",
        "written: 2 added, 0 removed",
    ]
    assert "toute l’application\u00a0: visites 1, pages vues 1" in call(tmp_path, *args, "--lang", "fr").stdout
    assert "page of no journey: /help (1)" in call(tmp_path, "traffic", str(help_page), *args[2:], "--dry-run").stdout
    document = json.loads(call(tmp_path, *args, "--json", "--dry-run").stdout)
    assert document["kind"] == "traffic"
    assert document["written"] is None
    assert document["traffic"] == [
        {"journey": None, "visits": 1.0, "page_views": 1.0}, {"journey": "apply", "visits": 1.0, "page_views": 1.0},
    ]  # fmt: skip


@pytest.mark.usefixtures("workspace")
def test_the_commands_for_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C")
    (tmp_path / "c.csv").write_text("mois;application;montant;devise\n2026-09;shop;1234,5;EUR\n2026-10;;1;EUR\n")
    (tmp_path / "i.csv").write_text("model,count\nR640,3\n", encoding="utf-8")
    assert call(tmp_path, "cost", str(tmp_path / "c.csv"), "--create", "--lang", "fr").stdout.splitlines() == [
        "source\u00a0: cost:c",
        "période\u00a0: du 2026-09 au 2026-10",
        "lignes\u00a0: 2",
        "total\u00a0: 1\u202f235,5 EUR",
        "lignes sans application, non affectées\u00a0: 1",
        "application créée, sans équipe\u00a0: shop",
        "écrit\u00a0: ajouts 2, retraits 0",
    ]
    assert call(tmp_path, "inventory", str(tmp_path / "i.csv"), "--dry-run").stdout.splitlines() == [
        "source: inventory:i", "rows: 1", "rows without an application, unallocated: 1", "machines: 3",
        "of them of unknown power: 3", "Nothing was written: --dry-run.",
    ]  # fmt: skip
    document = json.loads(call(tmp_path, "cost", str(tmp_path / "c.csv"), "--json").stdout)
    assert document["totals"] == {"EUR": "1235.5"}
    assert document["written"] == {"added": 2, "removed": 2, "applications_made": [], "shrunk_days": []}

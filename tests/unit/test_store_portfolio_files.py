# SPDX-License-Identifier: Apache-2.0
"""The portfolio as files: what is exported and imported again is the same, whatever it holds; a mistake changes nothing."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import delete, func, select

from lichen import nomenclature
from lichen.errors import StorageError, UsageError
from lichen.service.accounts import By
from lichen.service.portfolio_files import TABLES, Plan, export_portfolio, import_portfolio
from lichen.service.portfolio_files.kinds import split_cell
from lichen.service.portfolio_files.writing import rows_of, to_csv, to_toml
from lichen.store import Store, open_store
from lichen.store import models as m
from lichen.store.queries.portfolio import PortfolioRows

BY = By(actor="command:test", at=datetime(2026, 11, 22, tzinfo=UTC))
KNOWN = nomenclature.load([])

PORTFOLIO = """
[organisation]
name = "Fabrique"
internal_carbon_price = 100.50
base_year = 2025

[[team]]
code = "pay"
name = "Payments"

[[application]]
code = "portal"
team = "pay"
name = "Loan portal"
criticality = 3
tags = ["loans", "web"]

[[journey]]
application = "portal"
code = "sign-in"
name = "Sign in"
expected_saving = 0.2

[[weight]]
application = "portal"
weight = 2
valid_from = 2026-01-01

[[target]]
scope = "team"
of = "pay"
indicator = "gwp100"
base_year = 2025
horizon_year = 2030
reduction = 0.3
path = { "2027" = 0.1 }
valid_from = 2026-01-01
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(folder=tmp_path) as opened:
        yield opened


@pytest.fixture
def load(store: Store, tmp_path: Path) -> Callable[..., Plan]:
    """Imports a text as portfolio.toml, or under another name."""

    def call(text: str, name: str = "portfolio.toml", **options: Any) -> Plan:
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        return import_portfolio(store, [tmp_path / name], nomenclature=KNOWN, by=BY, **options)

    return call


def read(store: Store) -> dict[str, list[dict[str, Any]]]:
    with store.reading() as session:
        return rows_of(PortfolioRows(session).all())


# --- what an import does


def test_an_import_says_what_it_added_changed_and_left(load: Callable[..., Plan], store: Store) -> None:
    first = load(PORTFOLIO)
    assert [(change.shown, change.is_new) for change in first.changes] == [
        ("organisation", True), ("team pay", True), ("application portal", True), ("journey portal sign-in", True),
        ("weight portal 2026-01-01", True), ("target team pay gwp100 2026-01-01", True),
    ]  # fmt: skip
    second = load(
        '[[application]]\ncode = "portal"\ncriticality = 4\ntags = []\n[[application]]\ncode = "shop"\nname = "Shop"\n'
    )
    changed, added = second.changes
    assert (changed.shown, changed.before, changed.after) == (
        "application portal", {"criticality": 3, "tags": ["loans", "web"]}, {"criticality": 4, "tags": []},
    )  # fmt: skip
    assert added.is_new
    assert second.unchanged == {}
    assert second.left == {"organisation": 1, "team": 1, "journey": 1, "weight": 1, "target": 1}
    third = load('[[application]]\ncode = "portal"\ncriticality = 4\n')
    assert (third.changes, third.unchanged, third.left["application"]) == ([], {"application": 1}, 1)
    with store.reading() as session:
        portal = session.scalars(select(m.Application).where(m.Application.code == "portal")).one()
        assert (portal.name, portal.criticality, portal.tags) == ("Loan portal", 4, [])


def test_a_dry_run_tells_the_same_and_writes_nothing(load: Callable[..., Plan], store: Store) -> None:
    would = load(PORTFOLIO, dry_run=True)
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(m.Team)) == 0
    assert load(PORTFOLIO) == would


def test_what_is_left_out_stays_and_an_empty_text_empties(load: Callable[..., Plan], store: Store) -> None:
    load(PORTFOLIO)
    load('[[application]]\ncode = "portal"\nteam = ""\n')
    portal = next(row for row in read(store)["application"] if row["code"] == "portal")
    assert "team" not in portal
    assert portal["criticality"] == 3
    assert load("code,team,criticality\nportal,pay,\n", "application.csv").changes[0].after == {
        "team": "pay",
        "criticality": None,
    }


def test_every_change_is_in_the_audit_log(load: Callable[..., Plan], store: Store) -> None:
    load(PORTFOLIO)
    load('[[team]]\ncode = "pay"\nname = "Pay"\n')
    with store.reading() as session:
        events = session.execute(select(m.AuditEvent.actor, m.AuditEvent.action, m.AuditEvent.detail)).all()
    assert len(events) == 7
    assert events[-1] == ("command:test", "team.change", {"row": "team pay", "keys": ["name"]})


def test_money_and_path_arrive_exactly(load: Callable[..., Plan], store: Store) -> None:
    load(PORTFOLIO.replace("100.50", '"123456789012.123456"'))
    with store.reading() as session:
        assert session.scalars(select(m.Organisation.internal_carbon_price)).one() == Decimal("123456789012.123456")
        target = session.scalars(select(m.Target)).one()
        team = session.scalars(select(m.Team)).one()
    assert target.path == {"kind": "points", "points": {"2027": 0.1}}
    assert target.scope_id == team.id
    assert 'internal_carbon_price = "123456789012.123456"' in to_toml(read(store), "en")


def test_a_pipeline_tells_a_deployment_by_a_line(load: Callable[..., Plan], store: Store) -> None:
    load(PORTFOLIO)
    text = "application,at,version\nportal,2026-01-31T14:30:00+01:00,1.2\n"
    assert [change.is_new for change in load(text, "deployment.csv").changes] == [True]
    assert load(text.replace("14:30:00+01:00", "13:30:00Z"), "deployment.csv").changes == []
    with store.reading() as session:
        assert session.scalars(select(m.Deployment.at)).all() == [datetime(2026, 1, 31, 13, 30, tzinfo=UTC)]


# --- mistakes

WANTED_CODE = "Give one line of 1 to 200 characters, without '/', and not '.' or '..'."
TARGET = """\
[[target]]
scope = "SCOPE"
indicator = "INDICATOR"
base_year = 2025
horizon_year = HORIZON
reduction = 0.3
valid_from = 2026-01-01
"""


def target(scope: str, indicator: str, horizon: int) -> str:
    return TARGET.replace("SCOPE", scope).replace("INDICATOR", indicator).replace("HORIZON", f"{horizon}")


@pytest.mark.parametrize(
    ("text", "problem", "repair"),
    [
        ("[[aplication]]\n", "There is no table 'aplication' (FILE:1).", "Did you mean 'application'?"),
        ('[[team]]\ncode = "a"\nnmae = "A"\n', "There is no key 'team.nmae' (FILE:3).", "Did you mean 'name'?"),
        ('[[team]]\nname = "A"\n', "A team has no code (FILE:1).", "Add code."),
        ('[[team]]\ncode = "a"\n', "team a has no name (FILE:1).", "Add name."),
        ('[team]\ncode = "a"\n', "'team' is written otherwise than [[team]] (FILE:1).", "Write [[team]]."),
        ('[[team]]\ncode = "a/b"\nname = "A"\n', "code is 'a/b' (FILE:2).", WANTED_CODE),
        ('[[team]]\ncode = ".."\nname = "A"\n', "code is '..' (FILE:2).", WANTED_CODE),
        ('[[team]]\ncode = 7\nname = "A"\n', "code is '7' (FILE:2).", WANTED_CODE),
        (
            '[[team]]\ncode = "a"\nname = "A"\n[[team]]\ncode = "a"\nname = "B"\n',
            "team a stands twice (FILE:4).", "Keep one of them.",
        ),
        (
            '[[application]]\ncode = "x"\nname = "X"\ncriticality = 5\n',
            "criticality is '5' (FILE:4).", "Give a whole number from 1 to 4.",
        ),
        (
            '[[application]]\ncode = "x"\nname = "X"\nteam = "pya"\n',
            "There is no team 'pya' (FILE:1).", "Did you mean 'pay'?",
        ),
        (
            '[[application]]\ncode = "x"\nname = "X"\nperson_days_per_year = nan\n',
            "person_days_per_year is 'nan' (FILE:4).", "Give a number in person-days of 0 or more.",
        ),
        (
            '[[part]]\napplication = "portal"\ncode = "b"\nname = "B"\ntier = "devise"\n',
            "tier is 'devise' (FILE:5).", "Did you mean 'device'?",
        ),
        (
            target("team", "gwp100", 2030),
            "A target of the scope team lacks 'of' (FILE:1).",
            "Give the code of its team or application; the organisation has none.",
        ),
        (
            target("organisation", "gwp1OO", 2030),
            "Indicator 'gwp1OO' is not in the nomenclature (FILE:1).", "Did you mean 'gwp100'?",
        ),
        (
            target("organisation", "gwp100", 2020),
            "The horizon 2020 is not after the base year 2025 (FILE:1).", "Correct the target.",
        ),
        (
            '[[action]]\napplication = "portal"\ntitle = "x"\nstarted_on = 2026-01-01T10:00:00\n',
            "started_on is '2026-01-01 10:00:00' (FILE:4).", "Give a day such as 2026-01-31.",
        ),
        ('[[deployment]]\napplication = "portal"\nat = 2026-01-01T10:00:00\n', "at is '2026-01-01 10:00:00' (FILE:3).",
         "Give a moment with its zone, such as 2026-01-31T14:30:00+01:00."),
        ("[organisation]\ninternal_carbon_price = -1\n", "internal_carbon_price is '-1' (FILE:2).",
         "Give an amount of 0 or more with at most six decimals."),
        ('[organisation]\ncurrency = "euro"\n', "currency is 'euro' (FILE:2).", "Give a currency such as EUR (ISO 4217)."),
        ('team = "x"\n', "'team' is written otherwise than [[team]] (FILE:1).", "Write [[team]]."),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_changes_nothing(
    load: Callable[..., Plan], store: Store, tmp_path: Path, text: str, problem: str, repair: str
) -> None:
    load(PORTFOLIO)
    before = read(store)
    with pytest.raises(UsageError) as refusal:
        load(text if text.startswith(("[team]", "team")) else f'{text}\n[[team]]\ncode = "new"\nname = "New"\n')
    assert refusal.value.problem == problem.replace("FILE", str(tmp_path / "portfolio.toml"))
    assert refusal.value.repair == repair
    assert read(store) == before


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("team.csv", "code,name\na\n", "A row has 1 cells and the first line 2 (FILE:2)."),
        ("team.csv", "code,name,name\na,b,c\n", "FILE names a column twice."),
        ("team.csv", "code,nom\na,b\n", "There is no key 'team.nom' (FILE:1)."),
        ("team.csv", 'code,name\n"a,b\n', "FILE is not CSV: unexpected end of data (FILE:2)."),
        ("teams.csv", "code,name\n", "There is no table 'teams' (FILE)."),
        (
            "team.csv",
            f"code,name\na,{'x' * 200_000}\n",
            "FILE is not CSV: field larger than field limit (131072) (FILE:2).",
        ),
        ("weight.csv", "application,weight,valid_from\nx,0x10,2026-01-01\n", "weight is '0x10' (FILE:2)."),
        ("application.csv", f"code,name,users\nx,X,{'9' * 5000}\n", f"users is '{'9' * 60}…' (FILE:2)."),
        ("portfolio.xlsx", "PK", "FILE is neither TOML nor CSV."),
        ("portfolio.toml", "name = [1,\n", "FILE is not TOML:"),
    ],
)
def test_a_table_that_is_wrong_is_told_with_its_line(
    load: Callable[..., Plan], tmp_path: Path, name: str, text: str, problem: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        load(text, name)
    assert refusal.value.problem.startswith(problem.replace("FILE", str(tmp_path / name)))


def test_files_that_cannot_be_read(store: Store, tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('[organisation]\nname = "Société"\n'.encode("latin-1"))
    (tmp_path / "empty").mkdir()
    for name, said in (
        ("none.toml", "cannot be read"), ("latin.toml", "is not UTF-8 text (byte"), ("empty", "has no CSV file"),
        ("x\0.toml", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(StorageError) as refusal:
            import_portfolio(store, [tmp_path / name], nomenclature=KNOWN, by=BY)
        assert said in refusal.value.problem


@pytest.mark.parametrize("name", ["x" * 10_000, "two\nlines", "bell\a", "\u202eevil", ""])
def test_hostile_names_are_refused(load: Callable[..., Plan], name: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load(to_toml({"team": [{"code": "a", "name": name}]}, "en"))
    assert len(refusal.value.problem) < 400


def test_rows_that_are_called_the_same_are_told_apart_by_their_id(load: Callable[..., Plan], store: Store) -> None:
    load(PORTFOLIO)
    with store.session() as session:
        application = session.scalars(select(m.Application.id)).one()
        for status in ("planned", "done"):
            session.add(m.Action(id=f"{status}1", application_id=application, title="Smaller pictures", status=status))
    text = to_toml(read(store), "en")
    assert [row["id"] for row in tomllib.loads(text)["action"]] == ["done1", "planned1"]
    assert load(text).changes == []
    with pytest.raises(UsageError, match=r"action portal Smaller pictures could be any of 2 rows"):
        load('[[action]]\napplication = "portal"\ntitle = "Smaller pictures"\nstatus = "dropped"\n')


# --- spreadsheets


def test_no_cell_of_an_export_is_a_formula(load: Callable[..., Plan], store: Store, tmp_path: Path) -> None:
    hostile = ["=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "'quoted", "＝1+1"]
    load(to_toml({"team": [{"code": f"t{number}", "name": name} for number, name in enumerate(hostile)]}, "en"))
    export_portfolio(store, tmp_path / "csv")
    with (tmp_path / "csv" / "team.csv").open(encoding="utf-8", newline="") as file:
        cells = [row[1] for row in csv.reader(file)][1:]
    assert cells == [f"'{name}" for name in hostile]
    with open_store("sqlite:///other.db", folder=tmp_path) as other:
        import_portfolio(other, [tmp_path / "csv"], nomenclature=KNOWN, by=BY)
        assert [row["name"] for row in read(other)["team"]] == hostile


def test_a_french_spreadsheets_file_is_read(load: Callable[..., Plan], store: Store) -> None:
    load(PORTFOLIO)
    load("\ufeffapplication;weight;valid_from;reason\r\nportal;1,5;2026-02-01;Été\r\n", "weight.csv")
    assert read(store)["weight"][-1] == {
        "application": "portal", "weight": 1.5, "valid_from": date(2026, 2, 1), "reason": "Été",
    }  # fmt: skip
    with pytest.raises(UsageError, match=r"weight is '1,5'"):
        load('application,weight,valid_from\r\nportal,"1,5",2026-02-01\r\n', "weight.csv")


@given(some.lists(some.text(alphabet=";\\ab ").map(str.strip).filter(bool)))
def test_lists_in_a_cell_come_back(items: list[str]) -> None:
    rows = {"application": [{"code": "a", "name": "A", "tags": items}]}
    cells = list(csv.DictReader(io.StringIO(to_csv(rows)["application.csv"], newline="")))
    assert split_cell(cells[0]["tags"]) == items


# --- exports


def test_an_export_keeps_what_is_there_unless_told(load: Callable[..., Plan], store: Store, tmp_path: Path) -> None:
    load(PORTFOLIO)
    assert export_portfolio(store, tmp_path / "out.toml") == [tmp_path / "out.toml"]
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "team.csv").write_text("mine")
    for place in ("out.toml", "csv"):
        with pytest.raises(StorageError, match="exists already"):
            export_portfolio(store, tmp_path / place)
    assert [path.name for path in (tmp_path / "csv").iterdir()] == ["team.csv"]
    export_portfolio(store, tmp_path / "csv", force=True)
    assert (tmp_path / "csv" / "team.csv").read_text(encoding="utf-8").startswith("code,name")


STEERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def test_an_export_is_in_one_order_whatever_the_order_of_writing(load: Callable[..., Plan], store: Store) -> None:
    load(PORTFOLIO)
    with store.session() as session:
        application = session.scalars(select(m.Application.id)).one()
        for title, started in (("b", None), ("a", date(2026, 2, 1)), ("É", date(2026, 1, 1)), ("B", None)):
            session.add(m.Action(application_id=application, title=title, started_on=started))
    assert [row["title"] for row in read(store)["action"]] == ["B", "b", "É", "a"]


LINE = (
    some.text(some.characters(exclude_categories=("Cc", "Cs"), exclude_characters=STEERING), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
CODE = some.text(
    some.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/"), min_size=1, max_size=8
).filter(str.strip)
SHARE = some.floats(0, 1)
MOMENT = some.datetimes(datetime(1971, 1, 1), datetime(2199, 12, 31), timezones=some.just(UTC))  # noqa: DTZ001
DAY = some.dates(date(1970, 1, 1), date(2200, 12, 31))


@some.composite
def portfolios(draw: some.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Rows as a store may hold them, in the vocabulary of files; unset keys are absent."""

    def some_of(required: dict[str, Any], **optional: some.SearchStrategy[Any]) -> dict[str, Any]:
        return required | {key: draw(kind) for key, kind in optional.items() if draw(some.booleans())}

    teams = draw(some.lists(CODE, max_size=3, unique=True))
    codes = draw(some.lists(CODE, min_size=1, max_size=3, unique=True))
    first, last = codes[0], codes[-1]
    prose = LINE.map(lambda text: f"{text}\n\t{text}")
    value = some.floats(0, 1e300)
    in_team = {"team": some.sampled_from(teams)} if teams else {}
    return {
        "organisation": [
            some_of(
                {"currency": "CHF"}, name=LINE, base_year=some.integers(1970, 2200),
                internal_carbon_price=some.decimals(0, 10**12 - 1, places=6),
            )
        ],
        "team": [some_of({"code": code, "name": draw(LINE)}, contact=LINE, slack_channel=LINE) for code in teams],
        "application": [
            some_of(
                {"code": code, "name": draw(LINE)}, criticality=some.integers(1, 4), person_days_per_year=value,
                tags=some.lists(LINE, max_size=3), description=prose, users=some.integers(0, 10**10), **in_team,
            )
            for code in codes
        ],
        "journey": [
            some_of({"application": first, "code": code, "name": draw(LINE)}, expected_saving=SHARE) for code in codes
        ],
        "deployment": [
            some_of({"application": last, "at": at}, version=LINE, environment=LINE)
            for at in draw(some.lists(MOMENT, max_size=2, unique=True))
        ],
        "weight": [
            some_of({"application": last, "weight": draw(value), "valid_from": day}, reason=LINE)
            for day in draw(some.lists(DAY, max_size=2, unique=True))
        ],
        "budget": [
            some_of(
                {
                    "application": first, "what": what, "per": per, "limit": draw(value), "unit": unit,
                    "valid_from": date(2026, 1, 1),
                },
                reason=LINE, journey=some.sampled_from(codes), valid_to=some.dates(date(2026, 1, 1), date(2200, 12, 31)),
            )
            for what, per, unit in (("gwp100", "month", "gCO2e"), ("network_bytes", "visit", "B"))
        ],
        "target": [
            {
                "scope": "application", "of": first, "indicator": "gwp100", "base_year": 2000, "horizon_year": 2030,
                "reduction": draw(SHARE), "path": draw(some.sampled_from(["linear", {"2010": 0.1, "2020": 0.25}])),
                "valid_from": draw(DAY),
            },
            {
                "scope": "organisation", "indicator": "energy", "base_year": 2000, "horizon_year": 2001, "reduction": 0.5,
                "path": "linear", "valid_from": draw(DAY), "base_value": draw(value),
            },
        ],
        "action": [
            some_of(
                {"application": first, "title": draw(LINE), "status": "done"}, tags=some.lists(LINE, max_size=2), done_on=DAY,
                after_value=value,
            )
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def two_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    folder = tmp_path_factory.mktemp("round")
    with open_store("sqlite:///one.db", folder=folder) as one, open_store("sqlite:///two.db", folder=folder) as two:
        yield one, two


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(portfolios(), some.sampled_from(["toml", "csv"]))
def test_what_is_exported_and_imported_again_is_the_same(
    two_stores: tuple[Store, Store],
    tmp_path_factory: pytest.TempPathFactory,
    rows: dict[str, list[dict[str, Any]]],
    kind: str,
) -> None:
    one, two = two_stores
    for store in two_stores:
        with store.session() as session:
            for model in (m.Target, m.Action, m.Application, m.Team, m.Organisation):
                session.execute(delete(model))
    with one.session() as session:
        writer = PortfolioRows(session)
        for table in TABLES:
            for row in rows.get(table, ()):
                writer.write(table, None, row)
    written = read(one)
    out = tmp_path_factory.mktemp("out") / ("out.toml" if kind == "toml" else "out")
    files = export_portfolio(one, out)
    import_portfolio(two, files, nomenclature=KNOWN, by=BY)
    assert read(two) == written
    assert import_portfolio(one, files, nomenclature=KNOWN, by=BY).changes == []


def test_the_source_of_a_tier_is_declared_in_a_file_and_comes_back(load: Callable[..., Plan], store: Store) -> None:
    load('[[application]]\ncode = "portal"\nname = "Portal"\n')
    written = '[[tier_source]]\napplication = "portal"\ntier = "server"\nsource = "meter"\nvalid_from = 2026-01-01\n'
    assert [change.shown for change in load(written).changes] == ["tier_source portal server 2026-01-01"]
    assert load(written).changes == []
    assert read(store)["tier_source"] == [
        {"application": "portal", "tier": "server", "source": "meter", "valid_from": date(2026, 1, 1)}
    ]
    with pytest.raises(UsageError, match="source is 'guess'"):
        load(written.replace("meter", "guess"))


BUDGETS = (
    PORTFOLIO
    + """
[[budget]]
application = "portal"
journey = "sign-in"
what = "network_bytes"
per = "visit"
limit = 1000000
unit = "B"
reason = "mobile users"
valid_from = 2026-01-01
valid_to = 2026-12-31
[[budget]]
application = "portal"
what = "gwp100"
per = "month"
limit = 2500.5
unit = "gCO2e"
valid_from = 2026-01-01
"""
)


def test_budgets_of_production_are_declared_in_a_file_and_come_back(load: Callable[..., Plan], store: Store) -> None:
    made = load(BUDGETS)
    assert [change.shown for change in made.changes if change.table == "budget"] == [
        "budget portal sign-in network_bytes visit 2026-01-01", "budget portal gwp100 month 2026-01-01",
    ]  # fmt: skip
    assert load(BUDGETS).changes == []
    with store.reading() as session:
        journey = session.scalars(select(m.Journey.id)).one()
        rows = session.scalars(select(m.Budget).order_by(m.Budget.limit_value)).all()
        told = session.scalars(select(m.AuditEvent.detail).where(m.AuditEvent.action == "budget.add")).all()
    assert [
        (row.journey_id, row.indicator_or_quantity, row.per, row.limit_value, row.unit, row.valid_to) for row in rows
    ] == [
        (None, "gwp100", "month", 2500.5, "gCO2e", None),
        (journey, "network_bytes", "visit", 1e6, "B", date(2026, 12, 31)),
    ]
    assert {one["row"] for one in told} == {change.shown for change in made.changes if change.table == "budget"}
    (change,) = load(BUDGETS.replace("2500.5", "2000")).changes
    assert (change.shown, change.before, change.after) == (
        "budget portal gwp100 month 2026-01-01", {"limit": 2500.5}, {"limit": 2000.0},
    )  # fmt: skip
    assert [row["limit"] for row in read(store)["budget"]] == [2000.0, 1e6]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('journey = "sign-in"', 'journey = "sign-up"', "portal has no journey 'sign-up'"),
        ('what = "network_bytes"', 'what = "network_byte"', "A visit has no budget of 'network_byte'"),
        ('what = "gwp100"', 'what = "network_bytes"', "A month has no budget of 'network_bytes'"),
        ('unit = "B"', 'unit = "MB"', "A budget of network_bytes is not in MB"),
        ("valid_to = 2026-12-31", "valid_to = 2025-12-31", "ends before it begins"),
        ("limit = 2500.5\n", "", "has no limit"),
        ("limit = 2500.5", "limit = -1", "limit is '-1'"),
        ('per = "month"', 'per = "week"', "per is 'week'"),
        ('per = "month"', "max = 3", "There is no key 'budget.max'"),
    ],
)
def test_a_wrong_budget_is_told_with_its_line(
    load: Callable[..., Plan], store: Store, old: str, new: str, problem: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        load(BUDGETS.replace(old, new))
    assert problem in refusal.value.problem
    assert "portfolio.toml:" in refusal.value.problem
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(m.Budget)) == 0

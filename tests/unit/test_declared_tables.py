# SPDX-License-Identifier: Apache-2.0
"""Tables that people save: traffic, cost, value, inventory; ways of writing a number and a date, mistakes with their lines."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lichen.collect.declared import table as tables
from lichen.collect.declared.inventory import EquipmentRow, read_inventory
from lichen.collect.declared.money import CostRow, ValueRow, read_costs, read_values
from lichen.collect.declared.table import Column, read_table
from lichen.collect.traffic import DayRow, JourneyRule, Pages
from lichen.collect.traffic.tables import MATOMO, TABLE, read_tables
from lichen.errors import LichenError, StorageError

TODAY: Final = date(2026, 11, 22)


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


COST: Final = "month,application,amount,currency,kind\n"


def test_costs_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path, f"{COST}2026-10,shop,1234.56,EUR,cloud\n\n2026-10-31,,-5,usd,\n")
    assert read_costs(path, TODAY) == (
        CostRow(application="shop", period=date(2026, 10, 1), amount=Decimal("1234.56"), currency="EUR", kind="cloud", line=2),
        CostRow(application=None, period=date(2026, 10, 1), amount=Decimal(-5), currency="USD", kind="cost", line=4),
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_french_spreadsheet(tmp_path: Path, encoding: str) -> None:
    text = "Nature;Mois;Application;Montant;Devise\r\nHébergement;10/2026;prêt;1 234,56;€\r\nSaaS;01/09/2026;prêt;1.000,5;EUR\r\n"
    path = write(tmp_path, text, encoding)
    first, second = read_costs(path, TODAY)
    assert (first.kind, first.application, first.period) == ("Hébergement", "prêt", date(2026, 10, 1))
    assert (first.amount, first.currency) == (Decimal("1234.56"), "EUR")
    assert (second.amount, second.period) == (Decimal("1000.5"), date(2026, 9, 1))


def test_a_packed_table_and_one_with_tabs(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress((COST + "2026-10,shop,1,EUR,x").replace(",", "\t").encode()))
    (row,) = read_costs(path, TODAY)
    assert (row.application, row.amount) == ("shop", 1)


@pytest.mark.parametrize(
    ("text", "separator", "number"),
    [
        ("1234.5", ",", "1234.5"),
        ("1,234.5", ",", "1234.5"),
        ("12,5", ",", "12.5"),
        ("1234,567", ",", "1234.567"),
        ("1234,5", ";", "1234.5"),
        ("1,234", ";", "1.234"),
        ("1.234,5", ";", "1234.5"),
        ("1\u202f234,5", ";", "1234.5"),
        ("1'234.5", ";", "1234.5"),
        ("-.5", ",", "-0.5"),
        ("+7", ",", "7"),
    ],
)
def test_numbers_as_they_are_written(tmp_path: Path, text: str, separator: str, number: str) -> None:
    path = write(tmp_path, f'x{separator}a\n1{separator}"{text}"\n')
    (row,) = read_table(path, [Column(name="a", required=True)], "a table")
    assert row.decimal("a") == Decimal(number)


@pytest.mark.parametrize("text", ["NaN", "inf", "1e9", "0x10", "1,234", "12 €", "--5", "1.2.3", "٣", "9" * 40, "5%"])
def test_what_is_no_number_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, f'x,a\n1,"{text}"\n')
    (row,) = read_table(path, [Column(name="a", required=True)], "a table")
    with pytest.raises(StorageError, match=r"a is '.*\(.*table\.csv:2\)"):
        row.decimal("a")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-12,shop,1,EUR,x", "2026-12, which is to come"),
        ("2026-13,shop,1,EUR,x", "in no calendar"),
        ("1026-01,shop,1,EUR,x", "'1026-01'"),
        ("yesterday,shop,1,EUR,x", "not a date"),
        ("10/11/2026,shop,1,EUR,x", "not a date"),
        (",shop,1,EUR,x", "month is empty"),
        ("2026-10,shop,,EUR,x", "amount is empty"),
        ("2026-10,shop,1234,56,EUR,x", "6 cells and the first line 5"),
        ("2026-10,shop,NaN,EUR,x", "not a number"),
        ("2026-10,shop,1000000000000,EUR,x", "below 1,000,000,000,000"),
        ("2026-10,shop,0.1234567,EUR,x", "6 decimals"),
        ("2026-10,shop,1,,x", "currency is empty"),
        ("2026-10,shop,1,$,x", "currency is"),
        ("2026-10,shop,1,EURO,x", "currency is"),
        (f"2026-10,{'x' * 10_000},1,EUR,x", "10000 characters"),
        ('2026-10,"a\nb",1,EUR,x', "control character"),
        ("2026-10,a\x1b[31m,1,EUR,x", "control character"),
    ],
)
def test_a_wrong_line_is_refused_with_its_place(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path, f"{COST}2026-10,shop,1,EUR,x\n{line}\n")
    with pytest.raises(StorageError) as caught:
        read_costs(path, TODAY)
    assert said in caught.value.sentence()
    assert caught.value.culprit.startswith(f"{path}:3") or "\n" in line


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "\u202eevil", "🌿 prêt", "@everyone", "' OR 1=1 --"]
)
def test_hostile_names_are_kept_as_data(tmp_path: Path, name: str) -> None:
    (row,) = read_costs(write(tmp_path, f'{COST}2026-10,"{name}",1,EUR,"{name}"\n'), TODAY)
    assert (row.application, row.kind) == (name, name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no column month"),
        ("a,b\n1,2\n", "no column month and no column application"),
        ("month,mois,application,amount,currency\n", "two columns for month: 'month' and 'mois'"),
        (COST + '2026-10,"shop,1,EUR,x\n', "cannot be read here"),
        (",".join(["x"] * 5000) + "\n", "5000 columns"),
        ("a\0b,c\n", "is no text"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(StorageError, match=said):
        read_costs(write(tmp_path, content), TODAY)


def test_a_table_too_large_packed_or_not_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_BYTES", 1 << 20)
    (tmp_path / "a").write_bytes(gzip.compress(b"\0" * (1 << 26)))
    (tmp_path / "b").write_bytes(b"x" * ((1 << 20) + 1))
    for name in "ab":
        with pytest.raises(StorageError, match="more than 1 MiB"):
            read_costs(tmp_path / name, TODAY)


VALUE: Final = "month,application,amount,currency,kind,owner,confidence,low,high\n"


def test_values_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path, f"{VALUE}2026-10,shop,500,EUR,revenue,Ann,0.8,400,700\n2026-10,hr,3,EUR,,,,,\n")
    assert read_values(path, TODAY) == (
        ValueRow(
            application="shop", period=date(2026, 10, 1), amount=Decimal(500), low=Decimal(400), high=Decimal(700),
            currency="EUR", kind="revenue", owner="Ann", confidence=0.8, line=2,
        ),
        ValueRow(
            application="hr", period=date(2026, 10, 1), amount=Decimal(3), low=None, high=None, currency="EUR", kind="value",
            owner=None, confidence=None, line=3,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-10,,5,EUR,,,,,", "application is empty"),
        ("2026-10,shop,-5,EUR,,,,,", "amount is -5"),
        ("2026-10,shop,5,EUR,,,1.2,,", "confidence is 1.2"),
        ("2026-10,shop,5,EUR,,,-0.1,,", "confidence is -0.1"),
        ("2026-10,shop,5,EUR,,,,6,", "not between"),
        ("2026-10,shop,5,EUR,,,,,4", "not between"),
    ],
)
def test_a_wrong_value_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(StorageError, match=said):
        read_values(write(tmp_path, f"{VALUE}{line}\n"), TODAY)


G4IT: Final = (
    "nomEquipementPhysique;nomEntite;nomSourceDonnee;modele;quantite;type;statut;nbJourUtiliseAn;paysDUtilisation;utilisateur;"
    "dateAchat;dateRetrait;nbCoeur;nomCourtDatacenter;goTelecharge;consoElecAnnuelle;fabricant;tailleDuDisque;tailleMemoire;"
    "typeDeProcesseur\n"
)


def test_an_inventory_of_g4it(tmp_path: Path) -> None:
    """2,190 kWh a year are 250 W."""
    line = (
        "srv-1;ACME;cmdb;R640;3;Server;In use;365;France;;2021-05-01;2027-05-01;16;dc1;0;2190,0;Dell;480;64;Xeon 6130\n"
    )
    assert read_inventory(write(tmp_path, G4IT + line), TODAY) == (
        EquipmentRow(
            application=None, environment=None, kind="Server", model="R640", count=3.0, power_w=250.0, cpu="Xeon 6130",
            memory_gb=None, bought_on=date(2021, 5, 1), written_off_on=date(2027, 5, 1), region="France", line=2,
        ),
    )  # fmt: skip


def test_an_inventory_of_our_own(tmp_path: Path) -> None:
    text = "application,environment,model,power_w,energy_kwh_per_year,memory_gb\nshop,production,R640,300,2190,64\n,,R740,,,\n"
    first, second = read_inventory(write(tmp_path, text), TODAY)
    assert (first.power_w, first.memory_gb, first.application, first.environment) == (300.0, 64.0, "shop", "production")
    assert (second.power_w, second.count, second.kind) == (None, 1.0, "server")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("R640,-1,,,", "count is -1"),
        ("R640,1,-5,,", "power_w is -5"),
        ("R640,1,nan,,", "not a number"),
        (",1,5,,", "model is empty"),
        ("R640,1,5,2027-01-01,", "bought_on is 2027-01-01, which is to come"),
        ("R640,1,5,2022-01-01,2021-01-01", "before bought_on"),
    ],
)
def test_a_wrong_machine_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(StorageError, match=said):
        read_inventory(write(tmp_path, f"model,count,power_w,bought_on,written_off_on\n{line}\n"), TODAY)


def traffic(folder: Path, text: str, *, encoding: str = "utf-8", **rule: Any) -> Any:
    journeys = [JourneyRule(name="apply", **({"paths": ("/apply/**",), "start": "/apply/start"} | rule))]
    return read_tables([write(folder, text, encoding)], Pages(journeys), TODAY)


def test_a_plain_table_of_traffic(tmp_path: Path) -> None:
    found = traffic(tmp_path, "day,journey,visits,page_views\n2026-11-02,,10,\n2026-11-02,apply,4,9\n2026-11-01,,0,0\n")
    assert found.source == TABLE
    assert found.rows == (
        DayRow(day=date(2026, 11, 1), journey=None, visits=0.0, page_views=0.0),
        DayRow(day=date(2026, 11, 2), journey=None, visits=10.0, page_views=None),
        DayRow(day=date(2026, 11, 2), journey="apply", visits=4.0, page_views=9.0),
    )


@pytest.mark.parametrize(
    "text",
    [
        "date,nb_uniq_visitors,nb_users,nb_visits,nb_actions,nb_pageviews\n2026-11-02,8,0,10,31,30\n",
        "Date,Unique visitors,Users,Visits,Actions,Pageviews\n2026-11-02,8,0,10,31,30\n",
        "Date,Visiteurs uniques,Utilisateurs,Visites,Actions,Vues de page\n2026-11-02,8,0,10,31,30\n",
        "Date;Visiteurs uniques;Visites;Pages vues\n02/11/2026;8;10;30\n",
    ],
)
def test_exports_of_matomo_in_both_languages(tmp_path: Path, text: str) -> None:
    """As Matomo writes them: UTF-16. Actions, which count downloads too, are no page views."""
    found = traffic(tmp_path, text, encoding="utf-16")
    assert found.source == MATOMO
    assert found.rows == (DayRow(day=date(2026, 11, 2), journey=None, visits=10.0, page_views=30.0, users=8.0),)


PAGES: Final = (
    "Date,Page URL,Unique Pageviews,Pageviews\n"
    "2026-11-02,apply/start,5,6\n2026-11-02,https://example.org/apply/amount?x=1,4,9\n2026-11-02,/other,50,60\n2026-11-03,/other,1,1\n"
)


def test_a_report_by_page_tells_journeys(tmp_path: Path) -> None:
    found = traffic(tmp_path, PAGES)
    assert [(row.day.day, row.journey, row.visits, row.page_views) for row in found.rows] == [
        (2, "apply", 5, 15), (3, "apply", 0, 0),
    ]  # fmt: skip
    assert (found.source, found.unmatched, found.unknown_visits) == (MATOMO, 2, 0)


def test_a_french_report_by_page(tmp_path: Path) -> None:
    found = traffic(tmp_path, "Date,Nom,Vues,Vues uniques\n2026-11-02,/apply/start,6,5\n", encoding="utf-16")
    assert found.source == MATOMO
    assert [(row.visits, row.page_views) for row in found.rows] == [(5, 6)]


def test_visits_of_several_starting_pages_cannot_be_added(tmp_path: Path) -> None:
    found = traffic(tmp_path, PAGES, start=None)
    assert [(row.visits, row.page_views) for row in found.rows] == [(None, 15), (0, 0)]
    assert found.unknown_visits == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-11-24,,1,1", "which is to come"),
        ("2026-11-02,,-1,1", "visits is -1"),
        ("2026-11-02,,nan,1", "not a number"),
        ("2026-11-02,,1e400,1", "not a number"),
        ("2026-11-02,,9999999999999,1", "visits is 9999999999999"),
        ("2026-11-02,,,", "neither visits nor page views"),
        (",,1,1", "day is empty"),
        ("2026-11-01,,1,1", "stands in line 2 already"),
    ],
)
def test_a_wrong_day_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(StorageError, match=said):
        traffic(tmp_path, f"day,journey,visits,page_views\n2026-11-01,,1,1\n{line}\n")


READERS: Final[list[Callable[[Path, date], Any]]] = [
    read_costs,
    read_values,
    read_inventory,
    lambda path, today: read_tables([path], Pages([JourneyRule(name="a", paths=("**",))]), today),
]
HEADS: Final = [COST, VALUE, G4IT, "day,visits,page\n", ""]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(READERS),
    st.sampled_from(HEADS),
    st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)),
)
def test_no_bytes_break_a_reader(
    tmp_path: Path, reader: Callable[[Path, date], Any], head: str, content: bytes
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(head.encode() + content)
    try:
        found = reader(path, TODAY)
    except LichenError as error:
        told = error
        assert "\n" not in told.problem.replace(str(path), "")
    else:
        assert found is not None

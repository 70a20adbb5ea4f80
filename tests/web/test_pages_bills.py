# SPDX-License-Identifier: Apache-2.0
"""Pages of bills: what they show, in both languages, and that no bill makes one heavy or runs on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.bill_support import cost, vcpu, write
from tests.carbon_support import aws, write_csv
from tests.web.access_support import World, world
from tests.web.test_pages_more import ELEMENTS_MAX, HOSTILE

from lichen.collect.bills.meter import Reason
from lichen.outputs.web.pages.footprint import weigh
from lichen.outputs.web.pages.rendering import ASSETS, CHART
from lichen.service.bills.carbon import import_carbon
from lichen.store.models import Application

DAY = date(2026, 10, 3)
MONTH, YEAR = {"period": "2026-10"}, {"period": "2026"}


def crowd(here: World, folder: Path) -> None:
    """All that a page of bills could show: applications, services, reasons, currencies, providers' figures, hostile names."""
    names = [f"a{number}" for number in range(40)]
    with here.context.store.session() as session:
        session.add_all(Application(code=name, name=f"{HOSTILE}{name}") for name in names)
    rows: list[dict[str, Any]] = []
    for name in names:
        rows += [vcpu(name, DAY, 24), cost(name, DAY, "5"), cost(name, DAY, "7", currency="USD")]
    for number in range(14):
        place: dict[str, Any] = {
            "service": f"{HOSTILE}{number}",
            "region": ("aws:eu-west-3", "aws:us-east-1", None)[number % 3],
        }
        rows += [vcpu("a1", DAY, 24 + number, **place), cost("a1", DAY, f"{number + 1}", **place)]
    for number, region in enumerate(("aws:eu-west-1", "aws:eu-central-1", "aws:ap-south-1", "aws:ca-central-1")):
        rows += [vcpu("a1", DAY, 5, region=region, resource=f"r{number}"), cost("a1", DAY, "2", region=region)]
    for number, reason in enumerate(Reason):
        rows.append(cost("a1", DAY, f"{number + 2}", coverage=str(reason), service=f"other {number % 2}"))
    rows += [vcpu("", DAY, 3), cost("", DAY, "4")]
    for month in range(1, 10):
        rows += [vcpu("a1", date(2026, month, 5), 30), cost("a1", date(2026, month, 5), "9")]
    write(here.context, rows, first=date(2026, 1, 1))
    said = [
        aws(
            usage_account_id="1", product_code=code, usage_period_start=f"2026-{month:02}-01T00:00:00Z",
            usage_period_end=f"2026-{month + 1:02}-01T00:00:00Z",
        )
        for month in range(1, 11) for code in ("AmazonEC2", "AmazonQuantum")
    ]  # fmt: skip
    import_carbon(here.context.workspace, [str(write_csv(folder / "aws.csv", said))])
    for month in range(5, 11):
        manifest = {
            "source": "bill:aws", "period": f"2026-{month:02}-01", "files": [{"name": HOSTILE}] * 3, "lines": 1200 + month,
            "imported_at": "2026-11-03T10:00:00Z",
            "doubts": {"method": "ccf-2024", "figures": [
                {"guard": guard, "platform": "aws:s3", "region": region, "value": 3e-12, "low": 0.3, "high": 40.0, "unit": "W/TB"}
                for guard, region in (("storage_power", "aws:eu-west-3"), ("storage_power", "aws:us-east-1"), ("of_tomorrow", ""))
            ]},
        }  # fmt: skip
        here.context.ledger.documents.put(f"bills/bill:aws/2026-{month:02}-01", manifest)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as found:
        yield found


@pytest.fixture
def billed(here: World, tmp_path: Path) -> World:
    crowd(here, tmp_path)
    return here


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_no_bill_makes_a_page_heavy_or_runs_on_it(billed: World, lang: str) -> None:
    browser = billed.browser("admin")
    pages = ("/bills", ASSETS, MONTH), ("/bills", ASSETS, YEAR), ("/applications/a1/bill", CHART, MONTH)
    for path, assets, period in (*pages, ("/explain?level=bill&ref=a1", ASSETS, MONTH)):
        html = browser.get(path, params={**period, "lang": lang}).text
        assert "<b onclick" not in html, path
        assert "\u202e" not in html, path
        assert "style=" not in html, path
        weight = weigh(html, assets)
        assert weight.elements <= ELEMENTS_MAX, (path, weight.elements)
        assert weight.transfer_bytes <= 100_000, path
        assert "EcoIndex" in html
        assert "(A)" in html, (path, weight)


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        (
            "en",
            (
                "Bills",
                "nobody",
                "no rule knows this service",
                "never added",
                "Next ›",
                "What the provider says itself",
                "what the bill alone has",
                "October 2026: 1,210 lines, in an import of 3 files",
                "2 more were imported",
            ),
        ),
        (
            "fr",
            (
                "Factures",
                "personne",
                "aucune règle ne connaît ce service",
                "ne s’additionnent jamais",
                "Suivante ›",
                "Ce que dit le fournisseur lui-même",
                "2 autres ont été importées",
            ),
        ),
    ],
)
def test_the_page_of_all_bills(billed: World, lang: str, told: tuple[str, ...]) -> None:
    browser = billed.browser("admin")
    html = browser.get("/bills", params={**MONTH, "lang": lang}).text
    for text in told:
        assert text in html, text
    twin = browser.get("/bills.json", params=MONTH).json()
    assert (twin["page"]["rows"], len(twin["rows"])) == (40, 25)
    assert twin["unallocated"]["costs"] == [
        {"amount": "4", "currency": "EUR", "low": None, "high": None, "missing": ""}
    ]
    assert {row["reason"] for row in twin["uncovered"]} == {str(reason) for reason in Reason}
    (said,) = twin["reconciled"]
    assert (said["provider"], said["month"], said["theirs"]) == ("aws", "2026-10", 190)
    assert (twin["imports_told"], twin["imports"][0]["lines"], twin["imports"][0]["files"]) == (6, 1210, 3)
    assert [(one["guard"], one["region"]) for one in twin["imports"][0]["doubts"]] == [
        ("storage_power", "aws:eu-west-3"), ("storage_power", "aws:us-east-1"),
    ]  # fmt: skip
    # Six imports with it in two regions each: it is one sentence.
    assert html.count("ccf-2024" + (": aws:s3" if lang == "en" else "\u00a0: aws:s3")) == 1
    year = browser.get("/bills", params={**YEAR, "lang": lang}).text
    assert ("7 more are in the JSON" if lang == "en" else "7 lignes de plus sont dans le JSON") in year
    second = browser.get("/bills.json", params={**MONTH, "page": 2}).json()
    assert len(second["rows"]) == 15


def test_a_page_without_a_bill_says_what_to_do(here: World) -> None:
    for lang in ("en", "fr"):
        for path in ("/bills", "/applications/app-ours/bill"):
            assert "lichen import bills" in here.browser("admin").get(path, params={"lang": lang}).text


def test_strangers_see_no_bill(billed: World) -> None:
    stranger = billed.browser("stranger")
    assert stranger.get("/applications/a1/bill").status_code == 404
    assert stranger.get("/bills.json", params=MONTH).json()["rows"] == []
    assert stranger.get("/bills.json", params=MONTH).json()["unallocated"] is None
    assert stranger.get("/bills.json", params=MONTH).json()["spent"] == []
    assert stranger.get("/bills.json", params=MONTH).json()["reconciled"] == []

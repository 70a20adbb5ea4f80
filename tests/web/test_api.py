# SPDX-License-Identifier: Apache-2.0
"""The reading API on the sample portfolio: shapes as described, lists to their end, formats that agree, foreign things unseen."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient
from tests import board_support as support
from tests.web.server_support import HOST, token

from lichen.outputs.web.api import answers
from lichen.outputs.web.app import create_app
from lichen.outputs.web.context import WebContext
from lichen.service import sample
from lichen.service.board import bill_views, figures, views
from lichen.service.context import ServiceContext
from lichen.store.queries.board import applications

CODE = "sample-loan-application"
BILLED = "sample-guarantee-desk"


def web_of(found: ServiceContext) -> WebContext:
    return WebContext(
        store=found.store, ledger=found.ledger, workspace=found.workspace, base_url=HOST, clock=found.clock
    )


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceContext]:
    with support.sample_board(tmp_path_factory.mktemp("sample")) as found:
        yield found


@pytest.fixture(scope="module")
def api(board: ServiceContext) -> Iterator[TestClient]:
    web = web_of(board)
    with TestClient(create_app(web), base_url=HOST, headers={"authorization": f"Bearer {token(web, 'read')}"}) as made:
        yield made


def get(api: TestClient, path: str, **parameters: Any) -> Any:
    found = api.get(f"/api/v1{path}", params=parameters)
    assert found.status_code == 200, found.text
    return found.json()


def every(api: TestClient, path: str, limit: int, **parameters: Any) -> list[Any]:
    items: list[Any] = []
    cursor = None
    while True:
        page = get(api, path, limit=limit, **parameters, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items
        assert page["items"]


@pytest.mark.parametrize(
    ("path", "view"),
    [
        ("/portfolio", views.PortfolioView),
        (f"/applications/{CODE}", views.ApplicationView),
        (f"/applications/{CODE}/journeys/apply", views.JourneyView),
        ("/teams/sample-loans", views.TeamView),
        ("/targets", views.TargetsView),
        ("/measure-next", views.MeasureNextView),
        ("/actions", views.ActionsView),
        ("/quality", views.QualityView),
        ("/methods", views.FactorsMethodsView),
        ("/timeseries", views.SeriesView),
        ("/bills", bill_views.BillsView),
        (f"/applications/{BILLED}/bill", bill_views.ApplicationBillView),
        (f"/explain?level=bill&ref={BILLED}", views.ExplainView),
        ("/explain", views.ExplainView),
        (f"/explain?level=journey&ref={CODE}/apply", views.ExplainView),
        (f"/compare?left=2026-06&right=2026-10&application={CODE}", views.CompareView),
    ],
)
def test_answers_have_the_shape_that_is_described(api: TestClient, path: str, view: Any) -> None:
    found = api.get(f"/api/v1{path}")
    assert found.status_code == 200, found.text
    TypeAdapter(view).validate_json(found.content)


def test_every_property_of_a_figure_is_described_with_its_unit(api: TestClient) -> None:
    schemas = get(api, "/openapi.json")["components"]["schemas"]
    for name in ("Figure", "Measures", "JoinedRow", "ImpactItem", "MeasureNextRow"):
        assert "Attributes:" in schemas[name]["description"], name
    assert "gCO2e" in schemas["JoinedRow"]["description"]


def test_an_answer_that_did_not_change_is_not_sent_again(api: TestClient) -> None:
    first = api.get("/api/v1/portfolio")
    again = api.get("/api/v1/portfolio", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert api.get("/api/v1/portfolio", headers={"if-none-match": '"other"'}).status_code == 200


def test_lists_are_whole_whatever_the_size_of_their_pages(api: TestClient) -> None:
    for path, small in (("/applications", 7), ("/journeys", 31), ("/teams", 4), ("/runs", 50)):
        by_small = every(api, path, small)
        assert by_small == every(api, path, 200)
        assert len({json.dumps(item, sort_keys=True) for item in by_small}) == len(by_small)
    assert len(every(api, "/applications", 33)) == 80
    months = every(api, "/impacts", 11, level="application", ref=CODE)
    assert months == every(api, "/impacts", 200, level="application", ref=CODE)


def test_activities_are_those_of_the_run_file(api: TestClient) -> None:
    run = get(api, "/runs", application=CODE, limit=1)["items"][0]
    rows = get(api, "/activities", run_id=run["run_id"])["items"]
    packed = api.get(f"/api/v1/runs/{run['run_id']}/file")
    content = json.loads(gzip.decompress(packed.content))
    assert [(row["entity"], row["quantity"], row["value"]) for row in rows] == [
        (row["entity"], row["quantity"], row["value"]) for row in content["activities"]
    ]
    only = get(api, "/activities", run_id=run["run_id"], quantity="cpu_time")["items"]
    assert {row["quantity"] for row in only} == {"cpu_time"}


def test_the_sum_of_the_applications_is_the_total(api: TestClient) -> None:
    rows = every(api, "/applications", 200, period="2026-10")
    totals = get(api, "/portfolio", period="2026-10")["totals"]
    known = [row["measures"]["impact"]["value"] for row in rows if row["measures"]["impact"]["value"] is not None]
    assert totals["measures"]["impact"]["value"] == math.fsum(known)
    assert totals["measures"]["visits"] == math.fsum(row["measures"]["visits"] for row in rows)
    cost = sum(Decimal(row["measures"]["cost"]["amount"]) for row in rows)
    assert Decimal(totals["measures"]["cost"]["amount"]) == cost + Decimal(totals["unallocated_cost"]["amount"])


def test_the_terms_of_an_explanation_add_up(api: TestClient) -> None:
    for level, ref in (("organisation", ""), ("team", "sample-loans"), ("application", CODE)):
        found = get(api, "/explain", level=level, ref=ref)
        assert math.fsum(step["figure"]["value"] for step in found["steps"]) == pytest.approx(
            found["figure"]["value"], rel=1e-12
        )
    found = get(api, "/explain", level="journey", ref=f"{CODE}/apply")
    runs = [step for step in found["steps"] if step["run_id"]]
    visits = [float(step["arguments"]["visits"]) for step in runs]
    assert sum(visits) == found["visits"]
    assert sum(share["share"] for share in found["factors"] if share["share"]) == pytest.approx(1.0, abs=0.1)


def test_weights_change_places_and_no_figure(api: TestClient) -> None:
    rows = every(api, "/applications", 200)
    known = [row for row in rows if row["ranks"]["rank"] is not None]
    plain = sorted(known, key=lambda row: -row["measures"]["impact"]["value"])
    weighted = sorted(known, key=lambda row: -row["measures"]["impact"]["value"] * row["ranks"]["weight"])
    assert [row["ranks"]["rank"] for row in plain] == list(range(1, len(known) + 1))
    assert [row["ranks"]["weighted_rank"] for row in weighted] == list(range(1, len(known) + 1))
    assert plain != weighted
    assert {row["ranks"]["weight"] for row in rows} > {1.0}


@pytest.mark.parametrize("sort", ["name", "visits", "cost", "roi", "per_visit", "trend", "gap", "weighted"])
def test_every_column_sorts_with_the_unknown_last(api: TestClient, sort: str) -> None:
    rows = every(api, "/applications", 200, sort=sort, direction="asc")
    columns: dict[str, Any] = {
        "name": lambda row: row["application"]["name"].casefold(),
        "visits": lambda row: row["measures"]["visits"],
        "cost": lambda row: Decimal(row["measures"]["cost"]["amount"]),
        "roi": lambda row: row["measures"]["roi"]["value"],
        "per_visit": lambda row: row["measures"]["per_visit"]["value"],
        "trend": lambda row: row["trend"]["change"],
        "gap": lambda row: row["target"] and row["target"]["gap"],
        "weighted": lambda row: row["ranks"]["weighted_rank"] and -row["ranks"]["weighted_rank"],
    }
    values = [columns[sort](row) for row in rows]
    known = [value for value in values if value is not None]
    assert known == sorted(known)
    assert values == known + [None] * (len(values) - len(known))


def test_filters_and_facets_agree(api: TestClient) -> None:
    view = get(api, "/portfolio")
    for facet in view["facets"]:
        value = facet["values"][0]
        chosen = get(api, "/portfolio", **{facet["name"]: value["value"]})
        assert chosen["page"]["rows"] == value["count"]
        assert chosen["totals"]["applications"] == value["count"]
    assert get(api, "/portfolio", search="LOAN appli")["rows"][0]["application"]["code"] == CODE


def test_the_table_is_the_same_in_all_its_formats(api: TestClient) -> None:
    rows = get(api, "/exports/joined", **{"from": "2026-09", "to": "2026-10"})["items"]
    text = api.get("/api/v1/exports/joined?from=2026-09&to=2026-10", headers={"accept": "text/csv"})
    assert text.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(text.text)))
    assert [line["application"] for line in lines] == [row["application"] for row in rows]
    for line, row in zip(lines, rows, strict=True):
        assert (float(line["gwp100_gco2e"]) if line["gwp100_gco2e"] else None) == row["gwp100_gco2e"]
        assert line["cost"] == (row["cost"] or "")
    semicolons = api.get("/api/v1/exports/joined?from=2026-09&to=2026-10&format=csv&separator=semicolon").text
    assert list(csv.DictReader(io.StringIO(semicolons), delimiter=";")) == lines
    frame = pl.read_parquet(api.get("/api/v1/exports/joined?from=2026-09&to=2026-10&format=parquet").content)
    assert frame["gwp100_gco2e"].to_list() == [row["gwp100_gco2e"] for row in rows]
    assert frame["month"].to_list() == [date.fromisoformat(row["month"]) for row in rows]
    assert api.get("/api/v1/exports/joined", headers={"accept": "image/png"}).status_code == 406


def test_the_table_has_the_cost_of_nobody_as_a_row(api: TestClient) -> None:
    rows = get(api, "/exports/joined", **{"from": "2026-10", "to": "2026-10"})["items"]
    (nobody,) = [row for row in rows if not row["application"]]
    total = get(api, "/portfolio", period="2026-10")["totals"]
    assert nobody["cost"] == total["unallocated_cost"]["amount"]
    assert sum(Decimal(row["cost"]) for row in rows if row["cost"]) == Decimal(total["measures"]["cost"]["amount"])


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\n=1", "%0A=1", "|x"]
)
def test_no_cell_of_text_is_a_formula(text: str) -> None:
    assert answers.csv_cell(text) == f"'{text}"


def test_plain_cells_stay_as_they_are() -> None:
    assert [answers.csv_cell(value) for value in ("Prêts", "a=b", -1.5, None, 0)] == ["Prêts", "a=b", "-1.5", "", "0"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/applications/nothing", 404), ("/teams/nothing", 404), (f"/applications/{CODE}/journeys/nothing", 404),
        ("/runs/ffffffffffff", 404), ("/runs/xyz", 422), ("/timeseries?level=team&ref=nothing", 404),
        ("/timeseries?indicator=nothing", 422), ("/timeseries?from=2026-05&to=2026-01", 422),
        ("/timeseries?granularity=run", 422), ("/timeseries?level=journey&indicator=cost", 422),
        ("/portfolio?period=2026-13", 422), ("/portfolio?sort=nothing", 422), ("/portfolio?page=0", 422),
        ("/applications?cursor=@@@", 422), ("/runs?cursor=YQ", 422), ("/activities", 422),
        (f"/applications/{CODE}?method=nothing", 422), ("/explain?level=journey&ref=a/b/c", 404),
        ("/impacts?level=application&ref=nothing", 404), ("/portfolio?indicator=%00", 422),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_a_sentence(api: TestClient, path: str, status: int) -> None:
    found = api.get(f"/api/v1{path}")
    assert found.status_code == status, found.text
    assert found.headers["content-type"] == "application/problem+json"
    problem = found.json()
    assert problem["status"] == status
    assert problem["detail"].endswith(".")
    assert problem["repair"]


def test_a_token_of_one_application_sees_that_one_alone(board: ServiceContext) -> None:
    web = web_of(board)
    with board.store.reading() as session:
        own = next(one for one in applications(session) if one.code == CODE)
    narrow = token(web, "read", application_id=own.id)
    with TestClient(create_app(web), base_url=HOST, headers={"authorization": f"Bearer {narrow}"}) as api:
        assert [item["application"]["code"] for item in get(api, "/applications")["items"]] == [CODE]
        assert {item["application"]["code"] for item in every(api, "/runs", 200)} == {CODE}
        foreign = "sample-aid-review"
        for path in (
            f"/applications/{foreign}", "/teams/sample-loans", "/explain", "/timeseries",
            f"/timeseries?level=application&ref={foreign}", f"/impacts?ref={foreign}", f"/runs?application={foreign}",
            f"/applications/{foreign}/badge.svg",
        ):  # fmt: skip
            assert api.get(f"/api/v1{path}").status_code == 404, path
        rows = get(api, "/exports/joined", **{"from": "2026-10", "to": "2026-10"})["items"]
        assert [row["application"] for row in rows] == [CODE]


def test_without_a_token_nothing_is_shown(board: ServiceContext) -> None:
    with TestClient(create_app(web_of(board)), base_url=HOST) as api:
        for path in ("/api/v1/portfolio", "/api/v1/exports/joined", "/api/v1/runs", "/metrics"):
            assert api.get(path).status_code == 401, path


def test_pictures_hold_no_markup_of_strangers(tmp_path: Path) -> None:
    hostile = '<script>alert(1)</script>"&\u202egnp.exe' + "x" * 500
    with support.board(tmp_path) as found:
        application, journeys = support.add_application(found, "hostile", None, name=hostile, public_key="k" * 32)
        support.add_run(found, application, support.content("hostile", date(2026, 9, 1), screen_s=5.0))
        support.add_traffic(found, application, journeys["buy"], {date(2026, 10, 1): 10.0})
        figures.refresh(found)
        web = web_of(found)
        with TestClient(create_app(web), base_url=HOST) as api:
            for name in ("badge", "chart"):
                for lang in ("en", "fr"):
                    drawn = api.get(f"/public/{'k' * 32}/{name}.svg?lang={lang}")
                    assert drawn.headers["content-type"].startswith("image/svg+xml")
                    root = ET.fromstring(drawn.text)
                    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
                        "svg", "title", "rect", "g", "text", "path",
                    }  # fmt: skip
                    assert len(drawn.text) < 6000
            assert api.get(f"/public/{'q' * 32}/badge.svg").status_code == 404


def test_the_sample_goes_as_it_came(tmp_path: Path) -> None:
    with support.sample_board(tmp_path) as found:
        team = support.add_team(found, "own")
        application, journeys = support.add_application(found, "mine", team)
        support.add_run(found, application, support.content("mine", date(2026, 9, 1), screen_s=5.0))
        support.add_traffic(found, application, journeys["buy"], {date(2026, 10, 1): 10.0})
        assert sample.is_loaded(found)
        assert sample.remove(found)
        assert not sample.remove(found)
        web = web_of(found)
        reader = token(web, "read")
        with TestClient(create_app(web), base_url=HOST, headers={"authorization": f"Bearer {reader}"}) as api:
            view = get(api, "/portfolio", period="2026-10")
            assert [row["application"]["code"] for row in view["rows"]] == ["mine"]
            assert view["frame"]["sample"] is False
            assert view["totals"]["measures"]["impact"]["value"] == view["rows"][0]["measures"]["impact"]["value"]
            assert view["totals"]["unallocated_cost"]["amount"] is None
            assert every(api, "/teams", 10)[0]["code"] == "own"


def test_the_sample_says_that_it_is_one(api: TestClient) -> None:
    view = get(api, "/portfolio")
    assert view["frame"]["sample"] is True
    assert view["page"]["rows"] == 80
    assert len(every(api, "/teams", 50)) == 17
    assert all(item["code"].startswith("sample-") for item in every(api, "/teams", 50))
    assert all(row["sample"] for row in get(api, "/exports/joined", **{"from": "2026-10", "to": "2026-10"})["items"])


def test_times_are_utc(api: TestClient) -> None:
    run = get(api, "/runs", limit=1)["items"][0]
    assert datetime.fromisoformat(run["measured_at"]).tzinfo == UTC

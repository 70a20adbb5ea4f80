# SPDX-License-Identifier: Apache-2.0
"""``/metrics``: what a real Prometheus reads is what the board shows, and the dashboard asks for nothing else."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests import board_support as support
from tests.bill_support import cost, vcpu, write
from tests.e2e.prometheus_support import prometheus
from tests.web.server_support import HOST, token
from tests.web.test_api import web_of

from lichen.outputs.web.app import create_app
from lichen.service.board import figures
from lichen.service.board.portfolio import portfolio
from lichen.service.board.queries import PortfolioQuery
from lichen.service.context import ServiceContext

DASHBOARD = Path(__file__).resolve().parents[2] / "docs" / "grafana.json"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
HOSTILE = 'a"b\\c\nd{x="y"} é'


@pytest.fixture
def board(tmp_path: Path) -> Iterator[ServiceContext]:
    with support.board(tmp_path) as context:
        team = support.add_team(context, "shop")
        for code, screen_s in (("cart", 10.0), (HOSTILE, 4.0)):
            application, journeys = support.add_application(context, code, team)
            support.add_run(context, application, support.content("cart", date(2026, 9, 15), screen_s=screen_s))
            support.add_traffic(context, application, journeys["buy"], {date(2026, 10, 5): 100.0})
        support.add_application(context, "unknown", None)
        figures.refresh(context)
        yield context


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_metrics_are_what_the_board_shows(board: ServiceContext) -> None:
    web = web_of(board)
    headers = {"authorization": f"Bearer {token(web, 'read')}", "accept": OPENMETRICS}
    with TestClient(create_app(web), base_url=HOST, headers=headers) as api:
        found = families(api.get("/metrics").text)
    rows = {row.application.code: row for row in portfolio(board, PortfolioQuery()).rows}
    samples = {
        sample.labels["application"]: sample.value for sample in found["lichen_application_emissions_gco2e"].samples
    }
    assert samples == {code: rows[code].measures.impact.value for code in ("cart", HOSTILE)}
    assert found["lichen"].samples[0].labels["period"] == "2026-10"
    assert found["lichen_applications_measured"].samples[0].value == 2
    assert {sample.labels["application"] for sample in found["lichen_application_weight"].samples} == set(rows)


def test_bills_are_metrics_too(board: ServiceContext) -> None:
    write(board, [vcpu("cart", date(2026, 10, 1), 24), cost("cart", date(2026, 10, 1), "8"),
                  cost("cart", date(2026, 10, 2), "2", coverage="no_rule"), cost("", date(2026, 10, 2), "5")])  # fmt: skip
    web = web_of(board)
    headers = {"authorization": f"Bearer {token(web, 'read')}", "accept": OPENMETRICS}
    with TestClient(create_app(web), base_url=HOST, headers=headers) as api:
        found = families(api.get("/metrics").text)

    def samples(name: str, label: str) -> dict[str, float]:
        return {sample.labels[label]: sample.value for sample in found[f"lichen_bill_{name}"].samples}

    assert samples("cost", "application") == {"cart": 10.0, "": 5.0}
    assert samples("coverage_ratio", "application") == {"cart": 0.8, "": 1.0}
    assert samples("not_estimated_cost", "reason") == {"no_rule": 2.0}
    low, value, high = (found[f"lichen_bill_emissions_{name}gco2e"].samples[0].value for name in ("low_", "", "high_"))
    assert low < value < high


def test_metrics_are_off_until_somebody_wants_them(tmp_path: Path) -> None:
    from tests.web.server_support import client, context

    with context(tmp_path) as found, client(found) as api:
        assert api.get("/metrics").status_code == 404


def test_every_expression_of_the_dashboard_names_metrics_that_exist(board: ServiceContext) -> None:
    web = web_of(board)
    headers = {"authorization": f"Bearer {token(web, 'read')}", "accept": OPENMETRICS}
    with TestClient(create_app(web), base_url=HOST, headers=headers) as api:
        known = set(families(api.get("/metrics").text))
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [one["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    named = {name for expression in expressions for name in re.findall(r"\blichen_\w+", expression)}
    assert len(named) > 15
    assert named <= known
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


@contextmanager
def serving(context: ServiceContext) -> Iterator[int]:
    """The server on a port of its own."""
    web = web_of(context)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(create_app(web), log_level="error", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def ask(address: str, expression: str) -> list[Any]:
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{address}/api/v1/query?{query}", timeout=10) as answer:
        found: list[Any] = json.load(answer)["data"]["result"]
        return found


@pytest.mark.slow
@pytest.mark.beside
def test_a_real_prometheus_reads_them_and_runs_every_expression(board: ServiceContext, tmp_path: Path) -> None:
    secret = token(web_of(board), "read")
    extra = f"    authorization:\n      credentials: {secret}\n"
    with (
        serving(board) as port,
        prometheus(tmp_path / "prometheus", [f"127.0.0.1:{port}"], extra=extra) as (address, _),
    ):
        deadline = time.monotonic() + 30
        while not (found := ask(address, "lichen_application_emissions_gco2e")):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        rows = {row.application.code: row for row in portfolio(board, PortfolioQuery()).rows}
        read = {one["metric"]["application"]: float(one["value"][1]) for one in found}
        assert read == {code: pytest.approx(rows[code].measures.impact.value) for code in ("cart", HOSTILE)}
        (whole,) = ask(address, "sum(lichen_application_emissions_gco2e) / scalar(lichen_emissions_gco2e)")
        assert float(whole["value"][1]) == pytest.approx(1.0)
        for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                ask(address, target["expr"].replace("$team", ".*"))

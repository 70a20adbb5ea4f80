# SPDX-License-Identifier: Apache-2.0
"""Sources of electricity by the hour: recorded answers served on this machine, the file they become, and what goes wrong."""

from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from lichen.cli.app import root
from lichen.factors.hourly import Series, read_series
from lichen.factors.store import FactorStore

Answer = Callable[[str, dict[str, list[str]], Any], tuple[int, bytes]]
Fetch = Callable[..., Result]
TOKEN = "not-a-real-token-0123"


class Source:
    """A server that gives recorded answers and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = lambda *_: (404, b"")
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                params = parse_qs(parts.query)
                source.asked.append((parts.path, params))
                status, body = source.answer(parts.path, params, self.headers)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        # A daemon: the command would end the process at once where it finds any other thread.
        serve = functools.partial(self._server.serve_forever, poll_interval=0.01)
        self._thread = threading.Thread(target=serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as running:
        yield running


@pytest.fixture
def fetch(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "LICHEN_ENTSOE_TOKEN", "LICHEN_ELECTRICITY_MAPS_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def call(
        adapter: str, zone: str, first: str = "2026-03-01", last: str = "2026-03-01", to: str = "grid.csv", **env: str
    ) -> Result:
        words = ["fetch", adapter, "--zone", zone, "--from", first, "--to", last, "-o", to, "--url", source.url]
        return CliRunner().invoke(root, ["factors", *words, "--json"], prog_name="lichen", env=env)

    return call


def series(answer: Result) -> Series:
    assert answer.exit_code == 0, answer.stderr
    return read_series(Path(json.loads(answer.stdout)["file"]))


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, minute, tzinfo=UTC)


def test_great_britain_by_the_half_hour(source: Source, fetch: Fetch) -> None:
    rows = [
        {"from": "2026-02-28T23:30Z", "to": "2026-03-01T00:00Z", "intensity": {"forecast": 1, "actual": 999}},
        {"from": "2026-03-01T00:00Z", "to": "2026-03-01T00:30Z", "intensity": {"forecast": 100, "actual": 110}},
        {"from": "2026-03-01T00:30Z", "to": "2026-03-01T01:00Z", "intensity": {"forecast": 100, "actual": 130}},
        {"from": "2026-03-01T01:00Z", "to": "2026-03-01T01:30Z", "intensity": {"forecast": 100, "actual": None}},
        {"from": "2026-03-01T01:30Z", "to": "2026-03-01T02:00Z", "intensity": {"forecast": 100, "actual": 150}},
    ]
    source.answer = lambda *_: (200, json.dumps({"data": rows}).encode())
    found = series(fetch("neso", "GB"))
    assert source.asked == [("/intensity/2026-03-01T00:00Z/2026-03-02T00:00Z", {})]
    assert (found.zone, found.licence, found.scope, found.step_s) == ("GB", "CC-BY-4.0", "direct", 1800.0)
    mean = found.mean(at(0), at(1))
    assert mean is not None
    assert mean.value == 120.0
    assert found.mean(at(1), at(2)) is None  # a forecast is no measurement
    assert found.mean(at(0), at(0, 10)) is not None


def test_a_long_time_is_asked_for_in_pieces(source: Source, fetch: Fetch) -> None:
    def answer(path: str, *_: object) -> tuple[int, bytes]:
        start = path.split("/")[2]
        return 200, json.dumps({"data": [{"from": start, "intensity": {"actual": 100}}]}).encode()

    source.answer = answer
    series(fetch("neso", "GB", last="2026-03-31"))
    assert [path.split("/")[2:] for path, _ in source.asked] == [
        ["2026-03-01T00:00Z", "2026-03-14T00:00Z"],
        ["2026-03-14T00:00Z", "2026-03-27T00:00Z"],
        ["2026-03-27T00:00Z", "2026-04-01T00:00Z"],
    ]


def test_france_by_the_half_hour(source: Source, fetch: Fetch) -> None:
    rows = [
        {"date_heure": "2026-03-01T01:00:00+01:00", "taux_co2": 21},
        {"date_heure": "2026-03-01T01:15:00+01:00", "taux_co2": None},
        {"date_heure": "2026-03-01T01:30:00+01:00", "taux_co2": 23},
        {"date_heure": "2026-03-01T01:45:00+01:00", "taux_co2": 23},
    ]
    source.answer = lambda *_: (200, json.dumps(rows).encode())
    found = series(fetch("rte", "FRA"))
    assert (found.zone, found.scope) == ("FR", "direct")
    mean = found.mean(at(0), at(1))
    assert mean is not None
    assert mean.value == 22.0
    (_, params) = source.asked[0]
    assert "2026-03-01T00:00:00Z" in params["where"][0]


def test_electricity_maps_needs_its_token_and_gives_the_life_cycle(source: Source, fetch: Fetch) -> None:
    def answer(path: str, params: dict[str, list[str]], headers: Any) -> tuple[int, bytes]:
        if headers["auth-token"] != TOKEN:
            return 401, b""
        data = [
            {"zone": params["zone"][0], "datetime": f"2026-03-01T0{i}:00:00.000Z", "carbonIntensity": 40 + i,
             "emissionFactorType": params["emissionFactorType"][0]}
            for i in range(3)
        ]  # fmt: skip
        return 200, json.dumps({"zone": params["zone"][0], "data": data}).encode()

    source.answer = answer
    lacking = fetch("electricity-maps", "US-CAL-CISO")
    assert lacking.exit_code == 2
    assert "LICHEN_ELECTRICITY_MAPS_TOKEN" in lacking.stderr
    assert source.asked == []
    wrong = fetch("electricity-maps", "US-CAL-CISO", LICHEN_ELECTRICITY_MAPS_TOKEN="another-token")
    assert (wrong.exit_code, "401" in wrong.stderr, "another-token" in wrong.stderr) == (2, True, False)
    found = series(fetch("electricity-maps", "US-CAL-CISO", LICHEN_ELECTRICITY_MAPS_TOKEN=TOKEN))
    assert (found.zone, found.scope) == ("US-CAL-CISO", "life cycle")
    assert TOKEN not in Path("grid.csv").read_text(encoding="utf-8")


ENTSOE = """<?xml version="1.0" encoding="UTF-8"?>
<GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0">
{series}</GL_MarketDocument>"""
SERIES = """<TimeSeries><{domain}>10YFR-RTE------C</{domain}><curveType>{curve}</curveType>
<MktPSRType><psrType>{plant}</psrType></MktPSRType>
<Period><timeInterval><start>2026-03-01T00:00Z</start><end>2026-03-01T02:00Z</end></timeInterval>
<resolution>{resolution}</resolution>{points}</Period></TimeSeries>
"""


def plants(plant: str, points: dict[int, float], **said: str) -> str:
    told = "".join(f"<Point><position>{p}</position><quantity>{q}</quantity></Point>" for p, q in points.items())
    defaults = {"domain": "inBiddingZone_Domain.mRID", "curve": "A01", "resolution": "PT60M"}
    return SERIES.format(plant=plant, points=told, **{**defaults, **said})


def test_a_mix_of_plants_costs_what_its_technologies_cost(source: Source, fetch: Fetch) -> None:
    text = ENTSOE.format(
        series=plants("B14", {1: 300, 2: 400})
        + plants("B04", {1: 100, 5: 0}, curve="A03", resolution="PT15M")  # 100 MW for the first hour, then nothing
        + plants("B20", {1: 500, 2: 500})  # plants of no known type
        + plants("B10", {1: 700, 2: 700}, domain="outBiddingZone_Domain.mRID")  # pumping is no generation
    )
    source.answer = lambda *_: (200, text.encode())
    found = series(fetch("entsoe", "FR", LICHEN_ENTSOE_TOKEN=TOKEN))
    (_, params) = source.asked[0]
    assert params["in_Domain"] == ["10YFR-RTE------C"]
    assert (params["periodStart"], params["periodEnd"]) == (["202603010000"], ["202603020000"])
    store = FactorStore.load()
    nuclear, gas = (store.lookup(f"generation.{name}.gwp100") for name in ("nuclear", "gas"))
    first, second = found.mean(at(0), at(1)), found.mean(at(1), at(2))
    assert first is not None
    assert second is not None
    assert first.value == pytest.approx(0.75 * nuclear.value + 0.25 * gas.value, rel=1e-5)
    assert first.high == pytest.approx(0.75 * nuclear.high + 0.25 * gas.high, rel=1e-5)
    assert second.value == pytest.approx(nuclear.value, rel=1e-5)
    assert TOKEN not in Path("grid.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("adapter", "zone", "status", "body", "said"),
    [
        ("neso", "FR", 200, b"{}", "knows nothing of the zone FR"),
        ("neso", "GB", 500, b"", "answers with status 500"),
        ("neso", "GB", 302, b"", "answers with status 302"),
        ("neso", "GB", 200, b"<html>", "not its documented format: no JSON"),
        ("neso", "GB", 200, b'{"data": [{"from": "x", "intensity": {"actual": 1}}]}', "the time 'x'"),
        (
            "neso",
            "GB",
            200,
            b'{"data": [{"from": "2026-03-01T00:00Z", "intensity": {"actual": "a"}}]}',
            "the value 'a'",
        ),
        ("neso", "GB", 200, b'{"data": []}', "has nothing for GB"),
        ("rte", "FR", 200, b"{}", "has nothing for FR"),
        ("rte", "FR", 200, b'{"error": 1}', "no rows with date_heure"),
        ("entsoe", "FR", 200, b"no", "no XML"),
        ("entsoe", "FR", 200, b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "a document type of its own"),
        ("entsoe", "FR", 200, b"<Acknowledgement_MarketDocument/>", "has nothing for FR"),
        ("entsoe", "US", 200, b"", "knows nothing of the zone US"),
        ("nobody", "FR", 200, b"", "There is no source 'nobody'"),
    ],
)
def test_what_a_source_does_wrong_is_one_sentence_and_leaves_no_file(
    source: Source, fetch: Fetch, adapter: str, zone: str, status: int, body: bytes, said: str
) -> None:
    source.answer = lambda *_: (status, body)
    answer = fetch(adapter, zone, LICHEN_ENTSOE_TOKEN=TOKEN)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert said in json.loads(answer.stderr)["error"]["problem"]
    assert TOKEN not in answer.stderr
    assert not list(Path().iterdir())


def test_a_source_that_is_not_there_is_one_sentence(source: Source, fetch: Fetch, tmp_path: Path) -> None:
    del tmp_path
    source.url = "http://127.0.0.1:9"
    answer = fetch("neso", "GB")
    assert (answer.exit_code, "does not answer" in answer.stderr) == (2, True)


def test_days_in_the_wrong_order_are_refused(fetch: Fetch) -> None:
    answer = fetch("neso", "GB", first="2026-03-02", last="2026-03-01")
    assert (answer.exit_code, "lies before" in answer.stderr) == (2, True)


ANSWER = json.dumps(
    {"data": [{"from": f"2026-03-01T{hour:02}:00Z", "intensity": {"actual": 100}} for hour in range(2)]}
).encode()


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("pipe", "pipe is not a regular file"),
        ("linked-pipe", "linked-pipe is not a regular file"),
        (".", ". cannot be written"),
        ("nowhere/grid.csv", "nowhere/grid.csv cannot be written: there is no folder"),
        ("lichen.toml", "is the settings file in use"),
    ],
)
def test_what_is_no_place_for_a_file_stays_and_nobody_is_asked(
    source: Source, fetch: Fetch, to: str, said: str
) -> None:
    os.mkfifo("pipe")
    Path("linked-pipe").symlink_to("pipe")
    Path("lichen.toml").touch()
    source.answer = lambda *_: (200, ANSWER)
    answer = fetch("neso", "GB", to=to)
    assert answer.exit_code == 2
    assert said in json.loads(answer.stderr)["error"]["problem"]
    assert source.asked == []
    assert (Path("pipe").is_fifo(), Path("linked-pipe").is_symlink()) == (True, True)
    assert sorted(path.name for path in Path().iterdir()) == ["lichen.toml", "linked-pipe", "pipe"]


def test_a_link_goes_on_to_its_file(source: Source, fetch: Fetch) -> None:
    Path("real.csv").write_text("old", encoding="utf-8")
    Path("link.csv").symlink_to("real.csv")
    source.answer = lambda *_: (200, ANSWER)
    assert series(fetch("neso", "GB", to="link.csv")).zone == "GB"
    assert Path("link.csv").is_symlink()
    assert "# zone: GB" in Path("real.csv").read_text(encoding="utf-8")

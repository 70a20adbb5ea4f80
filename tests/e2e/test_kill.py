# SPDX-License-Identifier: Apache-2.0
"""A real server that is killed, cut off, doubled, or without its ledger: no acknowledged run is lost, none is there twice."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.web.load_support import Load, Server, body, journal, killed, send
from tests.web.server_support import context

from lichen.service import landing

pytestmark = [pytest.mark.slow, pytest.mark.beside]
KILLS = 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.end()


def landed(folder: Path) -> list[str]:
    """Runs of the ledger, once all that waits has landed; what a killed server began ends some seconds after it."""
    with context(folder) as found:

        def done() -> bool:
            landing.land_all(found)
            return not landing.status(found).pending

        until(done)
        return sorted(found.ledger.runs(columns=["run_id"]).column("run_id").to_pylist())


def until(answer: Any, seconds: float = 30.0) -> Any:
    """What ``answer()`` says as soon as it says something."""
    end = time.monotonic() + seconds
    while not (said := answer()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)
    return said


def test_no_acknowledged_run_is_lost_and_none_doubled_by_kills(server: Server) -> None:
    acknowledged = asyncio.run(killed(server, server.token(), KILLS, 100.0))
    assert acknowledged
    kept = Counter(journal(server.folder))
    assert acknowledged <= kept.keys()
    assert set(kept.values()) == {1}
    assert landed(server.folder) == sorted(kept)
    with sqlite3.connect(server.folder / ".lichen" / "lichen.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


def test_a_connection_cut_before_the_answer_leaves_one_run(server: Server) -> None:
    token = server.token()
    server.start()
    place = urlsplit(server.address)
    request = b"POST /api/v1/runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
    for number in range(5):
        content = body(number)
        with socket.create_connection((str(place.hostname), int(str(place.port)))) as cut:
            cut.sendall(request % (token.encode(), len(content), content))
        with socket.create_connection((str(place.hostname), int(str(place.port)))) as cut:
            cut.sendall((request % (token.encode(), len(content), content))[:-100])
    outcome = asyncio.run(send(server.address, token, Load(range(5), 50, 2)))
    assert outcome.errors == 0
    server.stop()
    assert sorted(journal(server.folder)) == sorted(outcome.acknowledged)
    assert len(outcome.acknowledged) == 5


def test_two_servers_on_one_file_take_each_run_once(server: Server, tmp_path: Path) -> None:
    token = server.token()
    other = Server(tmp_path)
    server.start()
    other.start()
    try:

        async def both() -> set[str]:
            load = Load(range(200), 100, 4)
            found = await asyncio.gather(*(send(one.address, token, load) for one in (server, other)))
            assert [one.errors for one in found] == [0, 0]
            return found[0].acknowledged | found[1].acknowledged

        acknowledged = asyncio.run(both())
        ready = httpx2.get(f"{other.address}/ready", timeout=10).json()
        assert ready["checks"]["landing"]["pending"] <= 200
    finally:
        other.end()
    server.stop()
    assert sorted(journal(tmp_path)) == sorted(acknowledged)
    assert landed(tmp_path) == sorted(acknowledged)


def test_runs_are_taken_in_while_the_ledger_is_away(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    token = server.token()
    server.environment |= {
        "LICHEN_SERVER_LEDGER": "s3://nowhere/ledger", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1",
    }  # fmt: skip
    server.start()
    outcome = asyncio.run(send(server.address, token, Load(range(20), 50, 4)))
    assert outcome.errors == 0

    def away() -> Any:
        answer = httpx2.get(f"{server.address}/ready", timeout=60)
        checks = answer.json()["checks"]
        return answer.status_code == 503 and checks["landing"]["problem"] and checks

    checks = until(away, 60)
    assert checks["store"]["ok"]
    assert not checks["ledger"]["ok"]
    assert checks["landing"]["pending"] == 20
    assert httpx2.get(f"{server.address}/health", timeout=10).status_code == 200
    server.end()
    assert landed(server.folder) == sorted(outcome.acknowledged)


def test_a_server_lands_by_itself_and_after_its_helper_died(server: Server) -> None:
    import psutil

    token = server.token()
    server.start()

    def pending() -> int:
        return int(httpx2.get(f"{server.address}/ready", timeout=10).json()["checks"]["landing"]["pending"])

    asyncio.run(send(server.address, token, Load(range(5), 50, 2)))
    until(lambda: pending() == 0)
    for child in psutil.Process(server.pid).children():
        if "spawn_main" in " ".join(child.cmdline()):
            os.kill(child.pid, 9)
    asyncio.run(send(server.address, token, Load(range(5, 10), 50, 2)))
    until(lambda: pending() == 0, 90)
    assert server.stop() == 0
    assert len(landed(server.folder)) == 10


def test_the_link_of_the_first_start_is_told_and_the_next_port_taken(server: Server, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server.environment["LICHEN_SERVER_PORT"] = str(taken.getsockname()[1])
        server.start()
        assert urlsplit(server.address).port != taken.getsockname()[1]
    assert json.loads(httpx2.get(f"{server.address}/health", timeout=10).text)["status"] == "live"
    assert "/sign-in/once?code=" in server.rest()
    assert server.stop() == 0

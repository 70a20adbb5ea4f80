# SPDX-License-Identifier: Apache-2.0
"""The agent's spool: nothing is lost while the server is away, the order is kept, and what is dropped is told."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.web.server_support import run

from lichen.errors import StorageError, UsageError
from lichen.ledger import runfile
from lichen.service.spool import Spool, push

Answer = Callable[[int, bytes], int]


@contextlib.contextmanager
def server(answer: Answer, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers each body with a status: a script of what a real one may say, which a real one cannot be made to."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = answer(len(bodies), body)
            bodies.append(body)
            if not status:  # it took the run and the connection was cut
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Length": "2", **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}", bodies
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def files(folder: Path, count: int) -> list[Path]:
    return [runfile.write(folder / "runs", run(number)).path for number in range(count)]


def numbers(bodies: list[bytes]) -> list[int]:
    return [json.loads(gzip.decompress(body))["host"]["number"] for body in bodies]


def test_runs_wait_in_order_until_the_server_is_back(tmp_path: Path, spool: Spool) -> None:
    for path in files(tmp_path, 3):
        spool.put(path)
    away = push("http://127.0.0.1:9", spool, token="t")
    assert (away.sent, away.waiting) == (0, 3)
    assert away.why
    with server(lambda *_: 201) as (address, bodies):
        back = push(address, Spool(spool.folder), token="t")
    assert (back.sent, back.waiting, back.refused, back.dropped) == (3, 0, [], 0)
    assert numbers(bodies) == [0, 1, 2]
    assert spool.runs() == []


def test_an_answer_that_was_cut_is_asked_for_again(tmp_path: Path, spool: Spool) -> None:
    for path in files(tmp_path, 2):
        spool.put(path)
    with server(lambda count, _: 0 if count == 0 else 200) as (address, bodies):
        assert push(address, spool, token="t").waiting == 2
        assert push(address, spool, token="t").sent == 2
    assert numbers(bodies) == [0, 0, 1]


def test_a_server_that_is_busy_is_asked_again_when_it_says(tmp_path: Path, spool: Spool) -> None:
    spool.put(files(tmp_path, 1)[0])
    with server(lambda count, _: 503 if count < 2 else 201, {"Retry-After": "0"}) as (address, _):
        assert push(address, spool, token="t").sent == 1


@pytest.mark.parametrize("status", [500, 503, 507, 429])
def test_a_server_that_stays_away_keeps_nobody_waiting(tmp_path: Path, spool: Spool, status: int) -> None:
    spool.put(files(tmp_path, 1)[0])
    with server(lambda *_: status, {"Retry-After": "60"}) as (address, bodies):
        assert push(address, spool, token="t").waiting == 1
    assert len(bodies) == 1


@pytest.mark.parametrize("status", [401, 403, 302])
def test_runs_stay_while_the_token_or_the_address_is_wrong(tmp_path: Path, spool: Spool, status: int) -> None:
    for path in files(tmp_path, 2):
        spool.put(path)
    with server(lambda *_: status, {"Location": "http://127.0.0.1:9/"}) as (address, bodies):
        pushed = push(address, spool, token="t")
    assert (pushed.waiting, len(bodies)) == (2, 1)


@pytest.mark.parametrize("status", [404, 409, 413, 422])
def test_a_run_that_is_refused_for_good_lets_the_others_pass(tmp_path: Path, spool: Spool, status: int) -> None:
    for path in files(tmp_path, 3):
        spool.put(path)
    with server(lambda count, _: status if count == 1 else 201) as (address, _):
        pushed = push(address, spool, token="t")
    assert (pushed.sent, pushed.waiting, len(pushed.refused)) == (2, 0, 1)
    assert [path.name[:12] for path in (spool.folder / "refused").iterdir()] == ["000000000002"]


def test_the_oldest_are_dropped_and_it_is_told(tmp_path: Path) -> None:
    small = Spool(tmp_path / "spool", runs_max=2)
    for path in files(tmp_path, 5):
        small.put(path)
    assert small.dropped == 3
    with server(lambda *_: 201) as (address, bodies):
        assert push(address, small, token="t").dropped == 3
    assert numbers(bodies) == [3, 4]


def test_a_clock_that_jumps_changes_no_order(tmp_path: Path, spool: Spool) -> None:
    for age, path in enumerate(files(tmp_path, 3)):
        os.utime(path, (10**9 - age * 10**6,) * 2)
        spool.put(path)
        os.utime(spool.runs()[-1], (10**9 - age * 10**6,) * 2)
    with server(lambda *_: 201) as (address, bodies):
        push(address, spool, token="t")
    assert numbers(bodies) == [0, 1, 2]


def test_a_file_that_was_cut_short_is_not_put(tmp_path: Path, spool: Spool) -> None:
    path = files(tmp_path, 1)[0]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StorageError, match="damaged"):
        spool.put(path)
    assert spool.runs() == []


def test_what_a_killed_agent_left_half_written_is_no_run(tmp_path: Path, spool: Spool) -> None:
    spool.put(files(tmp_path, 1)[0])
    (spool.folder / ".abc.part").write_bytes(b"half")
    (spool.folder / "notes.run.json.gz").write_bytes(b"not ours")
    assert len(spool.runs()) == 1


def test_two_agents_do_not_send_at_once(tmp_path: Path, spool: Spool) -> None:
    spool.put(files(tmp_path, 1)[0])
    with spool.sending() as mine, server(lambda *_: 201) as (address, bodies):
        assert mine
        pushed = push(address, Spool(spool.folder), token="t")
    assert (pushed.sent, pushed.waiting, bodies) == (0, 1, [])


@pytest.mark.parametrize("address", ["nonsense", "http://[", "ftp://127.0.0.1"])
def test_an_address_that_is_none_loses_nothing(tmp_path: Path, spool: Spool, address: str) -> None:
    spool.put(files(tmp_path, 1)[0])
    with contextlib.suppress(UsageError):
        assert push(address, spool, token="t").waiting == 1
    assert len(spool.runs()) == 1

# SPDX-License-Identifier: Apache-2.0
"""`lichen measure --push` whole: a real browser measures, a real server is away and comes back, and each run is there once."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from tests.web.load_support import Server, journal
from tests.web.server_support import context, run

from lichen.cli.app import root as cli
from lichen.errors import ExitCode
from lichen.ledger import runfile
from lichen.records import timestamp
from lichen.service import landing, spool

pytestmark = [pytest.mark.browser, pytest.mark.beside]

PAGE = '<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1><p>Open all day.</p>'
CONFIG = """
[project]
name = "shop"
[context]
zone = "FR"
[measure]
samples = 2
profile = "fast"
rest_s = 0.1
[[part]]
name = "site"
command = ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
cwd = "site"
[[journey]]
name = "visit"
url = "{site.url}"
"""
AGENT = """
import sys
from pathlib import Path
from lichen.service.spool import Spool, push
spool = Spool(Path(".lichen/spool"))
print(len(spool.runs()), flush=True)
push(sys.argv[1], spool)
"""
"""Sends what waits, after it told how much that is."""
KILLS = 6
WAIT_S = 30.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    made = Server(folder)
    made.environment["LICHEN_SERVER_PORT"] = str(free_port())
    yield made
    made.end()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "agent"
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "index.html").write_text(PAGE)
    (folder / "lichen.toml").write_text(CONFIG)
    return folder


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def address(server: Server) -> str:
    """Where the server will be, also while it is away."""
    return f"http://127.0.0.1:{server.environment['LICHEN_SERVER_PORT']}"


def lichen(folder: Path, token: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lichen", *words],
        cwd=folder, env=os.environ | {"LICHEN_TOKEN": token}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def waiting(folder: Path) -> list[Path]:
    return sorted((folder / ".lichen" / "spool").glob("*.run.json.gz"))


def landed(folder: Path) -> list[str]:
    """Runs of the ledger, once all that was taken in has landed."""
    end = time.monotonic() + WAIT_S
    with context(folder) as found:
        while True:
            landing.land_all(found)
            if not landing.status(found).pending:
                return sorted(found.ledger.runs(columns=["run_id"])["run_id"].to_pylist())
            assert time.monotonic() < end, "it never landed"
            time.sleep(0.1)


def told(server: Server, token: str, run_id: str) -> dict[str, Any]:
    """What the server says of a run, as soon as it has landed there."""
    end = time.monotonic() + WAIT_S
    while True:
        answer = httpx2.get(f"{address(server)}/api/v1/runs/{run_id}", headers={"Authorization": f"Bearer {token}"})
        if answer.status_code == 200 and answer.json()["run"]["landed"]:
            return dict(answer.json())
        assert answer.status_code in (200, 404), answer.text
        assert time.monotonic() < end, "it never landed"
        time.sleep(0.2)


def test_what_was_measured_while_the_server_was_away_is_sent_with_the_next_run(server: Server, shop: Path) -> None:
    token = server.token()
    first = lichen(shop, token, "measure", "--push", address(server))
    assert first.returncode == 0, first.stderr
    assert f"runs that wait for {address(server)}: 1" in first.stderr
    assert len(waiting(shop)) == 1

    server.start()
    second = lichen(shop, token, "measure", "--push", address(server))
    assert second.returncode == 0, second.stderr
    assert f"runs sent to {address(server)}: 2" in second.stderr
    assert waiting(shop) == []
    measured = {found.run_id: found.content for found in map(runfile.read, runfile.find(shop / "lichen-runs"))}
    assert len(measured) == 2
    for run_id, content in measured.items():
        (journey,) = told(server, token, run_id)["journeys"]
        here, there = content["figures"]["visit"], journey["indicators"]
        assert here.keys() <= there.keys()
        for indicator, figure in here.items():
            assert there[indicator]["value"] == pytest.approx(figure["value"], rel=1e-9), indicator

    again = lichen(shop, token, "push", "--server", address(server), *map(str, runfile.find(shop / "lichen-runs")))
    assert again.returncode == 0, again.stderr
    assert server.stop() == 0
    assert landed(server.folder) == sorted(measured), "each once, though each was sent twice"


def test_an_agent_that_is_killed_while_it_sends_goes_on_and_doubles_nothing(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    contents = [run(number) for number in range(80)]
    files = [runfile.write(folder / "lichen-runs", content) for content in contents]
    full = spool.Spool(folder / ".lichen" / "spool")
    for file in files:
        full.put(file.path)
    token = server.token()
    server.start()
    draws = random.Random(6)
    environment = os.environ | {"LICHEN_TOKEN": token}
    kills = 0
    while waiting(folder):
        agent = subprocess.Popen(
            [sys.executable, "-c", AGENT, address(server)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert agent.stdout is not None
        assert int(agent.stdout.readline()) == len(waiting(folder)), "what was acknowledged is not sent again"
        if kills < KILLS:
            left = len(waiting(folder)) - draws.randint(1, 6)
            while len(waiting(folder)) > left:
                time.sleep(0.002)
            agent.send_signal(signal.SIGKILL)
            kills += 1
        agent.wait(WAIT_S)
        agent.stdout.close()
    assert kills == KILLS
    assert server.stop() == 0
    kept = Counter(journal(server.folder))
    assert landed(server.folder) == sorted(file.run_id for file in files)
    assert set(kept.values()) == {1}
    with sqlite3.connect(server.folder / ".lichen" / "lichen.db") as store:
        received = [row[0] for row in store.execute("SELECT run_id FROM ingest_journal ORDER BY seq")]
    store.close()
    assert received == [file.run_id for file in files], "in the order in which they were measured"


def test_the_oldest_runs_of_a_full_spool_are_dropped_and_the_person_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(spool.Spool.__init__.__kwdefaults__, "runs_max", 3)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lichen.toml").touch()
    files = [str(runfile.write(tmp_path / "lichen-runs", run(number)).path) for number in range(5)]
    away = f"http://127.0.0.1:{free_port()}"
    done = CliRunner().invoke(cli, ["push", "--quiet", "--server", away, *files])
    assert done.exit_code == ExitCode.USAGE
    assert "its oldest runs were dropped: 2" in done.stderr
    kept = [json.loads(gzip.decompress(path.read_bytes()))["host"]["number"] for path in waiting(tmp_path)]
    assert kept == [2, 3, 4]


def test_a_clock_that_is_ahead_is_told_and_the_runs_after_it_pass(server: Server, tmp_path: Path) -> None:
    """A run of a machine whose clock jumped by two days is refused for good and set aside; those after it are not held up."""
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "lichen.toml").touch()
    moments = [datetime.now(UTC) + timedelta(days=days) for days in (-400, 2, 0)]
    files = []
    for number, moment in enumerate(moments):
        content = run(number) | {"started_at": timestamp(moment), "ended_at": timestamp(moment)}
        files.append(runfile.write(folder / "lichen-runs", content))
    token = server.token()
    server.start()
    done = lichen(folder, token, "push", "--server", address(server), "--json", *(str(file.path) for file in files))
    said = json.loads(done.stdout)
    assert (said["sent"], said["waiting"], len(said["refused"])) == (2, 0, 1)
    assert "24 hours in the future" in said["refused"][0]
    assert len(list((folder / ".lichen" / "spool" / "refused").iterdir())) == 1
    assert server.stop() == 0
    assert landed(server.folder) == sorted([files[0].run_id, files[2].run_id])

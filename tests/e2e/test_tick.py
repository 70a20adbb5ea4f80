# SPDX-License-Identifier: Apache-2.0
"""`lichen tick` by real processes at once, on SQLite and on PostgreSQL, and with one of them killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update
from tests.postgres_support import Server, postgres_server

from lichen.store import Store, open_store
from lichen.store.models import JobRun, Lease, utc_now

pytestmark = [pytest.mark.slow, pytest.mark.beside]
AT_ONCE = 3
TICK = [sys.executable, "-m", "lichen", "tick", "--job", "note", "--json"]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with postgres_server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Store]]:
    """A folder whose one job writes a line and lasts for a moment, and its store."""
    url = request.getfixturevalue("postgres").url() if request.param == "postgresql" else None
    program = "import time; open('lines', 'a').write('x'); time.sleep(0.5)"
    server = "" if url is None else f"[server]\nstore = {json.dumps(url)}\n"
    job = f'[[job]]\nname = "note"\nat = "1440 minutes"\ncommand = {json.dumps([sys.executable, "-c", program])}\n'
    (tmp_path / "lichen.toml").write_text(server + job)
    with open_store(url, folder=tmp_path) as store:
        yield tmp_path, store


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(TICK, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def rows(store: Store) -> list[tuple[str, str | None]]:
    with store.reading() as session:
        return [(row.job, row.outcome) for row in session.scalars(select(JobRun))]


def test_those_who_ask_at_once_do_it_once(project: tuple[Path, Store]) -> None:
    folder, store = project
    started = [start(folder) for _ in range(AT_ONCE)]
    said = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * AT_ONCE, said
    assert sorted(len(json.loads(out)) for out, _ in said) == [0] * (AT_ONCE - 1) + [1]
    assert (folder / "lines").read_text() == "x"
    assert rows(store) == [("note", "done")]


def test_what_a_killed_one_left_is_done_again(project: tuple[Path, Store]) -> None:
    folder, store = project
    process = start(folder)
    while not (folder / "lines").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert rows(store) == [("note", None)]
    other = start(folder)  # the lease of the killed one still lasts
    assert json.loads(other.communicate(timeout=60)[0]) == []
    with store.session() as session:
        session.execute(update(Lease).values(until=utc_now()))
    last = start(folder)
    assert [one["outcome"] for one in json.loads(last.communicate(timeout=60)[0])] == ["done"]
    assert (folder / "lines").read_text() == "xx"
    assert rows(store) == [("note", "done")]

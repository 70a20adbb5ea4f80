# SPDX-License-Identifier: Apache-2.0
"""The server on a real PostgreSQL: kills, and a backup that goes from one kind of database to the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres_support import Server as Postgres
from tests.postgres_support import postgres_server
from tests.store_statements import statements
from tests.web.load_support import Server, journal, killed
from tests.web.server_support import client, context, run

from lichen.service import backup, landing
from lichen.store import open_store
from lichen.store.journal import Entry, JournalWriter
from lichen.store.queries import backup as queries

pytestmark = [pytest.mark.slow, pytest.mark.beside]
KILLS = 4


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as started:
        yield started


def test_no_acknowledged_run_is_lost_by_kills(postgres: Postgres, tmp_path: Path) -> None:
    server = Server(tmp_path, postgres.url())
    acknowledged = asyncio.run(killed(server, server.token(), KILLS, 100.0))
    kept = Counter(journal(tmp_path, server.store))
    assert acknowledged
    assert acknowledged <= kept.keys()
    assert set(kept.values()) == {1}
    assert server.store is not None
    with context(tmp_path, store=server.store) as found:
        while landing.status(found).pending:  # what a killed server began ends some seconds after it
            landing.land_all(found)
        assert sorted(found.ledger.runs(columns=["run_id"]).column("run_id").to_pylist()) == sorted(kept)


def test_runs_that_are_new_take_one_statement(postgres: Postgres) -> None:
    """Else each is looked for first, and costs the server three times as much."""
    entries = [Entry(key=key, body_sha256="aa", run_id=key, application_code="loans", body=b"body") for key in "abc"]
    with open_store(postgres.url()) as store, JournalWriter(store) as writer, statements(store) as said:
        writer.put_all(entries).result(10)
    assert [one.split()[0] for one in said] == ["INSERT"]


@pytest.mark.parametrize("way", ["to PostgreSQL", "from PostgreSQL"])
def test_a_backup_goes_from_one_kind_of_database_to_the_other(postgres: Postgres, tmp_path: Path, way: str) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    first, second = ({}, {"store": postgres.url()}) if way == "to PostgreSQL" else ({"store": postgres.url()}, {})
    with context(folders[0], **first) as web:
        with client(web) as api:
            assert api.post("/api/v1/runs", json={"runs": [run(i) for i in range(4)]}).status_code == 201
        landing.land_all(web)
        backup.back_up(web, tmp_path / "b.tar")
        with web.store.reading() as session:
            before = {name: list(queries.rows(session, name)) for name in queries.tables()}
    with context(folders[1], **second) as other:
        backup.restore(other, tmp_path / "b.tar")
        with other.store.reading() as session:
            assert {name: list(queries.rows(session, name)) for name in queries.tables()} == before
        with client(other) as api:  # the counters go on where they were
            assert api.post("/api/v1/runs", json=run(3)).status_code == 200
            assert api.post("/api/v1/runs", json=run(9)).status_code == 201
        assert landing.land_all(other) == 1

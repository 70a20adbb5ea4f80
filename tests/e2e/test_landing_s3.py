# SPDX-License-Identifier: Apache-2.0
"""The way to a real S3 server is cut while runs land: they are acknowledged all the same, and land once when it is back."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete
from tests.s3_support import S3, Cable, s3_server
from tests.web.load_support import body
from tests.web.server_support import client, context

from lichen.errors import StorageError
from lichen.outputs.web.context import WebContext
from lichen.service import landing
from lichen.store.models import Lease

pytestmark = [pytest.mark.slow, pytest.mark.beside]
CUTS = (1, 3_000, 12_000, 25_000, 60_000)
"""Bytes that still come through."""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture
def cable(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cable]:
    found = Cable(s3.url)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {**s3.environment, "AWS_ENDPOINT_URL": found.url}.items():
        monkeypatch.setenv(name, value)
    yield found
    found.close()


def land(web: WebContext) -> None:
    """As a process that has just begun."""
    with web.store.session() as session:
        session.execute(delete(Lease))
    landing.land_all(web)


def test_runs_land_once_however_the_way_is_cut(s3: S3, cable: Cable, tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    failed = 0
    with context(tmp_path, ledger=s3.place("cut")) as web, client(web) as api:
        land(web)
        for turn, after in enumerate(CUTS):
            cable.let_pass(after)
            for number in range(4 * turn, 4 * turn + 4):
                answer = api.post("/api/v1/runs", content=body(number))
                assert answer.status_code == 201
                acknowledged.add(answer.json()["run_id"])
            try:
                land(web)
            except StorageError as error:
                failed += "does not answer" in error.problem
            assert cable.let_pass(math.inf) <= 0 or after == CUTS[-1]
            land(web)
            rows = web.ledger.runs(columns=["run_id", "activities", "artefact_sha256"]).to_pylist()
            assert sorted(row["run_id"] for row in rows) == sorted(acknowledged)
            assert web.ledger.activities(columns=["run_id"]).num_rows == sum(row["activities"] for row in rows)
            assert all(web.ledger.evidence.run(row["artefact_sha256"]) for row in rows)
            assert landing.status(web).setbacks == []
    assert failed >= 3

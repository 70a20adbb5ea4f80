# SPDX-License-Identifier: Apache-2.0
"""From the journal to the ledger: what cannot land stops nothing else, is told, and is set aside; memory is bounded."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.web.server_support import client, context, run

from lichen.errors import ActivityError
from lichen.ledger import RunContent, runfile
from lichen.outputs.web.context import WebContext
from lichen.records import canonical_json
from lichen.service import landing, setbacks
from lichen.store.journal import Entry, JournalWriter
from lichen.store.models import IngestJournal, Run
from lichen.store.queries import landing as queries


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebContext]:
    with context(tmp_path) as found:
        yield found


def acknowledge(web: WebContext, *contents: dict[str, Any] | bytes) -> None:
    """Puts runs into the journal as they are, as an older version that checked less would have."""
    with JournalWriter(web.store) as journal:
        for number, content in enumerate(contents):
            body = content if isinstance(content, bytes) else gzip.compress(json.dumps(content).encode())
            key = f"{number}" if isinstance(content, bytes) else runfile.run_id(content)
            journal.put(Entry(key=key, body_sha256=key, run_id=key, application_code="loans", body=body)).result(10)


def unfit(number: int, place: str, value: Any) -> dict[str, Any]:
    content = run(number)
    content["activities"][0][place] = value
    return content


BAD: dict[str, dict[str, Any] | bytes] = {
    "a value that is a text": unfit(7, "value", "much"),
    "a value that no float holds": unfit(7, "value", 10**400),
    "a count that no column holds": {**run(7), "journeys": [{**run()["journeys"][0], "sampling": {"taken": 2**70}}]},
    "names that are no texts": {**run(7), "journeys": [{**run()["journeys"][0], "name": 5}]},
    "no activities": {**run(7), "activities": None},
    "no gzip": b"nonsense",
    "no JSON": gzip.compress(b"{"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_land_stops_nothing_else_and_is_named(web: WebContext, name: str) -> None:
    acknowledge(web, run(1), BAD[name], run(2))
    # What cannot land is tried again after a while, which may have passed on a busy machine.
    assert landing.land_all(web) >= 3
    assert web.ledger.runs().num_rows == 2
    found = landing.status(web)
    assert (found.pending, found.problem, len(found.setbacks), found.aside) == (1, "", 1, [])
    assert found.setbacks[0].reason
    with client(web) as api:
        checks = api.get("/ready").json()["checks"]["landing"]
    assert checks["pending"] == 1


def test_a_row_that_a_column_cannot_hold_is_the_row_s_fault(web: WebContext) -> None:
    content = {**run(7), "journeys": [{**run()["journeys"][0], "sampling": {"taken": 2**70}}]}
    with pytest.raises(ActivityError, match="does not fit the ledger's columns"):
        web.ledger.append_runs([RunContent.of(run(1)), RunContent.of(content)])
    assert web.ledger.runs().num_rows == 0
    assert web.ledger.status().evidence_files == 0


def test_after_some_attempts_a_run_is_set_aside_until_another_version_comes(
    web: WebContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(setbacks, "PAUSES_S", (0.0,) * 4)
    acknowledge(web, unfit(7, "value", "much"))
    land = landing.Landing(web)
    assert [land.step() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    land.release()
    found = landing.status(web)
    assert (found.pending, [one.attempts for one in found.aside]) == (0, [5])
    with client(web) as api:
        checks = api.get("/ready").json()["checks"]["landing"]
        assert checks["set_aside"] == [runfile.run_id(unfit(7, "value", "much"))[:12]]
        assert "loans" not in api.get("/ready").text
    for lang, said in (("en", "set aside"), ("fr", "mise de côté")):
        words = [sys.executable, "-m", "lichen", "ledger", "status", "--lang", lang]
        shown = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert said in shown
        assert "(loans): " in shown
    assert landing.land_all(web) == 0  # the next process knows
    monkeypatch.setattr(setbacks, "__version__", "0.0.1")
    assert landing.land_all(web) == 5  # another version tries again


def test_what_could_not_land_once_lands_later(web: WebContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setbacks, "PAUSES_S", (0.0,) * 4)
    acknowledge(web, run(1))
    land = landing.Landing(web)

    def fails(*_: Any) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as broken:
        broken.setattr(landing, "RunContent", fails)
        assert land.step() == 1
    assert [one.reason for one in landing.status(web).setbacks] == ["RuntimeError: a defect"]
    assert land.step() == 1
    land.tell("")
    land.release()
    assert landing.status(web).setbacks == []
    assert web.ledger.runs().num_rows == 1


def test_runs_are_taken_by_number_and_by_size(web: WebContext) -> None:
    acknowledge(web, *(run(number) for number in range(6)))
    with web.store.reading() as session:
        size = session.scalar(select(func.length(IngestJournal.body)).limit(1)) or 0

        def taken(limit: int, limit_bytes: int, *besides: int) -> list[int]:
            return [row.seq for row in queries.waiting(session, limit, limit_bytes, besides)]

        assert taken(4, 10**9) == [1, 2, 3, 4]
        assert taken(100, 3 * size + size // 2) == [1, 2, 3]
        assert taken(100, 1) == [1]  # one there always is
        assert taken(100, 10**9, 1, 4) == [2, 3, 5, 6]


def test_the_evidence_of_a_run_is_the_file_that_the_ledger_keeps(web: WebContext) -> None:
    content = run(1)
    web.ledger.append_runs([RunContent.of(content, gzip.compress(canonical_json(content), 9, mtime=5))])
    with client(web) as api:
        api.post("/api/v1/runs", json=content)
        api.post("/api/v1/runs", json=run(2))
    landing.land_all(web)
    with web.store.reading() as session:
        kept = list(session.scalars(select(Run.evidence)))
    assert len(kept) == 2
    for sha256 in kept:
        assert sha256 is not None
        assert web.ledger.evidence.run(sha256)


def test_the_journal_lets_go_of_files_after_some_days_and_still_knows_the_keys(tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=3)
    with context(tmp_path, journal_days=2) as web:  # type: ignore[arg-type]
        with client(web) as api:
            api.post("/api/v1/runs", json=run(1))
        landing.land_all(web)

        def bodies() -> list[bytes]:
            with web.store.reading() as session:
                return list(session.scalars(select(IngestJournal.body).order_by(IngestJournal.seq)))

        assert all(bodies())
        aged = WebContext(
            store=web.store, ledger=web.ledger, workspace=web.workspace, base_url=web.base_url, clock=lambda: later
        )
        with client(web) as api:
            api.post("/api/v1/runs", json=run(2))
        land = landing.Landing(aged)
        for _ in range(3):
            land.step()
        land.release()
        assert [len(body) > 0 for body in bodies()] == [False, True]
        with client(web) as api:
            assert api.post("/api/v1/runs", json=run(1)).status_code == 200
        assert web.ledger.run(runfile.run_id(run(1)))["project"] == "loans"

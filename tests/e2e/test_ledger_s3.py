# SPDX-License-Identifier: Apache-2.0
"""The ledger on a real S3 server: what holds in a folder holds there, and a server that is away is told in a sentence."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.ledger_support import batch_of, check_whole, copy_to, ids, row, run_of, writer
from tests.s3_support import S3, s3_server

from lichen.errors import StorageError
from lichen.ledger import Fact, Ledger, Slice, open_ledger
from lichen.records import Activity

pytestmark = [pytest.mark.slow, pytest.mark.beside]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture
def s3(server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def test_append_replace_read_compact_retain(s3: S3, tmp_path: Path) -> None:
    where = s3.place("whole/one")
    ledger = open_ledger(where)
    run = run_of(row(value=0.5, samples=[0.5, None]), row("memory_peak", 3.0))
    assert ledger.append_runs([run, *batch_of(0)]).runs == 6
    assert open_ledger(where).append_runs([run]).already == 1
    assert ledger.run(run.run_id) == run.content
    assert ledger.evaluable()[run.run_id][0]["samples"] == [0.5, None]
    with ledger.duckdb() as connection:
        assert connection.sql("SELECT count(*) FROM activities").fetchall() == [(2 + 5 * 40,)]
    cpu = {one["runs"]: one["value"] for one in ledger.totals(["day"], peaks={"memory_peak"})}
    assert cpu == {6: 0.5 + 5 * sum(range(40)), 1: 3.0}

    chosen = Slice(source="bill:aws", first_day=date(2026, 1, 1), end_day=date(2026, 2, 1))
    for value in (1.0, 2.0):
        ledger.replace(chosen, [fact(value), fact(value)])
    bills = [one for one in ledger.rows("activities") if one["source"] == "bill:aws"]
    assert [one["value"] for one in bills] == [2.0, 2.0]

    copy_to(where, tmp_path / "copy")
    assert sorted(map(str, open_ledger(str(tmp_path / "copy")).rows("activities"))) == sorted(
        map(str, ledger.rows("activities"))
    )

    # The activities of runs and those of the bill, and the runs.
    assert ledger.compact(keep_hours=0).files_after == 3
    assert len(ids(ledger)) == 6
    done = ledger.retain(date(2026, 3, 2))
    assert (done.runs, done.evidence_removed) == (6, 6)
    found = ledger.status()
    assert (found.runs, found.activities, found.evidence_files) == (0, {}, 0)
    assert open_ledger(where).append_runs([run]).expired == 1


def fact(value: float) -> Fact:
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    activity = Activity(entity="loans/vm", quantity="energy", value=value, unit="kWh", method="metered")
    return Fact(activity=activity, run_id="f" * 64, started_at=moment, ended_at=moment)


def test_writers_at_once_and_one_that_is_killed(s3: S3) -> None:
    where = s3.place("writers")
    open_ledger(where)
    processes = [writer(where, *range(6)), writer(where, *reversed(range(6))), writer(where, *range(6))]
    victim = processes[2]
    assert victim.stdout is not None
    victim.stdout.readline()
    time.sleep(0.05)
    victim.send_signal(signal.SIGKILL)
    ledger = open_ledger(where)
    try:
        while any(process.poll() is None for process in processes):
            check_whole(ledger, size=5)
    finally:
        said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes[:2]] == [0, 0], said
    assert len(ids(ledger)) == check_whole(ledger, size=5) == 30


def test_wrong_credentials_are_told(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    where = s3.place("secret")
    open_ledger(where)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-this-one")
    with pytest.raises(StorageError, match="refuses these credentials") as caught:
        open_ledger(where)
    assert "not-this-one" not in caught.value.sentence()


def test_another_place_of_the_bucket_is_refused(s3: S3) -> None:
    open_ledger(s3.place("deep/ledger"))
    with pytest.raises(StorageError, match="is no ledger, and not empty"):
        open_ledger(s3.place("deep"))
    with pytest.raises(StorageError, match="There is no ledger in"):
        open_ledger(s3.place("none"), create=False)


def test_a_server_that_is_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server(tmp_path / "s3") as gone:
        for name, value in gone.environment.items():
            monkeypatch.setenv(name, value)
        ledger = open_ledger(gone.place("away"))
        ledger.append_runs(batch_of(0))
        gone.stop()

        def summed(ledger: Ledger) -> Any:
            return ledger.totals(["day"], peaks=())

        for attempt in (
            lambda: open_ledger(gone.place("away")), lambda: ledger.append_runs(batch_of(1)), lambda: ledger.activities(),
            lambda: ledger.evidence.put(b"x"), lambda: ledger.status(), lambda: ledger.compact(), lambda: summed(ledger),
        ):  # fmt: skip
            with pytest.raises(StorageError, match="does not answer") as caught:
                attempt()
            assert "\n" not in caught.value.sentence()
            assert "AWS_ENDPOINT_URL" in caught.value.repair

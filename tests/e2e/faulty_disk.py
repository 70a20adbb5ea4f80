# SPDX-License-Identifier: Apache-2.0
"""What survives a disk that fails at the N-th write or sync, for every EVERY-th N; `test_disk_faults.py` runs it with the shim.

    LD_PRELOAD=SHIM python tests/e2e/faulty_disk.py FOLDER SHIM journal|landing EVERY

Prints a JSON object a line: what was tried, and what is wrong (nothing, when all is well).
"""

from __future__ import annotations

import ctypes
import errno
import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import delete, select, text
from tests.web.load_support import body
from tests.web.server_support import context

from lichen import nomenclature
from lichen.errors import LichenError
from lichen.service import ingest, landing
from lichen.service.ingest_rows import RowCheck
from lichen.store import open_store
from lichen.store.journal import Entry, JournalWriter, Receipts
from lichen.store.models import IngestJournal, Lease, Run

REQUESTS = ((1,), (2, 3, 4), (5,), (6, 7))
"""Runs of each request: all of one are there, or none is."""
FOREVER = 2**40


class Disk:
    """The disk below a folder."""

    def __init__(self, shim: str, folder: Path) -> None:
        self._shim = ctypes.CDLL(shim)
        self._shim.faulty_disk_calls.restype = ctypes.c_long
        self._folder = str(folder).encode()

    @contextmanager
    def failing(self, first: int, last: int, number: int) -> Iterator[Callable[[], int]]:
        """Fails calls first to last with an error number; gives how many calls there were."""
        calls = self._shim.faulty_disk_calls
        self._shim.faulty_disk_arm(self._folder, ctypes.c_long(first), ctypes.c_long(last), number)
        try:
            yield calls
        finally:
            self._shim.faulty_disk_arm(b"", ctypes.c_long(0), ctypes.c_long(0), 0)


def entry(number: int) -> Entry:
    """A run as the way in makes it."""
    (run,) = ingest.take(body(number), RowCheck(nomenclature.load()), datetime.now(UTC)).runs
    return Entry(
        key=run.run_id, body_sha256=run.run_id, run_id=run.run_id, application_code=run.application, body=run.body
    )


def attempt_journal(folder: Path, disk: Disk, requests: Sequence[Sequence[Entry]], fault: tuple[int, int, int]) -> int:
    """Writes under faults, one request after the other, then without; calls counted. AssertionError when a promise is broken."""
    first, last, number = fault
    answers: list[Future[Receipts]] = []
    with disk.failing(first, last, number) as calls:
        try:
            with open_store(folder=folder) as store, JournalWriter(store) as writer:
                for request in requests:
                    answer = writer.put_all(request)
                    answers.append(answer)
                    answer.exception()
        except LichenError:
            pass  # it could not be opened
        seen = calls()
    told = [answer.exception() for answer in answers]
    assert all(error is None or isinstance(error, LichenError) for error in told), told
    with open_store(folder=folder) as store:
        there = kept(folder)
        assert max(there.values(), default=1) == 1, "doubled"
        for request, error in zip(requests, told, strict=False):
            found = [one.key in there for one in request]
            assert all(found) or not any(found), "half of a request"
            assert error is not None or all(found), "acknowledged and lost"
        with JournalWriter(store) as writer:  # whoever had no answer sends again
            for request in requests:
                writer.put_all(request).result(10)
        with store.reading() as session:
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
    assert kept(folder) == Counter({one.key: 1 for request in requests for one in request})
    return seen


def kept(folder: Path) -> Counter[str]:
    """Keys of the journal."""
    with open_store(folder=folder) as store, store.reading() as session:
        return Counter(session.scalars(select(IngestJournal.key)))


def attempt_landing(folder: Path, disk: Disk, requests: Sequence[Sequence[Entry]], fault: tuple[int, int, int]) -> int:
    """Lands under faults, then without; calls counted. AssertionError when a promise is broken."""
    first, last, number = fault
    with context(folder) as found, JournalWriter(found.store) as writer:
        for request in requests:
            writer.put_all(request).result(10)
    with disk.failing(first, last, number) as calls:
        try:
            with context(folder) as found:
                landing.land_all(found)
        except LichenError:
            pass  # told; the next one goes on
        seen = calls()
    wanted = sorted(one.run_id for request in requests for one in request)
    with context(folder) as found:
        with found.store.session() as session:
            session.execute(delete(Lease))  # as of a process that died
        landing.land_all(found)
        assert landing.status(found).setbacks == [], "a fault of the disk was taken for a fault of a run"
        runs = found.ledger.runs(columns=["run_id", "activities", "artefact_sha256"]).to_pylist()
        assert sorted(row["run_id"] for row in runs) == wanted, "lost or doubled"
        assert found.ledger.activities(columns=["run_id"]).num_rows == sum(row["activities"] for row in runs)
        for row in runs:
            assert found.ledger.evidence.run(row["artefact_sha256"])["schema"] == "lichen-run/1"
        with found.store.reading() as session:
            assert sorted(session.scalars(select(Run.run_id))) == wanted
            assert set(session.scalars(select(IngestJournal.state))) == {"landed"}
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
    return seen


def faults(last: int, every: int) -> Iterator[tuple[int, int, int]]:
    """One call that fails, and a disk that stays broken or full, from a call on."""
    for number in range(1, last + 1, every):
        yield number, number, errno.EIO
        yield number, FOREVER, (errno.ENOSPC, errno.EIO)[number % 2]


def main() -> int:
    """0 when every promise was kept."""
    folder, shim, what, every = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    attempt = attempt_journal if what == "journal" else attempt_landing
    fresh = folder / "fresh"
    fresh.mkdir(parents=True)
    with context(fresh) as found:
        found.ledger.check()
    requests = [[entry(number) for number in request] for request in REQUESTS]

    def tried(fault: tuple[int, int, int]) -> int:
        place = folder / "tried"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(fresh, place)
        return attempt(place, Disk(shim, place), requests, fault)

    calls = tried((0, 0, 0))
    wrong = tries = 0
    for fault in faults(calls, every):
        tries += 1
        try:
            tried(fault)
        except Exception as error:  # noqa: BLE001 - told, then the next one
            wrong += 1
            sys.stdout.write(json.dumps({"fault": fault, "wrong": f"{type(error).__name__}: {error}"[:500]}) + "\n")
    sys.stdout.write(json.dumps({"calls": calls, "tries": tries, "wrong": wrong}) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

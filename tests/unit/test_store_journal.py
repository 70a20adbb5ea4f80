# SPDX-License-Identifier: Apache-2.0
"""The ingest journal and leases, on SQLite: acknowledged once it is durable, once each, all of a request or none."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from tests.store_statements import statements

from lichen.errors import StorageError, StoreBusy, StoreConflict
from lichen.store import Store, engine, open_store
from lichen.store.journal import BATCH, Entry, JournalWriter, Receipt
from lichen.store.lease import Lease, database_now
from lichen.store.models import IngestJournal, utc_now
from lichen.store.models import Lease as LeaseRow


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(folder=tmp_path) as opened:
        yield opened


@pytest.fixture
def writer(store: Store) -> Iterator[JournalWriter]:
    with JournalWriter(store) as opened:
        yield opened


def entry(key: str, sha: str = "aa", body: bytes = b"body") -> Entry:
    return Entry(key=key, body_sha256=sha, run_id=f"run-{key}", application_code="portal", body=body)


def keys(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.scalars(select(IngestJournal.key).order_by(IngestJournal.seq)))


def test_an_entry_is_durable_when_its_receipt_is_there(store: Store, writer: JournalWriter) -> None:
    receipt = writer.put(entry("a")).result(10)
    assert receipt == Receipt(key="a", run_id="run-a", is_new=True)
    with store.reading() as session:
        row = session.scalars(select(IngestJournal)).one()
    assert (row.body, row.state, row.application_code, row.landed_at) == (b"body", "pending", "portal", None)
    assert abs(row.received_at - utc_now()) < timedelta(minutes=1)


def test_the_same_again_is_the_same_row_and_another_body_is_a_conflict(store: Store, writer: JournalWriter) -> None:
    assert writer.put(entry("a")).result(10).is_new
    assert not writer.put(entry("a")).result(10).is_new
    with pytest.raises(StoreConflict, match="The key 'a' came before with another body"):
        writer.put(entry("a", sha="bb")).result(10)
    assert keys(store) == ["a"]


def test_a_request_is_all_or_nothing(store: Store, writer: JournalWriter) -> None:
    writer.put(entry("b")).result(10)
    with pytest.raises(StoreConflict):
        writer.put_all([entry("a"), entry("b", sha="other"), entry("c")]).result(10)
    assert keys(store) == ["b"]
    receipts = writer.put_all([entry("a"), entry("b"), entry("c")]).result(10)
    assert [receipt.is_new for receipt in receipts] == [True, False, True]
    assert keys(store) == ["b", "a", "c"]


def test_a_request_that_contradicts_itself_is_refused(store: Store, writer: JournalWriter) -> None:
    with pytest.raises(StoreConflict):
        writer.put_all([entry("a"), entry("a", sha="bb")]).result(10)
    assert keys(store) == []
    writer.put_all([entry("a"), entry("a")]).result(10)
    assert keys(store) == ["a"]


def test_what_waits_is_written_together_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    with open_store(folder=tmp_path) as store:
        # Nothing is written while somebody else writes: all of this is in one batch or two.
        writer = JournalWriter(store)
        with store.session() as session:
            session.execute(text("SELECT 1"))
            answers = [writer.put(entry(f"k{number // 2}", sha=f"{number % 2}")) for number in range(20)]
            assert writer.waiting == 20
        writer.close()
        won = [answer.exception() is None for answer in answers]
        assert won == [True, False] * 10
        assert all(isinstance(answer.exception(), StoreConflict) for answer in answers[1::2])
        assert keys(store) == [f"k{number}" for number in range(10)]
        assert writer.waiting == 0


def test_a_request_larger_than_a_batch_is_one_transaction(store: Store, writer: JournalWriter) -> None:
    many = [entry(f"k{number}") for number in range(3 * BATCH)]
    assert len(writer.put_all(many).result(30)) == 3 * BATCH
    assert len(keys(store)) == 3 * BATCH


def test_too_much_waiting_is_refused_at_once_and_an_empty_queue_takes_anything(tmp_path: Path) -> None:
    with open_store(folder=tmp_path) as store, JournalWriter(store, max_waiting=3, max_waiting_bytes=100) as writer:
        assert writer.put(entry("large", body=b"x" * 1000)).result(10).is_new
        with store.session() as session:
            session.execute(text("SELECT 1"))
            answers = [writer.put(entry(f"k{number}")) for number in range(3)]
            with pytest.raises(StoreBusy, match="3 runs wait to be written"):
                writer.put(entry("one too many"))
            with pytest.raises(StoreBusy):
                writer.put_all([entry("x", body=b"x" * 200)])
        assert [answer.result(10).is_new for answer in answers] == [True] * 3
        assert writer.put(entry("later")).result(10).is_new


def test_closing_writes_what_waits_and_takes_no_more(store: Store) -> None:
    writer = JournalWriter(store)
    answers = [writer.put(entry(f"k{number}")) for number in range(50)]
    writer.close()
    assert all(answer.done() and answer.result().is_new for answer in answers)
    with pytest.raises(StoreBusy, match="stopping"):
        writer.put(entry("late"))
    assert len(keys(store)) == 50


def test_one_bad_entry_is_not_paid_for_by_the_others(store: Store, writer: JournalWriter) -> None:
    with store.session() as session:
        # A value that the database cannot take: half of a surrogate pair is no UTF-8.
        session.execute(text("SELECT 1"))
        good = writer.put(entry("good"))
        bad = writer.put(Entry(key="bad", body_sha256="\ud800", run_id="r", application_code="x", body=b""))
        also = writer.put(entry("also good"))
    assert good.result(10).is_new
    assert also.result(10).is_new
    assert "no Unicode" in str(bad.exception(10))
    assert keys(store) == ["good", "also good"]


def test_a_locked_store_refuses_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.2)
    with open_store(folder=tmp_path) as store, JournalWriter(store) as writer:
        with store.session() as session:
            session.execute(text("SELECT 1"))
            with pytest.raises(StoreBusy, match="is busy"):
                writer.put(entry("a")).result(10)
        assert writer.put(entry("a")).result(10).is_new


def test_a_full_disk_refuses_and_recovers(store: Store) -> None:
    def limit(pages: int) -> None:
        with store.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with JournalWriter(store) as writer:
        writer.put(entry("before")).result(10)
        # The limit belongs to a connection; the pool hands the same one out again while nobody else asks.
        with store.engine.connect() as connection:
            used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        limit(used)
        with pytest.raises(StorageError, match="no space left"):
            writer.put(entry("large", body=b"x" * 100_000)).result(10)
        limit(1_000_000)
        assert writer.put(entry("after")).result(10).is_new
    assert keys(store) == ["before", "after"]


def test_numbers_are_never_given_twice(store: Store, writer: JournalWriter) -> None:
    writer.put(entry("a")).result(10)
    with store.session() as session:
        first = session.scalars(select(IngestJournal.seq)).one()
        session.execute(text("DELETE FROM ingest_journal"))
    writer.put(entry("b")).result(10)
    with store.reading() as session:
        assert session.scalars(select(IngestJournal.seq)).one() > first


def test_a_batch_in_which_one_key_is_known_says_which_and_writes_the_others(
    store: Store, writer: JournalWriter
) -> None:
    writer.put(entry("b")).result(10)
    with store.session() as session:  # while somebody else writes, all of them come together
        session.execute(text("SELECT 1"))
        answers = [writer.put(entry(key)) for key in "abc"]
    assert [answer.result(10).is_new for answer in answers] == [True, False, True]
    assert keys(store) == ["b", "a", "c"]


def test_runs_that_are_new_take_one_statement(store: Store, writer: JournalWriter) -> None:
    writer.put(entry("first")).result(10)
    with statements(store) as said:
        writer.put_all([entry(key) for key in "abc"]).result(10)
    assert [one.split()[0] for one in said if not one.startswith(("PRAGMA", "BEGIN"))] == ["INSERT"]


PUSH = """
import pathlib, sys
from lichen.store import open_store
from lichen.store.journal import Entry, JournalWriter
folder, mine = pathlib.Path(sys.argv[1]), sys.argv[2]
with open_store(folder=folder) as store, JournalWriter(store) as writer:
    number = 0
    while number < int(sys.argv[3]):
        wave = [f"shared-{number + step}" if step % 2 else f"{mine}-{number + step}" for step in range(20)]
        answers = [
            (key, writer.put(Entry(key=key, body_sha256=key, run_id=key, application_code="x", body=b"b" * 2000)))
            for key in wave
        ]
        for key, answer in answers:
            answer.result()
            print(key, flush=True)
        number += 20
"""


def _push(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PUSH, str(folder), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_write_one_journal(tmp_path: Path) -> None:
    open_store(folder=tmp_path).close()
    both = [_push(tmp_path, name, 400) for name in ("a", "b")]
    told = [process.communicate(timeout=60)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [len(lines) for lines in told] == [400, 400]
    with open_store(folder=tmp_path) as store:
        there = keys(store)
    assert len(there) == len(set(there)) == 600
    assert set(there) == {*told[0], *told[1]}


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    open_store(folder=tmp_path).close()
    acknowledged: list[str] = []
    for attempt in range(3):
        process = _push(tmp_path, f"try-{attempt}", 10**9)
        assert process.stdout is not None
        acknowledged += [process.stdout.readline().strip() for _ in range(150 + 37 * attempt)]
        process.send_signal(signal.SIGKILL)
        # Not by `communicate`, which begins behind what was read ahead of the last line. The last one may be half a line.
        acknowledged += process.stdout.read().splitlines()[:-1]
        process.stdout.close()
        process.wait(30)
    with open_store(folder=tmp_path) as store:
        there = keys(store)
        with store.reading() as session:
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
            assert session.scalar(select(func.count()).select_from(IngestJournal)) == len(set(there))
    assert set(acknowledged) <= set(there)


# --- leases


def test_one_holds_a_lease_until_it_is_released(store: Store) -> None:
    one, other = Lease(store, "landing"), Lease(store, "landing")
    assert one.acquire()
    assert not other.acquire()
    assert one.acquire()
    assert Lease(store, "something else").acquire()
    other.release()  # what one does not hold
    assert not other.acquire()
    one.release()
    assert other.acquire()


def test_a_lease_that_is_not_renewed_ends(store: Store) -> None:
    one, other = Lease(store, "landing", ttl_s=0.3), Lease(store, "landing", ttl_s=0.3)
    assert one.acquire()
    deadline = time.monotonic() + 10
    while not other.acquire():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_lease_that_was_taken_while_the_clock_was_ahead_holds_nobody_up(store: Store) -> None:
    with store.session() as session:
        session.add(LeaseRow(name="landing", holder="gone", until=utc_now() + timedelta(days=1)))
    assert Lease(store, "landing").acquire()
    assert not Lease(store, "landing").acquire()


def test_of_many_who_ask_at_once_one_gets_it(store: Store) -> None:
    leases = [Lease(store, "landing") for _ in range(8)]
    won: list[bool] = []
    start = threading.Barrier(8)

    def ask(lease: Lease) -> None:
        start.wait(10)
        won.append(lease.acquire())

    threads = [threading.Thread(target=ask, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_the_clock_is_the_databases(store: Store) -> None:
    with store.reading() as session:
        assert abs(database_now(session) - utc_now()) < timedelta(seconds=60)

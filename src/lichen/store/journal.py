# SPDX-License-Identifier: Apache-2.0
"""The ingest journal: runs are acknowledged once they are on disk, many by one commit.

One thread writes. Whatever waits when it gets to it goes into one transaction, so that the cost of making it durable is shared,
and a sender alone does not wait for others.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Self

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lichen.errors import LichenError, StoreBusy, StoreConflict
from lichen.store.models import IngestJournal, utc_now
from lichen.store.opening import Store

BATCH: Final = 256
"""Most runs of one transaction, unless one request has more."""
MAX_WAITING: Final = 4096
MAX_WAITING_BYTES: Final = 64 * 2**20
_ATTEMPTS: Final = 3
"""How often a transaction is begun again because another server wrote one of its keys meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A run to acknowledge.

    Attributes:
        key: the sender's idempotency key. body_sha256: hash of what it stands for.
        body: the run file, gzipped.
        token_id: of the token that sent it, None when nobody signed in.
    """

    key: str
    body_sha256: str
    run_id: str
    application_code: str
    body: bytes
    token_id: str | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The row of an entry that is safe. ``is_new`` is False when the same key and body had come before."""

    seq: int
    key: str
    run_id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Request:
    entries: tuple[Entry, ...]
    answer: Future[tuple[Receipt, ...]]

    @property
    def size(self) -> int:
        return sum(len(entry.body) for entry in self.entries)


class _Row(NamedTuple):
    seq: int
    key: str
    run_id: str
    body_sha256: str


class _Raced(Exception):
    """Another server wrote one of the keys with another body, after they were looked up."""


class JournalWriter:
    """The one writer of this process.

    Args:
        store: where the journal is.
        max_waiting: runs that may wait; max_waiting_bytes: bytes of their bodies. More are refused.
    """

    def __init__(
        self, store: Store, *, max_waiting: int = MAX_WAITING, max_waiting_bytes: int = MAX_WAITING_BYTES
    ) -> None:
        self._store = store
        self._max_waiting = max_waiting
        self._max_waiting_bytes = max_waiting_bytes
        self._requests: deque[_Request] = deque()
        self._waiting = 0
        self._waiting_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="lichen-journal", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Runs that were taken and are not yet safe."""
        return self._waiting

    def put(self, entry: Entry) -> Future[Receipt]:
        """Acknowledge one run; see `put_all`."""
        one: Future[Receipt] = Future()

        def pass_on(all_of_it: Future[tuple[Receipt, ...]]) -> None:
            error = all_of_it.exception()
            if error is not None:
                one.set_exception(error)
            else:
                one.set_result(all_of_it.result()[0])

        request = self.put_all((entry,))
        one.set_running_or_notify_cancel()
        request.add_done_callback(pass_on)
        return one

    def put_all(self, entries: Sequence[Entry]) -> Future[tuple[Receipt, ...]]:
        """Acknowledge the runs of one request, all or none.

        Returns:
            Their receipts, once all are durable; or StoreConflict (a key came before with another body), StoreBusy or
            StorageError, and then this request left nothing behind.

        Raises:
            StoreBusy: too much is waiting already, or the writer is closing.
        """
        request = _Request(tuple(entries), Future())
        request.answer.set_running_or_notify_cancel()
        with self._changed:
            full = self._waiting > 0 and (
                self._waiting + len(request.entries) > self._max_waiting
                or self._waiting_bytes + request.size > self._max_waiting_bytes
            )
            if full or self._closing:
                raise StoreBusy(
                    f"{self._waiting} runs wait to be written." if full else "The server is stopping.",
                    repair="Send it again later.",
                    culprit=self._store.shown,
                )
            self._requests.append(request)
            self._count(request, 1)
            self._changed.notify()
        return request.answer

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _count(self, request: _Request, sign: int) -> None:
        self._waiting += sign * len(request.entries)
        self._waiting_bytes += sign * request.size

    def _work(self) -> None:
        while requests := self._next():
            self._write(requests)
            with self._changed:
                for request in requests:
                    self._count(request, -1)

    def _next(self) -> list[_Request]:
        with self._changed:
            self._changed.wait_for(lambda: self._requests or self._closing)
            taken: list[_Request] = []
            count = 0
            while self._requests and (not taken or count + len(self._requests[0].entries) <= BATCH):
                taken.append(self._requests.popleft())
                count += len(taken[-1].entries)
            return taken

    def _write(self, requests: Sequence[_Request]) -> None:
        try:
            answers = self._commit(requests)
        except Exception as error:  # noqa: BLE001 - whatever happened, somebody waits for the answer
            # One request may hold what the database refuses: the others shall not pay for it. That somebody else writes is
            # no request's fault, and each would wait as long again.
            if len(requests) > 1 and not isinstance(error, StoreBusy):
                for request in requests:
                    self._write([request])
                return
            for request in requests:
                request.answer.set_exception(error)
            return
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, LichenError):
                request.answer.set_exception(answer)
            else:
                request.answer.set_result(answer)

    def _commit(self, requests: Sequence[_Request]) -> list[tuple[Receipt, ...] | StoreConflict]:
        for _ in range(_ATTEMPTS):
            try:
                with self._store.session() as session:
                    return _record(session, requests)
            except _Raced:
                continue
        raise StoreBusy("Other servers write the same keys.", repair="Send it again.", culprit=self._store.shown)


def _record(session: Session, requests: Sequence[_Request]) -> list[tuple[Receipt, ...] | StoreConflict]:
    """Insert what is new, in order; what each request is answered once this is committed."""
    entries = [entry for request in requests for entry in request.entries]
    keys = [entry.key for entry in entries]
    if len(set(keys)) == len(keys):  # nearly always all of them are new
        with session.begin_nested() as trial:
            numbers = _insert(session, entries)
            if len(numbers) == len(entries):
                return [
                    tuple(
                        Receipt(seq=numbers[one.key], key=one.key, run_id=one.run_id, is_new=True)
                        for one in request.entries
                    )
                    for request in requests
                ]
            trial.rollback()
    known = {key: row.body_sha256 for key, row in _rows(session, keys).items()}
    refused: dict[int, StoreConflict] = {}
    new: dict[str, Entry] = {}
    for position, request in enumerate(requests):
        mine: dict[str, Entry] = {}
        for entry in request.entries:
            before = known.get(entry.key) or (mine[entry.key].body_sha256 if entry.key in mine else entry.body_sha256)
            if before != entry.body_sha256:
                refused[position] = _conflict(entry)
                break
            if entry.key not in known:
                mine[entry.key] = entry
        else:
            new.update(mine)
            known.update({key: entry.body_sha256 for key, entry in mine.items()})
    inserted = _insert(session, list(new.values()))
    rows = _rows(session, keys)
    answers: list[tuple[Receipt, ...] | StoreConflict] = []
    for position, request in enumerate(requests):
        if position in refused:
            answers.append(refused[position])
            continue
        if any(rows[entry.key].body_sha256 != entry.body_sha256 for entry in request.entries):
            raise _Raced
        answers.append(tuple(_receipt(rows[entry.key], is_new=new.get(entry.key) is entry and entry.key in inserted)
                             for entry in request.entries))  # fmt: skip
    return answers


def _rows(session: Session, keys: Sequence[str]) -> dict[str, _Row]:
    table = IngestJournal
    chosen = select(table.key, table.seq, table.run_id, table.body_sha256).where(table.key.in_(keys))
    return {row.key: _Row(row.seq, row.key, row.run_id, row.body_sha256) for row in session.execute(chosen)}


def _insert(session: Session, entries: Sequence[Entry]) -> dict[str, int]:
    """Keys and numbers of the rows that were added; the others were there."""
    if not entries:
        return {}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    now = utc_now()
    rows = [
        {
            "key": entry.key, "body_sha256": entry.body_sha256, "run_id": entry.run_id, "body": entry.body,
            "application_code": entry.application_code, "token_id": entry.token_id, "received_at": entry.received_at or now,
            "state": "pending",
        }
        for entry in entries
    ]  # fmt: skip
    statement = dialect.insert(IngestJournal.__table__).on_conflict_do_nothing(index_elements=("key",))
    return {
        row.key: row.seq for row in session.execute(statement.returning(IngestJournal.key, IngestJournal.seq), rows)
    }


def _conflict(entry: Entry) -> StoreConflict:
    return StoreConflict(
        f"The key '{entry.key}' came before with another body.", repair="Use a new key for each run.", culprit=entry.key
    )


def _receipt(row: _Row, *, is_new: bool) -> Receipt:
    return Receipt(seq=row.seq, key=row.key, run_id=row.run_id, is_new=is_new)

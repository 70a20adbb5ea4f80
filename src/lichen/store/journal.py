# SPDX-License-Identifier: Apache-2.0
"""The ingest journal: runs are acknowledged once they are on disk, many by one commit.

One thread writes. Whatever waits when it gets to it goes into one transaction, so that the cost of making it durable is shared.
A sender alone does not wait for others; where there are many, some milliseconds gather more of them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, Self

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lichen.errors import StoreBusy, StoreConflict
from lichen.store.models import IngestJournal, utc_now
from lichen.store.opening import Store

BATCH: Final = 256
"""Most runs of one transaction, unless one request has more."""
MAX_WAITING: Final = 4096
MAX_WAITING_BYTES: Final = 64 * 2**20
_ATTEMPTS: Final = 3
"""How often a transaction is begun again because another server wrote one of its keys meanwhile."""
_GATHER_S: Final = 0.008
"""How long more requests are waited for, once several came together: a commit costs the same for one as for twenty."""


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
    """An entry that is safe. ``is_new`` is False when the same key and body had come before."""

    key: str
    run_id: str
    is_new: bool


Receipts = tuple[Receipt, ...]


class Answer(Protocol):
    """What waits for the receipts of a request: a future of threads or of a loop."""

    def done(self) -> bool:
        """Whether nobody waits any more."""
        ...

    def set_result(self, result: Any, /) -> None:
        """They are there."""
        ...

    def set_exception(self, exception: Any, /) -> None:
        """There are none."""
        ...


Outcome = tuple[Answer, Receipts | Exception]


def settle(outcomes: Sequence[Outcome]) -> None:
    """Hands the outcomes of a batch to those who wait."""
    for answer, outcome in outcomes:
        if answer.done():
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


@dataclass(frozen=True, slots=True)
class _Request:
    entries: tuple[Entry, ...]
    answer: Answer
    size: int


class _Known(Exception):
    """Some of the keys came before."""


class _Raced(Exception):
    """Another server wrote one of the keys with another body, after they were looked up."""


class JournalWriter:
    """The one writer of this process.

    Args:
        store: where the journal is.
        max_waiting: runs that may wait; max_waiting_bytes: bytes of their bodies. More are refused.
        tell: called in the writer's thread with the outcomes of each batch; a loop hands them on to its own thread.
    """

    def __init__(
        self,
        store: Store,
        *,
        max_waiting: int = MAX_WAITING,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        tell: Callable[[Sequence[Outcome]], None] = settle,
    ) -> None:
        self._store = store
        self._tell = tell
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

        def pass_on(all_of_it: Future[Receipts]) -> None:
            error = all_of_it.exception()
            if error is not None:
                one.set_exception(error)
            else:
                one.set_result(all_of_it.result()[0])

        request = self.put_all((entry,))
        one.set_running_or_notify_cancel()
        request.add_done_callback(pass_on)
        return one

    def put_all(self, entries: Sequence[Entry]) -> Future[Receipts]:
        """Acknowledge the runs of one request, all or none.

        Returns:
            Their receipts, once all are durable; or StoreConflict (a key came before with another body), StoreBusy or
            StorageError, and then this request left nothing behind.

        Raises:
            StoreBusy: too much is waiting already, or the writer is closing.
        """
        answer: Future[Receipts] = Future()
        answer.set_running_or_notify_cancel()
        self.submit(entries, answer)
        return answer

    def submit(self, entries: Sequence[Entry], answer: Answer) -> None:
        """As `put_all`, for somebody who brings what waits."""
        request = _Request(tuple(entries), answer, sum(len(entry.body) for entry in entries))
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
        crowded = False
        while requests := self._next(crowded):
            self._write(requests)
            crowded = len(requests) > 1
            with self._changed:
                for request in requests:
                    self._count(request, -1)

    def _next(self, crowded: bool) -> list[_Request]:
        with self._changed:
            self._changed.wait_for(lambda: self._requests or self._closing)
            gathering = crowded and not self._closing and len(self._requests) < BATCH
        if gathering:
            time.sleep(_GATHER_S)
        with self._changed:
            taken: list[_Request] = []
            count = 0
            while self._requests and (not taken or count + len(self._requests[0].entries) <= BATCH):
                taken.append(self._requests.popleft())
                count += len(taken[-1].entries)
            return taken

    def _write(self, requests: Sequence[_Request]) -> None:
        try:
            answers: Sequence[Receipts | Exception] = self._commit(requests)
        except Exception as error:  # noqa: BLE001 - whatever happened, somebody waits for the answer
            # One request may hold what the database refuses: the others shall not pay for it. That somebody else writes is
            # no request's fault, and each would wait as long again.
            if len(requests) > 1 and not isinstance(error, StoreBusy):
                for request in requests:
                    self._write([request])
                return
            answers = [error] * len(requests)
        self._tell([(request.answer, answer) for request, answer in zip(requests, answers, strict=True)])

    def _commit(self, requests: Sequence[_Request]) -> Sequence[Receipts | Exception]:
        entries = [entry for request in requests for entry in request.entries]
        with suppress(_Known):
            if len({entry.key for entry in entries}) == len(entries):  # nearly always all of them are new
                with self._store.session() as session:
                    _insert_new(session, entries)
                return [
                    tuple(Receipt(key=one.key, run_id=one.run_id, is_new=True) for one in request.entries)
                    for request in requests
                ]
        for _ in range(_ATTEMPTS):
            try:
                with self._store.session() as session:
                    return _record(session, requests)
            except _Raced:
                continue
        raise StoreBusy("Other servers write the same keys.", repair="Send it again.", culprit=self._store.shown)


def _record(session: Session, requests: Sequence[_Request]) -> list[Receipts | Exception]:
    """Insert what is new, in order; what each request is answered once this is committed."""
    keys = [entry.key for request in requests for entry in request.entries]
    known = _bodies(session, keys)
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
    bodies = _bodies(session, keys)
    answers: list[Receipts | Exception] = []
    for position, request in enumerate(requests):
        if position in refused:
            answers.append(refused[position])
            continue
        if any(bodies[entry.key] != entry.body_sha256 for entry in request.entries):
            raise _Raced
        answers.append(
            tuple(
                Receipt(
                    key=entry.key,
                    run_id=entry.run_id,
                    is_new=new.get(entry.key) is entry and entry.key in inserted,
                )
                for entry in request.entries
            )
        )
    return answers


def _bodies(session: Session, keys: Sequence[str]) -> dict[str, str]:
    """Hashes of the bodies that keys stand for; a key that never came is absent."""
    table = IngestJournal
    chosen = select(table.key, table.body_sha256).where(table.key.in_(keys))
    return {row.key: row.body_sha256 for row in session.execute(chosen)}


def _insert_new(session: Session, entries: Sequence[Entry]) -> None:
    """Adds the rows; _Known unless each of them is new."""
    # The driver repeats one statement, and returns nothing but a count: a tenth of what asking for the rows costs.
    counting = {"preserve_rowcount": True}
    found = session.connection().execute(_statement(session), _values(entries), execution_options=counting)
    if found.rowcount != len(entries):
        raise _Known


def _insert(session: Session, entries: Sequence[Entry]) -> set[str]:
    """Keys of the rows that were added; the others were there."""
    if not entries:
        return set()
    added = _statement(session).returning(IngestJournal.key)
    return set(session.execute(added, _values(entries)).scalars())


def _statement(session: Session) -> Any:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(IngestJournal.__table__).on_conflict_do_nothing(index_elements=("key",))


def _values(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    now = utc_now()
    return [
        {
            "key": entry.key, "body_sha256": entry.body_sha256, "run_id": entry.run_id, "body": entry.body,
            "application_code": entry.application_code, "token_id": entry.token_id, "received_at": entry.received_at or now,
            "state": "pending",
        }
        for entry in entries
    ]  # fmt: skip


def _conflict(entry: Entry) -> StoreConflict:
    return StoreConflict(
        f"The key '{entry.key}' came before with another body.", repair="Use a new key for each run.", culprit=entry.key
    )

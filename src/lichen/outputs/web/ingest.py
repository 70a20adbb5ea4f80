# SPDX-License-Identifier: Apache-2.0
"""From a request to the journal: the body within its bounds, the runs that the caller may send, a receipt once they are safe."""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

from lichen.errors import LichenError, StorageError, StoreBusy, StoreConflict, StoreFull
from lichen.outputs.web import limits
from lichen.outputs.web.access import Identity, Rule, bearer_of
from lichen.outputs.web.context import WebContext
from lichen.outputs.web.problems import Problem
from lichen.service import ingest
from lichen.service.ingest import Fault, Incoming, Intake, Malformed, Oversized
from lichen.service.ingest_rows import RowCheck
from lichen.store.journal import Entry, JournalWriter, Outcome, Receipt, Receipts, settle
from lichen.store.queries.landing import Owner, owners

RETRY_AFTER_S: Final = 1
_INLINE_MAX: Final = 64 * 1024
"""Larger bodies are read in a thread, one after the other: they would keep others waiting, and their memory adds up."""
_KEY: Final = re.compile(r"[!-~]{1,200}")
_OWNERS_LAST_S: Final = 1.0
_SENDER_LASTS_S: Final = 0.5
"""A token that is revoked is refused within a second."""
_REMEMBERED: Final = 10_000


class Ingest:
    """What one server takes runs in with; made when the first one comes."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._rows = RowCheck(context.workspace.nomenclature)
        self._large = asyncio.Semaphore(1)
        self._owners: dict[str, tuple[float, Owner | None]] = {}
        self.senders: dict[str, tuple[float, Identity]] = {}

    @cached_property
    def journal(self) -> JournalWriter:
        """The one writer of this process."""
        return JournalWriter(self._context.store, tell=_tell)

    def close(self) -> None:
        """Writes what waits."""
        if "journal" in self.__dict__:
            self.journal.close()

    async def read(self, request: Request) -> tuple[Intake, bytes]:
        """The runs of a request, checked, and its body as it was before it was packed.

        Raises:
            Problem: 413 or 422.
        """
        raw = await _body(request)
        encoding = request.headers.get("content-encoding", "").strip().lower()
        try:
            if len(raw) <= _INLINE_MAX and not encoding:
                return self._take(raw, encoding)
            async with self._large:
                return await asyncio.to_thread(self._take, raw, encoding)
        except Oversized as error:
            raise _problem(413, error) from error
        except Malformed as error:
            raise _problem(422, error) from error

    def _take(self, raw: bytes, encoding: str) -> tuple[Intake, bytes]:
        plain = ingest.inflate(raw, encoding)
        return ingest.take(plain, self._rows, self._context.clock()), plain

    async def allowed(self, caller: Identity, runs: Sequence[Incoming]) -> tuple[list[Incoming], list[Fault]]:
        """The runs of applications that the caller may write to, and a fault for each of the others."""
        may: dict[str, bool] = {}
        for code in {run.application for run in runs}:
            owner = await self._owner(code)
            may[code] = caller.may_create_applications() if owner is None else caller.may_ingest(owner)
        refused = [
            Fault(
                run.position,
                f"The application '{run.application}' does not exist, or you may not send its runs.",
                "Ask its team for a token, or an administrator to declare it.",
                run.application,
            )
            for run in runs
            if not may[run.application]
        ]
        return [run for run in runs if may[run.application]], refused

    async def _owner(self, code: str) -> Owner | None:
        now = asyncio.get_running_loop().time()
        known = self._owners.get(code)
        if known is None or now - known[0] > _OWNERS_LAST_S:
            found = await asyncio.to_thread(self._look_up, code)
            if len(self._owners) >= _REMEMBERED:
                self._owners.clear()
            known = self._owners[code] = (now, found)
        return known[1]

    def _look_up(self, code: str) -> Owner | None:
        with self._context.store.reading() as session:
            return owners(session, [code]).get(code)

    async def keep(self, entries: Sequence[Entry]) -> Sequence[Receipt]:
        """Receipts of runs that are on the disk.

        Raises:
            Problem: 409 when a key came before with another body; 503 when too much waits; 507 when the disk is full.
        """
        answer: asyncio.Future[Receipts] = asyncio.get_running_loop().create_future()
        try:
            self.journal.submit(entries, answer)
            return await answer
        except StoreConflict as error:
            raise _problem(409, error) from error
        except StoreFull as error:
            raise _problem(507, error, retry_s=30) from error
        except StoreBusy as error:
            raise _problem(503, error, retry_s=RETRY_AFTER_S) from error
        except StorageError as error:
            raise _problem(503, error, retry_s=5) from error


class Sender(Rule):
    """The rule of the way in: as `require("ingest")`, but a token that was looked up a moment ago is not looked up again."""

    __slots__ = ()

    async def __call__(self, request: Request) -> Identity:  # type: ignore[override]  # FastAPI awaits it
        """The identity of a caller who may send runs; raises as `Rule` does."""
        known = ingest_of(request).senders
        bearer = bearer_of(request) or ""
        now = asyncio.get_running_loop().time()
        at, caller = known.get(bearer, (-math.inf, None))
        if caller is not None and now - at < _SENDER_LASTS_S:
            limits.charge_token(request, str(caller.token_id))
            return caller
        found = await run_in_threadpool(super().__call__, request)
        if found.kind == "token":
            if len(known) >= _REMEMBERED:
                known.clear()
            known[bearer] = (now, found)
        return found


def entries_of(runs: Sequence[Incoming], *, key: str | None, body: bytes, caller: Identity) -> list[Entry]:
    """Runs as the journal takes them.

    Args:
        key: the sender's; None: each run is its own key. Keys of one caller never meet those of another.
        body: what the key stands for.
    """
    whole = hashlib.sha256(body).hexdigest() if key is not None and len(runs) > 1 else ""
    return [
        Entry(
            key=run.run_id if key is None else f"{caller.actor}:{key}:{run.position}",
            body_sha256=whole or run.run_id,
            run_id=run.run_id,
            application_code=run.application,
            body=run.body,
            token_id=caller.token_id,
        )
        for run in runs
    ]


def key_of(request: Request) -> str | None:
    """The sender's idempotency key; Problem 422 when it is none."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(
            422, "The Idempotency-Key is not 1 to 200 visible ASCII characters.",
            repair="Send the hash of the run, or leave it out.", culprit="Idempotency-Key",
        )  # fmt: skip
    return key


def ingest_of(request: Request) -> Ingest:
    """That of the application that answers a request."""
    found: Ingest = request.app.state.ingest
    return found


def install(app: FastAPI) -> None:
    """Gives an application its way in."""
    app.state.ingest = Ingest(app.state.context)


def _tell(outcomes: Sequence[Outcome]) -> None:
    """Wakes the loop once for a batch."""
    loops = {answer.get_loop() for answer, _ in outcomes if isinstance(answer, asyncio.Future)}
    for loop in loops:
        own = [one for one in outcomes if isinstance(one[0], asyncio.Future) and one[0].get_loop() is loop]
        loop.call_soon_threadsafe(settle, own)


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > ingest.BODY_MAX:
            raise limits.too_large(ingest.BODY_MAX)
        parts.append(part)
    return b"".join(parts)


def _problem(status: int, error: LichenError, *, retry_s: int | None = None) -> Problem:
    headers = {} if retry_s is None else {"Retry-After": str(retry_s)}
    return Problem(status, error.problem, repair=error.repair, culprit=error.culprit, headers=headers)

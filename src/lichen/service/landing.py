# SPDX-License-Identifier: Apache-2.0
"""From the journal to the board: acknowledged runs become rows of the store and of the ledger, then figures.

Every step does nothing when it was done before, and a run is marked as landed last: whoever is killed on the way leaves work
that the next one repeats without doubling anything. One process lands at a time, by a lease. Figures come after runs: while many
runs arrive they are brought up to date from time to time, and whoever starts first looks which ones are behind.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psutil

from lichen.collect.entities import segment
from lichen.errors import StorageError
from lichen.ledger import RunContent
from lichen.records import ID_SHOWN
from lichen.service.board import figures
from lichen.service.context import ServiceContext
from lichen.store.lease import Lease
from lichen.store.models import IngestJournal
from lichen.store.queries import landing as queries
from lichen.store.queries.landing import Arrival

BATCH: Final = 100
"""Runs landed at once: their rows are one commit of the ledger."""
FIGURES_EVERY_S: Final = 5.0
"""While runs keep arriving, figures are brought up to date so often at most."""
_FIGURES_SHARE: Final = 0.1
"""Most of the time that they take then: what an application costs grows with its history."""
LEASE: Final = "landing"
LEASE_S: Final = 20.0
"""Seconds after which another process may land, when the one that did is gone."""
STATUS: Final = "landing"
"""Key of the setting that says how the landing gets on."""
_TIERS: Final = ("device", "network", "server")
_SHOWN_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run of the journal that has not landed: its number there, its file, and what the file holds."""

    seq: int
    body: bytes
    content: Mapping[str, Any]
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Status:
    """How the landing gets on.

    Attributes:
        pending: runs of the journal that have not landed.
        alive: whether some process holds the lease.
        problem: why it waits, or why it leaves runs where they are; empty when it does neither.
        refused: runs that it cannot land and leaves in the journal.
    """

    pending: int
    alive: bool
    problem: str
    refused: int = 0


class Landing:
    """Lands the runs of a store."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._lease = Lease(context.store, LEASE, ttl_s=LEASE_S)
        self._refused: dict[int, str] = {}
        self._behind: set[str] | None = None
        self._refresh_at = -math.inf
        self._held_at = -math.inf

    def step(self) -> int:
        """Lands one batch.

        Returns:
            How many runs of the journal it dealt with; 0 when there are none, or another process lands.

        Raises:
            StorageError: the store or the ledger is away; nothing is lost, and the next call goes on.
        """
        if not self._hold():
            return 0
        with self._context.store.reading() as session:
            waiting = [_opened(row) for row in queries.waiting(session, BATCH, self._refused)]
        if waiting:
            self._land_or_part(waiting)
        if time.monotonic() > self._refresh_at:
            self.refresh()
        return len(waiting)

    def _hold(self) -> bool:
        """Whether this process lands; a lease that is young needs no writing."""
        if time.monotonic() - self._held_at > LEASE_S / 3:
            if not self._lease.acquire() and not self._inherit():
                return False
            self._held_at = time.monotonic()
        return True

    @property
    def holds(self) -> bool:
        """Whether this process lands, as far as it knows."""
        return self._held_at > -math.inf

    def _inherit(self) -> bool:
        """Takes over from a process of this machine that was killed, without waiting for its lease to end."""
        with self._context.store.reading() as session:
            holder = queries.holder(session, LEASE) or ""
        host, _, rest = holder.partition(":")
        number = rest.partition(":")[0]
        if host != socket.gethostname() or not number.isdigit() or psutil.pid_exists(int(number)):
            return False
        Lease(self._context.store, LEASE, holder=holder).release()
        return self._lease.acquire()

    def tell(self, problem: str) -> None:
        """Notes how the landing gets on, for `status`."""
        reason = next(iter(self._refused.values()), "")
        with self._context.store.session() as session:
            queries.put_setting(session, STATUS, {"problem": problem or reason, "refused": len(self._refused)})

    def release(self) -> None:
        """Lets another process land at once."""
        self._held_at = -math.inf
        self._lease.release()

    def _land_or_part(self, waiting: Sequence[Waiting]) -> None:
        """Lands runs together; where one of them cannot be, the others all the same."""
        try:
            self._land(waiting)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - what one run holds must not stop all later ones
            if len(waiting) > 1:
                for one in waiting:
                    self._land_or_part([one])
                return
            name = waiting[0].arrival.run_id[:ID_SHOWN]
            self._refused[waiting[0].seq] = f"{name}: {type(error).__name__}: {error}"[:_SHOWN_MAX]

    def _land(self, waiting: Sequence[Waiting]) -> None:
        distinct = {one.arrival.run_id: one for one in reversed(waiting)}.values()
        arrivals = [one.arrival for one in distinct]
        with self._context.store.session() as session:
            touched = queries.declare(session, arrivals)
        runs = [RunContent(one.arrival.run_id, one.content, one.body) for one in distinct]
        self._context.ledger.append_runs(runs)
        if self._behind is not None:
            self._behind |= touched
        with self._context.store.session() as session:
            queries.mark_landed(session, arrivals, [one.seq for one in waiting], self._context.clock())

    def refresh(self) -> None:
        """Brings figures up to date: of what landed here, or the first time of whatever is behind."""
        begin = time.monotonic()
        if self._behind is None or self._behind or figures.has_news(self._context):
            figures.refresh(self._context, self._behind)
            self._behind = set()
        end = time.monotonic()
        self._refresh_at = end + max(FIGURES_EVERY_S, (end - begin) / _FIGURES_SHARE)


def land_all(context: ServiceContext) -> int:
    """Lands what waits, unless another process does; the number of runs.

    Raises:
        StorageError: the store or the ledger is away.
    """
    landing, total = Landing(context), 0
    try:
        while count := landing.step():
            total += count
        if landing.holds:
            landing.refresh()
    finally:
        landing.release()
    return total


def status(context: ServiceContext) -> Status:
    """How the landing gets on, whichever process does it."""
    with context.store.reading() as session:
        pending = queries.count_waiting(session)
        alive = queries.is_held(session, LEASE)
        said = queries.setting(session, STATUS) or {}
    return Status(pending, alive, said.get("problem", ""), said.get("refused", 0))


def _opened(row: IngestJournal) -> Waiting:
    content = json.loads(gzip.decompress(row.body))
    parts: dict[str, str | None] = {}
    for activity in content["activities"]:
        words = activity["entity"].split("/")
        if len(words) > 1:
            tier = activity.get("tier")
            parts.setdefault(words[1], tier if tier in _TIERS else None)
    arrival = Arrival(
        run_id=row.run_id,
        application=row.application_code,
        token_id=row.token_id,
        received_at=row.received_at,
        measured_at=datetime.fromisoformat(content["started_at"]).astimezone(UTC),
        parts=parts,
        journeys=list(dict.fromkeys(segment(journey["name"]) for journey in content["journeys"])),
        evidence=hashlib.sha256(row.body).hexdigest(),
        samples=sum(journey["sampling"]["taken"] for journey in content["journeys"]),
        host=_word(content["host"].get("host_id")),
        browser=_word(content["browser"].get("version")),
        lichen_version=_word(content["lichen_version"]) or "",
    )
    return Waiting(row.seq, row.body, content, arrival)


def _word(value: object) -> str | None:
    """A short text that every database holds."""
    return value.replace("\0", "")[:_SHOWN_MAX] if isinstance(value, str) else None

# SPDX-License-Identifier: Apache-2.0
"""From the journal to the board: acknowledged runs become rows of the store and of the ledger, then figures.

Every step does nothing when it was done before, and a run is marked as landed last: whoever is killed on the way leaves work
that the next one repeats without doubling anything. One process lands at a time, by a lease. Figures come after runs: while many
runs arrive they are brought up to date from time to time, and whoever starts first looks which ones are behind.

A place that is away stops everything until it is back; a run that cannot land stops nothing but itself: `setbacks`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psutil

from lichen.collect.entities import segment
from lichen.errors import LichenError, StorageError, StoreConflict
from lichen.ledger import RunContent, Selection
from lichen.service import setbacks
from lichen.service.board import figures
from lichen.service.context import ServiceContext
from lichen.service.setbacks import Setback, Setbacks
from lichen.store.lease import Lease
from lichen.store.models import IngestJournal
from lichen.store.queries import landing as queries
from lichen.store.queries.landing import Arrival

BATCH: Final = 100
BATCH_BYTES: Final = 2**20
"""Runs landed at once, and bytes of their files, gzipped: their rows are one commit of the ledger, and in memory together."""
FIGURES_EVERY_S: Final = 5.0
"""While runs keep arriving, figures are brought up to date so often at most."""
_FIGURES_SHARE: Final = 0.1
"""Most of the time that they take then: what an application costs grows with its history."""
LEASE: Final = "landing"
LEASE_S: Final = 20.0
"""Seconds after which another process may land, when the one that did is gone."""
STATUS: Final = "landing"
"""Key of the setting that says how the landing gets on."""
_TRIM_EVERY_S: Final = 60.0
_REFRESH_AGAIN_S: Final = 60.0
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
        pending: runs of the journal that have not landed and are not set aside.
        alive: whether some process holds the lease.
        problem: why everything waits; empty when nothing does.
        setbacks: runs that did not land when it was tried, set aside or not.
    """

    pending: int
    alive: bool
    problem: str
    setbacks: Sequence[Setback] = ()

    @property
    def aside(self) -> Sequence[Setback]:
        """Runs that are tried no more."""
        return [one for one in self.setbacks if one.is_aside]


class Landing:
    """Lands the runs of a store.

    Attributes:
        problem: why figures stay behind; empty when they do not.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._lease = Lease(context.store, LEASE, ttl_s=LEASE_S)
        self.problem = ""
        self._setbacks: Setbacks | None = None
        self._trim_at = -math.inf
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
            if self._setbacks is None:
                self._setbacks = Setbacks(queries.setting(session, STATUS))
            rows = queries.waiting(session, BATCH, BATCH_BYTES, self._setbacks.barred())
        if rows:
            self._land_or_part(rows, self._setbacks)
        if time.monotonic() > self._refresh_at:
            self._try_refresh()
        if time.monotonic() > self._trim_at:
            self._trim()
        return len(rows)

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
        """Notes how the landing gets on, for `status` and for the next process."""
        if self._setbacks is not None:
            with self._context.store.session() as session:
                queries.put_setting(session, STATUS, {"problem": problem, **self._setbacks.to_json()})

    def release(self) -> None:
        """Lets another process land at once."""
        self._held_at = -math.inf
        self._lease.release()

    def _land_or_part(self, rows: Sequence[IngestJournal], known: Setbacks) -> None:
        """Lands runs together; where one of them cannot be, the others all the same."""
        try:
            self._land([_opened(row) for row in rows])
        except Exception as error:
            if isinstance(error, StorageError) and not isinstance(error, StoreConflict):
                raise  # the place, not the run
            if len(rows) > 1:
                for row in rows:
                    self._land_or_part([row], known)
                return
            known.note(rows[0].seq, rows[0].run_id, rows[0].application_code, error)
            self.tell(self.problem)
            return
        known.landed(row.seq for row in rows)

    def _land(self, waiting: Sequence[Waiting]) -> None:
        distinct = {one.arrival.run_id: one for one in reversed(waiting)}.values()
        runs = [RunContent(one.arrival.run_id, one.content, one.body) for one in distinct]
        appended = self._context.ledger.append_runs(runs)
        evidence = self._evidence(runs) if appended.already else {}
        arrivals = [
            replace(one.arrival, evidence=evidence.get(one.arrival.run_id, one.arrival.evidence)) for one in distinct
        ]
        # The ledger first: a run that it refuses has no row here, and no figure is looked for.
        with self._context.store.session() as session:
            touched = queries.declare(session, arrivals)
            queries.mark_landed(session, [one.seq for one in waiting], self._context.clock())
        if self._behind is not None:
            self._behind |= touched

    def _evidence(self, runs: Sequence[RunContent]) -> dict[str, str]:
        """Hashes of the files that the ledger keeps of runs: it may have had one of other bytes."""
        days = [run.started_on for run in runs]
        chosen = Selection(
            run_ids=[run.run_id for run in runs], first_day=min(days), end_day=max(days) + timedelta(days=1)
        )
        found = self._context.ledger.runs(chosen, ["run_id", "artefact_sha256"])
        return dict(zip(*(found.column(name).to_pylist() for name in ("run_id", "artefact_sha256")), strict=True))

    def _trim(self) -> None:
        """Lets go of files that the ledger has had for some days, as the settings say."""
        before = self._context.clock() - timedelta(days=self._context.settings.server.journal_days)
        with self._context.store.reading() as session:
            old = queries.kept_too_long(session, before)
        if old:
            with self._context.store.session() as session:
                queries.let_go(session, old)
        else:
            self._trim_at = time.monotonic() + _TRIM_EVERY_S

    def _try_refresh(self) -> None:
        try:
            self.refresh()
            self.problem = ""
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - runs land all the same
            self.problem = f"Figures cannot be brought up to date: {_said(error)}"
            self._refresh_at = time.monotonic() + _REFRESH_AGAIN_S

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
    found = setbacks.read(said)
    return Status(pending - sum(one.is_aside for one in found), alive, said.get("problem", ""), found)


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


def _said(error: Exception) -> str:
    return error.sentence() if isinstance(error, LichenError) else f"{type(error).__name__}: {error}"[:_SHOWN_MAX]


def _word(value: object) -> str | None:
    """A short text that every database holds."""
    return value.replace("\0", "")[:_SHOWN_MAX] if isinstance(value, str) else None

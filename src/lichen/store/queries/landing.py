# SPDX-License-Identifier: Apache-2.0
"""What the landing asks of the store: who lands, what waits, the rows that runs bring with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from lichen.store.lease import database_now
from lichen.store.models import ApiToken, Application, IngestJournal, Journey, Lease, Part, Run, Setting

_TRIMMED: Final = "journal.trimmed"
"""Key of the setting that holds the last number of the journal whose file was let go."""
_TRIM_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A run as the store knows it.

    Attributes:
        application: code; token_id: of its sender.
        parts: code and tier of each part. journeys: their codes.
        evidence: SHA-256 of the file that the ledger keeps.
        samples: repetitions counted, all journeys together.
    """

    run_id: str
    application: str
    token_id: str | None
    received_at: datetime
    measured_at: datetime
    parts: Mapping[str, str | None]
    journeys: Sequence[str]
    evidence: str
    samples: int
    host: str | None
    browser: str | None
    lichen_version: str


def is_held(session: Session, name: str) -> bool:
    """Whether somebody has a lease."""
    row = session.get(Lease, name)
    return row is not None and row.until > database_now(session)


def holder(session: Session, name: str) -> str | None:
    """Who has, or had, a lease."""
    row = session.get(Lease, name)
    return None if row is None else row.holder


def waiting(session: Session, limit: int, limit_bytes: int, besides: Collection[int] = ()) -> Sequence[IngestJournal]:
    """The oldest runs of the journal that have not landed, but those of these numbers.

    Args:
        limit: most runs; limit_bytes: most bytes of their files, though one run there always is.
    """
    table = IngestJournal
    sizes = select(table.seq, func.length(table.body)).where(table.state == "pending").order_by(table.seq).limit(limit)
    taken: list[int] = []
    room = limit_bytes
    for seq, size in session.execute(sizes.where(table.seq.not_in(besides)) if besides else sizes):
        room -= size
        if taken and room < 0:
            break
        taken.append(seq)
    return session.scalars(select(table).where(table.seq.in_(taken)).order_by(table.seq)).all() if taken else []


def count_waiting(session: Session) -> int:
    """How many runs have not landed."""
    pending = select(func.count()).select_from(IngestJournal).where(IngestJournal.state == "pending")
    return session.scalar(pending) or 0


def declare(session: Session, arrivals: Iterable[Arrival]) -> set[str]:
    """Makes sure that runs which the ledger has, their applications, parts and journeys have their rows.

    An application that nobody declared gets the team of its sender's token, or none.

    Returns:
        Ids of the applications.
    """
    by_code: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        by_code.setdefault(arrival.application, []).append(arrival)
    chosen = select(Application.code, Application.id).where(Application.code.in_(by_code))
    found = {row.code: row.id for row in session.execute(chosen)}
    for code, own in by_code.items():
        if code not in found:
            found[code] = _make_application(session, code, own[0].token_id)
        _add_missing(session, found[code], own)
    return set(found.values())


def _make_application(session: Session, code: str, token_id: str | None) -> str:
    token = None if token_id is None else session.get(ApiToken, token_id)
    made = Application(code=code, name=code, team_id=token.team_id if token is not None else None)
    session.add(made)
    session.flush()
    return made.id


def _add_missing(session: Session, application_id: str, arrivals: Sequence[Arrival]) -> None:
    known = set(session.scalars(select(Run.run_id).where(Run.run_id.in_([one.run_id for one in arrivals]))))
    new = [_run(one, application_id) for one in arrivals if one.run_id not in known]
    if new:
        session.execute(insert(Run), new)
    again = [{"run_id": one.run_id, "evidence": one.evidence} for one in arrivals if one.run_id in known]
    if again:
        session.execute(update(Run), again)
    parts = {code: tier for one in arrivals for code, tier in one.parts.items()}
    there = set(session.scalars(select(Part.code).where(Part.application_id == application_id)))
    for code in parts.keys() - there:
        session.add(Part(application_id=application_id, code=code, name=code, tier=parts[code]))
    there = set(session.scalars(select(Journey.code).where(Journey.application_id == application_id)))
    for code in {code for one in arrivals for code in one.journeys} - there:
        session.add(Journey(application_id=application_id, code=code, name=code))


def _run(one: Arrival, application_id: str) -> dict[str, Any]:
    return {
        "run_id": one.run_id, "application_id": application_id, "journeys": list(one.journeys),
        "measured_at": one.measured_at, "received_at": one.received_at, "samples": one.samples, "host": one.host,
        "browser": one.browser, "lichen_version": one.lichen_version, "evidence": one.evidence,
    }  # fmt: skip


def mark_landed(session: Session, numbers: Collection[int], now: datetime) -> None:
    """Notes that these numbers of the journal are done."""
    landed = update(IngestJournal).where(IngestJournal.seq.in_(numbers))
    session.execute(landed.values(state="landed", landed_at=now))


def kept_too_long(session: Session, before: datetime) -> Sequence[int]:
    """Numbers of the first runs whose files the journal still holds although they landed before a moment.

    Runs without evidence, such as those of the sample portfolio, have their file in the journal alone and keep it.
    """
    table = IngestJournal
    after = setting(session, _TRIMMED) or 0
    landed = select(table.seq, table.landed_at).join(Run, Run.run_id == table.run_id)
    landed = landed.where(table.state == "landed", table.seq > after, Run.evidence.is_not(None))
    return [seq for seq, at in session.execute(landed.order_by(table.seq).limit(_TRIM_AT_ONCE)) if at and at < before]


def let_go(session: Session, numbers: Sequence[int]) -> None:
    """Drops the files of runs that have landed: the ledger has them as evidence. What the keys stand for stays known."""
    session.execute(update(IngestJournal).where(IngestJournal.seq.in_(numbers)).values(body=b""))
    put_setting(session, _TRIMMED, max(numbers))


def setting(session: Session, key: str) -> Any:
    """A setting of the server; None when it was never set."""
    row = session.get(Setting, key)
    return None if row is None else row.value


def put_setting(session: Session, key: str, value: Any) -> None:
    """Sets it."""
    row = session.get(Setting, key)
    if row is None:
        session.add(Setting(key=key, value=value))
    elif row.value != value:
        row.value = value


@dataclass(frozen=True, slots=True)
class Owner:
    """An application, as far as access goes."""

    id: str
    team_id: str | None


def owners(session: Session, codes: Collection[str]) -> dict[str, Owner]:
    """Applications by code; those that nobody declared are absent."""
    chosen = select(Application.code, Application.id, Application.team_id).where(Application.code.in_(codes))
    return {row.code: Owner(row.id, row.team_id) for row in session.execute(chosen)}


def run_ids(session: Session) -> Sequence[str]:
    """Every run that was ever acknowledged."""
    return session.scalars(select(IngestJournal.run_id)).all()

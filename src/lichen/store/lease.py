# SPDX-License-Identifier: Apache-2.0
"""The right to do something alone among processes that share a store: one holder, until a moment of the database's clock."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import UTC, datetime, timedelta

from sqlalchemy import DateTime, delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lichen.store import models
from lichen.store.opening import Store


def database_now(session: Session) -> datetime:
    """The present by the database's clock, which all processes share."""
    if session.get_bind().dialect.name == "postgresql":
        moment = session.execute(select(func.clock_timestamp(type_=DateTime(timezone=True)))).scalar_one()
        return moment.astimezone(UTC)
    said = session.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
    return datetime.fromisoformat(said).replace(tzinfo=UTC)


class Lease:
    """A lease that this process asks for, holds and renews.

    Whoever stalls for longer than ``ttl_s`` loses it without noticing: what is done under a lease must do no harm when two do it.

    Args:
        name: of what is done alone.
        ttl_s: seconds that it is held for after each `acquire`; the same for all who ask for this name.
        holder: who asks; by default the machine, the process and a random word.
    """

    def __init__(self, store: Store, name: str, *, ttl_s: float = 30.0, holder: str | None = None) -> None:
        self.store = store
        self.name = name
        self.ttl = timedelta(seconds=ttl_s)
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def acquire(self) -> bool:
        """Take the lease, or renew it; False while another holds it.

        Raises:
            StorageError: the store fails; the lease is then not held.
        """
        table = models.Lease
        with self.store.session() as session:
            now = database_now(session)
            dialect = sqlite if self.store.is_sqlite else postgresql
            insert = dialect.insert(table).values(name=self.name, holder=self.holder, until=now + self.ttl)
            taken = insert.on_conflict_do_update(
                index_elements=("name",),
                set_={"holder": insert.excluded.holder, "until": insert.excluded.until},
                # One that would end later than any could was taken while the clock was ahead: nobody waits for that day.
                where=(table.holder == self.holder) | (table.until <= now) | (table.until > now + 2 * self.ttl),
            ).returning(table.name)
            return session.execute(taken).first() is not None

    def release(self) -> None:
        """Give the lease back, if it is still held."""
        with self.store.session() as session:
            session.execute(
                delete(models.Lease).where(models.Lease.name == self.name, models.Lease.holder == self.holder)
            )

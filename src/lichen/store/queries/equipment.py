# SPDX-License-Identifier: Apache-2.0
"""Machines that are owned, as inventories told them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from lichen.store.models import Application, Equipment


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Machines of one model: ``power_w`` and ``memory_gb`` are those of one."""

    model: str
    count: float
    power_w: float | None
    cpu: str | None
    memory_gb: float | None
    bought_on: date | None
    written_off_on: date | None
    region: str | None


def of_application(session: Session, code: str) -> tuple[Owned, ...]:
    """Machines of an application, in the order of their models."""
    chosen = (
        select(Equipment)
        .join(Application, Application.id == Equipment.application_id)
        .where(Application.code == code)
        .order_by(Equipment.model, Equipment.id)
    )
    return tuple(
        Owned(
            model=row.model or row.kind, count=row.count, power_w=row.power_w, cpu=row.cpu, memory_gb=row.memory_gb,
            bought_on=row.bought_on, written_off_on=row.written_off_on, region=row.region,
        )
        for row in session.scalars(chosen)
    )  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""What scheduled work asks: which moments were served, by whom, with what outcome."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lichen.store.models import JobRun


def job_run(session: Session, job: str, due_at: datetime) -> JobRun | None:
    """What was done for a moment."""
    return session.get(JobRun, (job, due_at))


def newest(session: Session, job: str, until: datetime) -> JobRun | None:
    """The last moment up to another one that a job was begun for."""
    query = select(JobRun).where(JobRun.job == job, JobRun.due_at <= until).order_by(JobRun.due_at.desc()).limit(1)
    return session.scalars(query).first()


def forget(session: Session, before: datetime) -> None:
    """Drops what was done before a moment."""
    session.execute(delete(JobRun).where(JobRun.due_at < before))

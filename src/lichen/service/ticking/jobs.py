# SPDX-License-Identifier: Apache-2.0
"""The scheduled work: Lichen's own, and the commands that lichen.toml declares."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lichen.config import Schedule, Settings
from lichen.config.notify import DAYS
from lichen.errors import JobFailed, UsageError
from lichen.service import alerts, history_watch, notifying
from lichen.service.context import ServiceContext
from lichen.service.digest import enqueue_week
from lichen.store.queries import schedule as queries

_MONTH_DAYS: Final = 30.44
_LOG_KEPT: Final = timedelta(days=400)
_MEASURE_S: Final = 6 * 3600
_TOLD_MAX: Final = 300

Counts = Mapping[str, int]
"""What a job came to: word -> how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A piece of scheduled work. It does no harm when it is done twice.

    Attributes:
        by_server: whether a server does it by itself; what starts programs is left to `lichen tick`.
        at_once: whether it is done when it is first seen, however long ago its time was.
    """

    name: str
    at: Schedule
    do: Callable[[ServiceContext], Counts]
    by_server: bool = True
    at_once: bool = False


def all_work(settings: Settings) -> list[Work]:
    """What the settings ask for, in the order in which it is done: what makes messages comes before what sends them."""
    tick, digest = settings.tick, settings.digest
    weekly = Schedule(None, DAYS.index(digest.day), *(int(part) for part in digest.at.split(":")))
    listed = [Work(name=job.name, at=job.at, do=_command(job.command, 60 * job.timeout_minutes), by_server=False)
              for job in settings.jobs]  # fmt: skip
    if tick.measure is not None:
        listed.append(Work(name="measure", at=tick.measure, do=_measure, by_server=False))
    listed.append(Work(name="watch", at=tick.watch, do=_watch, at_once=True))
    listed.append(Work(name="alerts", at=tick.alerts, do=_alerts))
    if any(channel.digest for channel in settings.channels):
        listed.append(Work(name="digest", at=weekly, do=_digest))
    if settings.channels:
        listed.append(Work(name="deliveries", at=tick.deliveries, do=_deliver))
    listed.append(Work(name="compact", at=tick.compact, do=_compact))
    return listed


def chosen(listed: Sequence[Work], name: str | None) -> list[Work]:
    """One piece of work by its name; all of them for None.

    Raises:
        UsageError: there is none with this name.
    """
    found = [one for one in listed if name in (None, one.name)]
    if not found:
        names = ", ".join(one.name for one in listed)
        raise UsageError(f"There is no job '{name}'.", repair=f"Jobs of these settings: {names}.", culprit=str(name))
    return found


def _watch(context: ServiceContext) -> Counts:
    from lichen.service.landing import land_all

    land_all(context)
    found = history_watch.evaluate(context)
    if found.failures:
        raise JobFailed(f"Histories could not be looked at: {'; '.join(found.failures)[:_TOLD_MAX]}.")
    return {"series": found.series, "changes": len(found.changes)}


def _alerts(context: ServiceContext) -> Counts:
    turned = alerts.look(context)
    return {
        "fired": len(turned.fired), "reminded": len(turned.reminded), "resolved": len(turned.resolved),
        "open": turned.open,
    }  # fmt: skip


def _digest(context: ServiceContext) -> Counts:
    from lichen.service.board import figures

    if figures.has_news(context):
        figures.refresh(context)
    return {"messages": len(enqueue_week(context))}


def _deliver(context: ServiceContext) -> Counts:
    found = notifying.deliver_due(context)
    return {"sent": found.sent, "failed": found.failed, "dead": found.dead}


def _compact(context: ServiceContext) -> Counts:
    """Retention first: what is dropped needs no merging."""
    now, months = context.clock(), context.settings.tick.keep_months
    removed = 0
    if months is not None:
        first_day = (now - timedelta(days=months * _MONTH_DAYS)).date().replace(day=1)
        removed = context.ledger.retain(first_day).runs
    context.ledger.compact()
    with context.store.session() as session:
        queries.forget(session, now - _LOG_KEPT)
    return {"removed": removed}


def _measure(context: ServiceContext) -> Counts:
    settings = context.settings
    config = ["--config", str(settings.file)] if settings.file is not None else []
    _run([sys.executable, "-m", "lichen", "measure", *settings.tick.journeys, *config], settings, _MEASURE_S)
    return {}


def _command(command: Sequence[str], timeout_s: int) -> Callable[[ServiceContext], Counts]:
    def do(context: ServiceContext) -> Counts:
        _run(command, context.settings, timeout_s)
        return {}

    return do


def _run(command: Sequence[str], settings: Settings, timeout_s: int) -> None:
    """Runs a command in the project's folder.

    Raises:
        JobFailed: it cannot be started, takes too long, or ends with another code than 0.
    """
    try:
        ended = subprocess.run(command, cwd=settings.folder, timeout=timeout_s, capture_output=True, check=False)
    except subprocess.TimeoutExpired as error:
        raise JobFailed(f"{command[0]} took more than {timeout_s // 60} minutes.", culprit=command[0]) from error
    except OSError as error:
        raise JobFailed(f"{command[0]} cannot be started: {error.strerror}.", culprit=command[0]) from error
    if ended.returncode != 0:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        why = f": {said[-1][:_TOLD_MAX]}" if said else "."
        raise JobFailed(f"{command[0]} ended with code {ended.returncode}{why}", culprit=command[0])

# SPDX-License-Identifier: Apache-2.0
"""Traffic, cost and value as rows of the ledger, where any tool that reads its tables finds them.

The store's tables are what pages and sums read. The ledger gets the same rows within the transaction that imports them: what
the store then holds of a source and a span of days takes the place of what the ledger held. A ledger that fails leaves neither
changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from lichen.records import Activity, AttributeValue, digest, timestamp
from lichen.service.board.periods import moved
from lichen.store import open_store
from lichen.store.models import Cost, Value
from lichen.store.queries import imports
from lichen.store.queries.imports import Amount, Counted

if TYPE_CHECKING:
    from lichen.config import Settings
    from lichen.ledger import Fact, Ledger
    from lichen.store import Session, Store

UNALLOCATED: Final = "/unallocated"
"""Entity of money that no application owns yet: the name of its application is empty."""
_MODELS: Final[dict[str, type[Cost | Value]]] = {"cost": Cost, "value": Value}
_LONGEST: Final = 100
"""Characters of the name of a source in the ledger, where it names a folder."""
_UNFIT: Final = re.compile(r"[^a-z0-9._:-]+")
_HASH: Final = 8
_COUNT: Final = "1"
_MONEY: Final = "currency"
"""Units of the nomenclature."""


def source_of(kind: str, name: str) -> str:
    """How the ledger calls a source: small letters after the kind, told apart by a hash where the name holds anything else.

    >>> source_of("cost", "cost:aws-2026"), source_of("traffic", "matomo")
    ('cost:aws-2026', 'traffic:matomo')
    >>> source_of("value", "Contrôle de gestion")
    'value:contr-le-de-gestion-c87ccd36'
    """
    plain = name.removeprefix(f"{kind}:")
    fitting = f"{kind}:{_UNFIT.sub('-', plain.lower())}"
    if fitting == f"{kind}:{plain}" and len(fitting) <= _LONGEST:
        return fitting
    return f"{fitting[: _LONGEST - _HASH - 1]}-{digest(plain, _HASH)}"


def keep_traffic(ledger: Ledger, session: Session, *, application: str, source: str, first: date, last: date) -> int:
    """Puts what the store holds of an application's traffic in the place of what the ledger held.

    Args:
        session: that imports, or one that reads.
        application: its code.
        source: name of the import. first, last: days, both included.

    Returns:
        Rows that the ledger now has of these days.

    Raises:
        StorageError: the ledger is away, full or forbidden.
    """
    rows = imports.traffic_between(session, application, source, first, last)
    return _replace(ledger, "traffic", source, (first, last + timedelta(days=1)), _counted(rows, source), application)


def keep_money(ledger: Ledger, session: Session, kind: str, *, source: str, first: date, last: date) -> int:
    """The same for costs and values.

    Args:
        kind: ``cost`` or ``value``.
        first, last: first days of months, both included.
    """
    rows = imports.money_between(session, _MODELS[kind], source, first, last)
    return _replace(ledger, kind, source, (first, moved(last, 1)), _amounts(rows, kind, source))


def bring_imports(ledger: Ledger, settings: Settings) -> int:
    """Brings everything that the store of a project holds into a ledger; rows that it now has of it.

    Raises:
        StorageError: the store or the ledger is away.
    """
    if not settings.server.store and not (settings.folder / ".lichen" / "lichen.db").is_file():
        return 0
    with open_store(settings.server.store, folder=settings.folder) as store:
        return keep_all(ledger, store)


def keep_all(ledger: Ledger, store: Store) -> int:
    """Brings everything that was imported into a ledger, such as a new one; rows that it now has of it.

    Costs of bills that the ledger has, line by line, stay as they are.
    """
    there = ledger.sources()
    with store.reading() as session:
        rows = sum(
            keep_traffic(ledger, session, application=application, source=source, first=first, last=last)
            for application, source, first, last in imports.traffic_sources(session)
        )
        return rows + sum(
            keep_money(ledger, session, kind, source=source, first=first, last=last)
            for kind, model in _MODELS.items()
            for source, first, last in imports.money_sources(session, model)
            if source not in there
        )


def _replace(
    ledger: Ledger,
    kind: str,
    source: str,
    days: tuple[date, date],
    facts: Iterable[Fact],
    application: str | None = None,
) -> int:
    from lichen.ledger import Slice

    kept_from = ledger.first_day
    first = days[0] if kept_from is None else max(days[0], kept_from)
    if first >= days[1]:
        return 0
    chosen = Slice(source=source_of(kind, source), first_day=first, end_day=days[1], application=application)
    return ledger.replace(chosen, [fact for fact in facts if fact.started_at.date() >= first])


def _counted(rows: Sequence[Counted], source: str) -> Iterator[Fact]:
    for row in rows:
        entity = row.application if row.journey is None else f"{row.application}//{row.journey}/"
        for quantity, value in (("visits", row.visits), ("page_views", row.page_views)):
            yield _fact(
                Activity(entity=entity, quantity=quantity, value=value, unit=_COUNT, method="metered"),
                (row.day, row.day + timedelta(days=1)), {"source": source},
            )  # fmt: skip


def _amounts(rows: Sequence[Amount], kind: str, source: str) -> Iterator[Fact]:
    for row in rows:
        attributes: dict[str, AttributeValue] = {"currency": row.currency}
        activity = Activity(
            entity=row.application or UNALLOCATED, quantity=kind, value=float(row.amount), unit=_MONEY, method="metered",
            attributes=attributes,
        )  # fmt: skip
        tags = {"source": source, "kind": row.kind, **row.told}
        yield _fact(activity, (row.period, moved(row.period, 1)), tags, row.amount)


def _fact(
    activity: Activity, days: tuple[date, date], tags: Mapping[str, AttributeValue], amount: Decimal | None = None
) -> Fact:
    """The row of a span of days. Its times are attributes, too, so that two days of the same numbers have different ids."""
    from lichen.ledger import Fact

    start, end = (datetime.combine(day, time(), UTC) for day in days)
    spanned = {**activity.attributes, "basis": "total", "started_at": timestamp(start), "ended_at": timestamp(end)}
    told = replace(activity, attributes=spanned)
    return Fact(
        activity=told,
        run_id=digest([told.to_json(), dict(tags)]),
        started_at=start,
        ended_at=end,
        amount=amount,
        tags=tags,
    )

# SPDX-License-Identifier: Apache-2.0
"""What rented things cost at list prices, what services are limited to, and how many hours of people a way of hosting takes.

Three small tables beside this file: ``prices.csv``, ``prices_limits.csv`` and ``prices_effort.csv``. The source of a row is
what was read; a price that nobody read has none, and names the page to look at in what it says about itself. Prices are facts
of a day: a row says since when it is known and whether it was read in a published page or bill (``published``) or is the
order of magnitude (``assumed``), with a range either way. A table of the user's own has the same columns as ``prices.csv``,
of which ``provider``, ``role``, ``price`` and ``currency`` are enough, and goes before.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Final, Literal

from lichen.errors import StorageError

_FOLDER: Final = Path(__file__).parent
Status = Literal["published", "assumed", "own"]
UNITS: Final[Mapping[str, str]] = {
    "instance": "h", "database": "h", "block_storage": "GB.month", "database_storage": "GB.month", "object_storage": "GB.month",
    "object_requests": "1e6", "load_balancer": "h", "egress": "GB", "container_vcpu": "h", "container_memory": "GB.h",
    "function_memory": "GB.s", "function_vcpu": "s", "function_requests": "1e6", "gateway_requests": "1e6",
    "database_capacity": "h", "query_scan": "TB", "electricity": "kWh", "exchange": "EUR",
}  # fmt: skip
"""What is rented, and the unit of its price."""
_ELSEWHERE: Final = Decimal("0.2")
"""How far a price of another region may be off: what the regions of one provider differ by in Europe and North America."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one unit of something costs.

    Attributes:
        role: what it is, a name of `UNITS`; key: of the catalogue (``aws:m6i.xlarge``), or the service.
        region: of the provider; empty for all of them.
        price: of one unit, in ``currency``; ``low`` and ``high``: its range.
        valid_from: day since which it is known; None in a table of the user's own that does not say.
        status: ``published``, ``assumed``, or ``own``.
        source: what was read; empty where nobody read anything.
        elsewhere: whether it is of another region than the one that was asked for.
    """

    provider: str
    region: str
    role: str
    key: str
    unit: str
    low: Decimal
    price: Decimal
    high: Decimal
    currency: str
    valid_from: date | None
    status: Status
    source: str
    about: str = ""
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a service allows: ``raised`` where the provider raises it on request; ``stated`` where its documentation was read."""

    provider: str
    service: str
    product: str
    limit: str
    value: float
    unit: str
    raised: bool
    status: str
    source: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Hours of people: ``per`` ``month``, ``machine`` (and month) or ``once``."""

    architecture: str
    task: str
    per: str
    low: float
    hours: float
    high: float


@cache
def prices() -> tuple[Price, ...]:
    """The list prices."""
    return tuple(_price(row) for row in _rows("prices.csv"))


@cache
def limits() -> tuple[Limit, ...]:
    """Limits of services."""
    return tuple(
        Limit(
            provider=row["provider"],
            service=row["service"],
            product=row["product"],
            limit=row["limit"],
            value=float(row["value"]),
            unit=row["unit"],
            raised=row["raised"] == "yes",
            status=row["status"],
            source=row["source"],
            about=row["about"],
        )
        for row in _rows("prices_limits.csv")
    )


@cache
def efforts() -> tuple[Effort, ...]:
    """Hours of people by way of hosting."""
    return tuple(
        Effort(
            architecture=row["architecture"], task=row["task"], per=row["per"], low=float(row["low"]),
            hours=float(row["hours"]), high=float(row["high"]),
        )
        for row in _rows("prices_effort.csv")
    )  # fmt: skip


def find(role: str, provider: str, region: str = "", key: str = "", own: Sequence[Price] = ()) -> Price | None:
    """What something costs at a place.

    Args:
        role: a name of `UNITS`.
        provider: ``aws``...; region: without its provider, ``eu-west-3``.
        key: which type, where a role has several; the first one of the table when empty.
        own: prices of the user's own, which go before.

    Returns:
        The own price, else that of the region, else that of the provider, else that of another of its regions with a wider range;
        None when nothing is known.

    >>> found = find("function_memory", "aws", "eu-west-3")
    >>> (found.price, found.unit, found.status) if found else None
    (Decimal('0.0000166667'), 'GB.s', 'published')
    """
    for table in (own, prices()):
        fitting = [one for one in table if one.role == role and one.provider == provider]
        fitting = [one for one in fitting if not key or one.key == key or (table is own and not one.key)]
        for wanted in (region, ""):
            if found := next((one for one in fitting if one.region == wanted), None):
                return found
        if fitting:
            return _elsewhere(fitting[0])
    return None


def keys(role: str, provider: str, region: str = "") -> tuple[str, ...]:
    """Types of a role that have a price with a provider, those of the region first."""
    found = [one for one in prices() if one.role == role and one.provider == provider]
    return tuple(dict.fromkeys(one.key for one in sorted(found, key=lambda one: one.region != region)))


def limit(provider: str, service: str, name: str) -> Limit | None:
    """A limit of a service; None when nothing is known."""
    return next((one for one in limits() if (one.provider, one.service, one.limit) == (provider, service, name)), None)


def effort(architecture: str, task: str, per: str) -> Effort | None:
    """Hours of a task; None where there is none."""
    return next((one for one in efforts() if (one.architecture, one.task, one.per) == (architecture, task, per)), None)


def read_own(path: Path) -> tuple[Price, ...]:
    """Prices of the user's own.

    Raises:
        StorageError: the table cannot be read or a line is wrong, with its number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise StorageError(
            f"The prices {path} cannot be read: {error.strerror or error}.",
            repair="Name a readable file.",
            culprit=str(path),
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise StorageError(
            f"The prices {path} cannot be read: {error}.", repair="Save them as a CSV in UTF-8.", culprit=str(path)
        ) from error
    if not rows:
        raise StorageError(f"The prices {path} have no line.", repair="Fill the table in.", culprit=str(path))
    return tuple(_own(row, f"{path}:{line}") for line, row in enumerate(rows, start=2))


def _own(row: Mapping[str, str | None], where: str) -> Price:
    told = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    for name in ("provider", "role", "price", "currency"):
        if not told[name]:
            raise StorageError(f"{name} is empty ({where}).", repair="Fill it in, or remove the line.", culprit=where)
    role = told["role"]
    if role not in UNITS:
        raise StorageError(
            f"There is no role '{role}' ({where}).", repair=f"Roles: {', '.join(sorted(UNITS))}.", culprit=where
        )
    if told["unit"] not in ("", UNITS[role]):
        raise StorageError(
            f"The unit of {role} is '{told['unit']}' ({where}).", repair=f"Give the price of one {UNITS[role]}.",
            culprit=where,
        )  # fmt: skip
    filled = {
        **told, "unit": UNITS[role], "low": told["low"] or told["price"], "high": told["high"] or told["price"],
        "status": "own", "source": told["source"] or where,
    }  # fmt: skip
    try:
        found = _price(filled)
    except (InvalidOperation, ValueError) as error:
        raise StorageError(
            f"A price or its day is no number or no date ({where}).",
            repair="Write the price as 0.0486 and the day as 2026-03-31.", culprit=where,
        ) from error  # fmt: skip
    if not found.low.is_finite() or not found.high.is_finite() or not 0 <= found.low <= found.price <= found.high:
        raise StorageError(
            f"The price {found.price} is not between {found.low} and {found.high}, or below 0 ({where}).",
            repair="Correct low, price and high.", culprit=where,
        )  # fmt: skip
    return found


_COLUMNS: Final = (
    "provider", "region", "role", "key", "unit", "low", "price", "high", "currency", "valid_from", "status", "source", "about",
)  # fmt: skip


def _price(row: Mapping[str, str]) -> Price:
    return Price(
        provider=row["provider"],
        region=row["region"],
        role=row["role"],
        key=row["key"],
        unit=row["unit"],
        low=Decimal(row["low"]),
        price=Decimal(row["price"]),
        high=Decimal(row["high"]),
        currency=row["currency"],
        valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
        status=row["status"],  # type: ignore[arg-type]
        source=row["source"],
        about=row["about"],
    )


def _elsewhere(price: Price) -> Price:
    return Price(
        **{name: getattr(price, name) for name in _COLUMNS if name not in ("low", "high")},
        low=min(price.low, price.price * (1 - _ELSEWHERE)),
        high=max(price.high, price.price * (1 + _ELSEWHERE)),
        elsewhere=True,
    )


def _rows(name: str) -> Iterable[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)

# SPDX-License-Identifier: Apache-2.0
"""Bills of a few applications of the sample portfolio: what their cloud cost pays for, as rows of the ledger.

Amounts are made up, prices are round ones near those of large providers: an hour of two processors for 0.10, a gigabyte for a
month for 0.09 on a disk and for 0.023 in an object store, a gigabyte out for 0.08, a gigabyte-second of a function for 0.0000167.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import numpy as np

from lichen.collect.bills.meter import ESTIMATED
from lichen.collect.entities import segment
from lichen.ledger import Fact, Ledger, Slice
from lichen.records import Activity, AttributeValue, digest, timestamp
from lichen.service.board.periods import moved

SOURCE: Final = "bill:sample"
SEED: Final = 637
OF_NOBODY: Final = Decimal(400)
"""Cost of a month that belongs to no application."""
ONE_OF: Final = 9
"""One application of so many has a bill."""
_REGIONS: Final = ("aws:eu-west-3", "aws:eu-west-1")
_MACHINES: Final = ("aws:m5.large", "aws:m6g.large", "aws:c5.large")
_HOUR_S, _MONTH_S, _GB = 3600.0, 2_628_000.0, 1e9
_BASIC: Final = {"tier": "server", "basis": "total"}
_FIRST_DAY: Final = date(1970, 1, 1)

_SHARES: Final[Mapping[str, tuple[str, str, float]]] = {
    "Amazon Elastic Compute Cloud": ("compute", "machine", 0.40),
    "Amazon Relational Database Service": ("database", "machine", 0.22),
    "Amazon Elastic Block Store": ("storage", "disk", 0.08), "Amazon Simple Storage Service": ("storage", "objects", 0.06),
    "AWS Data Transfer": ("network", "out", 0.06), "AWS Lambda": ("serverless", "function", 0.03),
    "AWS Support (Business)": ("other", "support", 0.08), "Amazon Connect": ("other", "no_rule", 0.04),
    "Log search of a partner": ("other", "marketplace", 0.03),
}  # fmt: skip
"""Service -> family, what of it is rented (or why there is no quantity), and its share of the cost."""

Thing = tuple[str, float, str, dict[str, AttributeValue]]
"""Quantity, value, unit, attributes."""


def facts(costs: Mapping[str, Mapping[date, Decimal]]) -> list[Fact]:
    """Rows of the ledger.

    Args:
        costs: cloud cost by application's code and month; the bill adds up to it.
    """
    random = np.random.default_rng(SEED)
    made: list[Fact] = []
    for code, months in costs.items():
        machine = str(random.choice(_MACHINES))
        for month, amount in months.items():
            made += _month(code, month, amount, machine)
    return made


def replace(ledger: Ledger, made: Sequence[Fact]) -> None:
    """Puts rows in the place of the sample's bills; none takes them out."""
    first = ledger.first_day or _FIRST_DAY
    kept = [fact for fact in made if fact.started_at.date() >= first]
    if kept or SOURCE in ledger.sources():
        ledger.replace(Slice(source=SOURCE, first_day=first, end_day=date(9999, 1, 1)), kept)


def _month(code: str, month: date, amount: Decimal, machine: str) -> Iterator[Fact]:
    left = amount
    for place, (service, (family, what, share)) in enumerate(_SHARES.items()):
        is_last = place == len(_SHARES) - 1
        cost = left if is_last else Decimal(round(float(amount) * share * 100)).scaleb(-2)
        left -= cost
        told = {
            "service": service, "family": family, "account": "sample", "resource": f"{code or 'untagged'}-{what}",
        }  # fmt: skip
        region = _REGIONS[1] if what == "objects" else _REGIONS[0]
        things = _things(what, float(cost), machine)
        for quantity, value, unit, attributes in things:
            yield _fact(code, month, (quantity, value, unit, {**attributes, "region": region}), told)
        money = {
            "coverage": ESTIMATED if things else what,
            "effective_amount": cost,
            "billed_amount": cost,
            "list_amount": cost,
        }
        yield _fact(
            code, month, ("cost", float(cost), "currency", {"currency": "EUR", "region": region}), told | money, cost
        )


def _things(what: str, cost: float, machine: str) -> list[Thing]:
    """What a cost pays for; nothing where no quantity is known."""
    if what == "machine":
        hours = cost / 0.10
        return [
            ("instance_time", hours * _HOUR_S, "s", {"platform": machine}),
            ("vcpu_time", hours * 2 * _HOUR_S, "s", {"platform": machine}),
        ]
    if what == "disk":
        held: dict[str, AttributeValue] = {"platform": "aws:ebs-gp3", "storage_class": "ssd", "replication": 2.0}
        return [("storage_byte_seconds", cost / 0.09 * _GB * _MONTH_S, "B.s", held)]
    if what == "objects":
        held = {"platform": "aws:s3", "storage_class": "hdd", "replication": 3.0}
        return [("storage_byte_seconds", cost / 0.023 * _GB * _MONTH_S, "B.s", held)]
    if what == "out":
        return [("network_bytes", cost / 0.08 * _GB, "B", {"platform": "aws:data-transfer", "path": "internet"})]
    if what == "function":
        gb_s = cost / 0.0000167
        place: dict[str, AttributeValue] = {"platform": "aws:lambda"}
        return [("vcpu_time", gb_s / 1.769, "s", place), ("memory_byte_seconds", gb_s * _GB, "B.s", place)]
    return []


def _fact(code: str, month: date, thing: Thing, told: Mapping[str, Any], amount: Decimal | None = None) -> Fact:
    quantity, value, unit, attributes = thing
    start = datetime.combine(month, time(), UTC)
    end = datetime.combine(moved(month, 1), time(), UTC)
    activity = Activity(
        entity=f"{code}/{segment(told['service'])}/{segment(told['resource'])}", quantity=quantity, value=value, unit=unit,
        method="metered", attributes={**_BASIC, **attributes},
    )  # fmt: skip
    return Fact(
        activity=activity, run_id=digest([code, timestamp(start), activity.to_json()]), started_at=start, ended_at=end,
        amount=amount, billed=told,
    )  # fmt: skip

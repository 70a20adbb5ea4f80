# SPDX-License-Identifier: Apache-2.0
"""What a line of a bill is of (a meter), and what was understood of it: physical quantities, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lichen.records import AttributeValue, DataMethod

ESTIMATED: Final = "estimated"
"""Coverage of a cost that physical quantities stand beside; any other word is a `Reason` why there are none."""


class Family(StrEnum):
    """What kind of thing is rented: for coverage, advice and the list of top services."""

    COMPUTE = "compute"
    STORAGE = "storage"
    NETWORK = "network"
    DATABASE = "database"
    SERVERLESS = "serverless"
    ANALYTICS = "analytics"
    AI = "ai"
    REQUESTS = "requests"
    OTHER = "other"


class Reason(StrEnum):
    """Why a line has no physical quantity; its cost stays visible."""

    NO_USAGE = "no_usage"
    """Tax, credits, refunds, fees, purchases of commitments: money alone, nothing runs."""
    UNUSED_COMMITMENT = "unused_commitment"
    """A commitment that nothing used: money alone."""
    MARKETPLACE = "marketplace"
    """Sold by somebody else: what runs is billed by other lines, or not known."""
    SUPPORT = "support"
    """People and licences."""
    INCLUDED = "included"
    """A part of what another line is already counted for: IOPS of a disk, the address of a machine, a licence by the hour."""
    AI = "ai"
    """Tokens, images or seconds of a model: the AI collector's."""
    NO_RULE = "no_rule"
    """No rule knows this service or meter."""
    UNKNOWN_UNIT = "unknown_unit"
    """The unit is none that the grammar reads, or of another kind than the rule's."""
    NO_QUANTITY = "no_quantity"
    """The line tells no amount of usage."""
    ABSURD = "absurd"
    """More than can be: an instance that runs longer than its period times the instances that can be meant, petawatts."""
    NEGATIVE = "negative"
    """More was taken back than was used: a correction of a period that is not here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The columns `lichen.collect.bills.line.METER` of a line; texts, empty when unknown."""

    provider: str = ""
    service: str = ""
    service_category: str = ""
    meter: str = ""
    operation: str = ""
    description: str = ""
    instance_type: str = ""
    details: str = ""
    unit: str = ""
    charge: str = "usage"
    pricing: str = ""
    commitment: str = ""
    capacity: str = ""
    publisher: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One physical quantity of a meter.

    Attributes:
        quantity: name from the nomenclature.
        per_unit: of the quantity, in its canonical unit, per one of the bill's unit; per one and month of the bill's unit
            where ``monthly``, in seconds of the month left out (3 GB-Mo of October are 3e9 B x 31 x 86 400 s).
        platform: key of the catalogue: ``aws:m5.xlarge``, ``aws:s3``, or the provider alone.
        attributes: ``storage_class``, ``replication``, ``utilisation``... of the nomenclature.
        method: ``metered`` for a billed amount, ``modelled`` where the size of what is billed is assumed, ``proxy`` where the
            platform is the nearest known one.
    """

    quantity: str
    per_unit: float
    platform: str
    monthly: bool = False
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    method: DataMethod = "metered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What a meter is.

    Attributes:
        amounts: physical quantities; empty when ``reason`` says why.
        nearest: the type that was meant, where a near one stands for it; empty otherwise.
        rule: name of the rule that knew the meter, for ``lichen explain`` and for whoever adds one.
    """

    family: Family
    amounts: tuple[Amount, ...] = ()
    reason: Reason | None = None
    nearest: str = ""
    rule: str = ""

    def __post_init__(self) -> None:
        if bool(self.amounts) == (self.reason is not None):
            raise ValueError("a meter has amounts, or a reason why it has none")

# SPDX-License-Identifier: Apache-2.0
"""The rows that flow through Lichen: what happened (Activity), what it costs (Factor), what follows (Impact)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from numbers import Real
from typing import Any, Final, Literal

Basis = Literal["per_unit", "total"]
Phase = Literal["use", "embodied"]
Accounting = Literal["location", "market"]
DataMethod = Literal["measured", "metered", "allocated", "modelled", "proxy"]
Distribution = Literal["lognormal", "triangular", "uniform", "fixed"]

DATA_METHODS: Final[tuple[DataMethod, ...]] = ("measured", "metered", "allocated", "modelled", "proxy")
"""From the best to the weakest: the order of the quality bar."""

ID_SHOWN: Final = 12
"""Characters of a run's id or another hash that are shown: enough to find the run by, and to tell two sets of factors apart."""

AttributeValue = str | float | bool | None

_UNITS: Final = (1e-9, 1e15)
UNITS_REPAIR: Final = "Give a number above 0, from 1e-9 to 1e15."
"""What to do about functional units that `countable` refuses."""


def timestamp(moment: datetime | None = None) -> str:
    """A moment as records hold it: UTC, to the millisecond; now when None."""
    utc = datetime.now(UTC) if moment is None else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def countable(units: object) -> bool:
    """Whether so many functional units can have been done: figures per unit stay finite, and above zero where they are."""
    if isinstance(units, bool) or not isinstance(units, Real):
        return False
    return bool(units <= _UNITS[1]) and not units < _UNITS[0]


def canonical_json(content: object) -> bytes:
    """JSON with sorted keys and no spaces: the bytes that hashes are taken of."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def writable(text: str) -> str:
    """``text`` with halves of surrogate pairs as escapes: words and file names may hold bytes that no UTF-8 file can.

    >>> writable("caf\\udce9")
    'caf\\\\udce9'
    """
    return text.encode(errors="backslashreplace").decode()


def digest(content: object, length: int = 64) -> str:
    """SHA-256 of the canonical JSON of ``content``, as ``length`` hexadecimal characters."""
    return hashlib.sha256(canonical_json(content)).hexdigest()[:length]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What happened, in one physical quantity. Never carbon.

    Attributes:
        entity: path of the thing, ``app/part`` or ``app/part/journey/step``.
        quantity: name from the nomenclature.
        value: in the canonical unit of the quantity; None when unknown (zero is a measurement).
        samples: the value in each repetition, in the order of the run's samples; empty when there is one value only.
        method: how the value was obtained, from ``measured`` down to ``proxy``.
        attributes: the nomenclature's attributes (tier, zone, device, cpu_count...), those that apply.
    """

    entity: str
    quantity: str
    value: float | None
    unit: str
    samples: tuple[float | None, ...] = ()
    method: DataMethod = "measured"
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)

    @property
    def activity_id(self) -> str:
        """Hash of the row: the same row twice is one row."""
        return digest(self.to_json(), 16)

    def attribute(self, name: str) -> AttributeValue:
        """An attribute's value, None when it does not apply."""
        return self.attributes.get(name)

    def to_json(self) -> dict[str, Any]:
        """The row as `lichen evaluate` reads it."""
        row: dict[str, Any] = {
            "entity": self.entity,
            "quantity": self.quantity,
            "value": self.value,
            "unit": self.unit,
            "method": self.method,
        }
        if self.samples:
            row["samples"] = list(self.samples)
        row.update({k: v for k, v in self.attributes.items() if v is not None})
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What one unit of something costs, at a place and a time.

    Attributes:
        factor_id: dotted name free of place and time, e.g. ``grid.gwp100``.
        low, high: 5 % and 95 % bounds, in ``unit``.
        unit, boundary: as in `lichen.units.Tag`.
        geography: cloud region (``aws:eu-west-3``), ISO 3166 country, grid zone, or ``WORLD``.
        source: key of the source; ``source_title`` and ``licence`` say what it is and what may be done with it.
        range_basis: ``source`` when the source states the range, ``assumed`` when the pedigree table gives it.
        pack: pack and version that hold the row.
        vector: values of a factor that is a list, such as the steps of a scale; ``value`` and the bounds are 0 then.
        fallback: places that were asked for first and had no row; a place and a year where the row describes another time.
        replaces: pack of the shipped row that a row of the user's own stands in place of; empty for any other row.
    """

    factor_id: str
    value: float
    low: float
    high: float
    unit: str
    boundary: str
    geography: str
    valid_from: date
    valid_to: date | None
    source: str
    source_title: str
    licence: str
    distribution: Distribution = "lognormal"
    range_basis: Literal["source", "assumed"] = "source"
    comment: str = ""
    pack: str = ""
    vector: tuple[float, ...] = ()
    fallback: tuple[str, ...] = ()
    replaces: str = ""

    @property
    def key(self) -> str:
        """Identity of the row: factor, place and vintage. One seeded draw belongs to it."""
        return f"{self.factor_id}@{self.geography}:{self.valid_from.isoformat()}"

    @property
    def certain(self) -> bool:
        """Whether it has no range: a defining constant, or the figure of a method that states none."""
        return self.distribution == "fixed" or self.low == self.high

    def to_json(self) -> dict[str, Any]:
        """The row as JSON prints it."""
        return {
            "id": self.factor_id,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "boundary": self.boundary,
            "geography": self.geography,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "source": self.source,
            "source_title": self.source_title,
            "licence": self.licence,
            "distribution": self.distribution,
            "range_basis": self.range_basis,
            "comment": self.comment,
            "pack": self.pack,
            "fallback": list(self.fallback),
            **({"vector": list(self.vector)} if self.vector else {}),
            **({"replaces": self.replaces} if self.replaces else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What an activity costs by one indicator, with the model's 90 % range.

    Attributes:
        value: from the central factors; low, high: 5 % and 95 % of the seeded draws. Unit: the indicator's.
        samples: the value in each repetition, from the central factors, None where unknown; empty when the activity had one
            value.
        formula: chain of formula ids, the first applied first, joined by `` > ``.
        shares: share of the value by data method (measured... proxy); sums to 1.
    """

    impact_id: str
    entity: str
    quantities: tuple[str, ...]
    indicator: str
    phase: Phase
    accounting: Accounting
    value: float
    low: float
    high: float
    unit: str
    formula: str
    factors: tuple[Factor, ...]
    shares: Mapping[str, float]
    samples: tuple[float | None, ...] = ()
    rule: str = ""

    def to_json(self, written: dict[int, dict[str, Any]] | None = None) -> dict[str, Any]:
        """The row of the public contract, plus rule and data-method shares.

        Args:
            written: by `id`, factors that other impacts of the same evaluation have written already, and this one adds to:
                they are shared by thousands of rows.
        """
        known = {} if written is None else written
        for factor in self.factors:
            if id(factor) not in known:
                known[id(factor)] = factor.to_json()
        return {
            "impact_id": self.impact_id,
            "entity": self.entity,
            "quantities": list(self.quantities),
            "indicator": self.indicator,
            "phase": self.phase,
            "accounting": self.accounting,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "formula": self.formula,
            "factors": [known[id(factor)] for factor in self.factors],
            "rule": self.rule,
            "shares": dict(self.shares),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Impacts of one entity summed: draws first, percentiles after."""

    entity: str
    indicator: str
    phase: Phase
    accounting: Accounting
    value: float
    low: float
    high: float
    unit: str
    shares: Mapping[str, float]
    samples: tuple[float | None, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The row of the public contract, plus data-method shares."""
        return {
            "entity": self.entity,
            "indicator": self.indicator,
            "phase": self.phase,
            "accounting": self.accounting,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "shares": dict(self.shares),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCovered:
    """A quantity that a method does not turn into impacts, and why. Never a silent zero.

    Attributes:
        reason: English sentence.
        code, arguments: the same for machines and for other languages: a code of `lichen.model.reasons` and its gaps.
        by_design: the method leaves the quantity out in every run; otherwise something lacks (a value, a factor, an attribute).
    """

    entity: str
    quantity: str
    reason: str
    code: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    by_design: bool = False

    def to_json(self) -> dict[str, str]:
        """The row of the public contract."""
        return {"entity": self.entity, "quantity": self.quantity, "reason": self.reason}

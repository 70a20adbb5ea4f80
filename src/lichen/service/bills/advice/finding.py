# SPDX-License-Identifier: Apache-2.0
"""What a rule finds on a bill, and what is rented before and after the advice is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from lichen.portfolio.scenarios import Spread
from lichen.records import AttributeValue

if TYPE_CHECKING:
    from lichen.service.bills.advice.evidence import MonthEvidence

Risk = Literal["low", "medium", "high"]
Confidence = Literal["measured", "billed", "suspected"]
"""A meter says so; the bill alone says so; the bill lets it be suspected, and something else has to prove it."""
NOTHING: Final = Spread.of(0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A physical quantity of a month.

    Attributes:
        value: in the quantity's canonical unit.
        region: key of the catalogue, empty where unknown.
    """

    quantity: str
    value: float
    platform: str
    region: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)

    def times(self, factor: float) -> Use:
        """As much of it, times a factor."""
        return replace(self, value=self.value * factor)

    @property
    def load(self) -> float | None:
        """Measured load, from 0 to 1; None where nobody measured it."""
        found = self.attributes.get("utilisation")
        return float(found) if isinstance(found, (int, float)) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What is meant: an application's part of a bill; empty texts are not told."""

    application: str
    account: str
    service: str
    region: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How much of what could be saved will be: ``value`` is None where bounds alone are known."""

    low: float
    value: float | None
    high: float


ALL_OF_IT: Final = Part(low=1.0, value=1.0, high=1.0)
AT_MOST: Final = Part(low=0.0, value=None, high=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found.

    Attributes:
        facts: for the sentence: numbers in canonical units, money in the currency of the answer, and texts.
        before, after: what changes, in a month; both empty where nothing but money does.
        money: saved in a month; None where no price is known. part: of money and impacts that is saved.
        contract: whether money is owed by contract for what would go: it is saved once that ends, and a bound till then.
        run_hours: further work in a month, below 0 where work is spared.
        latency: class of the new place as `lichen.service.simulate.latency` tells it; empty where it does not change.
    """

    rule: str
    where: Where
    confidence: Confidence
    money: Spread | None
    before: tuple[Use, ...] = ()
    after: tuple[Use, ...] = ()
    part: Part = ALL_OF_IT
    facts: Mapping[str, float | str] = field(default_factory=dict)
    contract: bool = False
    run_hours: Spread = NOTHING
    latency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of advice on bills.

    Attributes:
        rule_id: stable, part of ids and documentation.
        hours: of work to follow it once. Assumed.
        risk: that something stops working.
        wide: whether it concerns so much at once that what it saves overlaps with advice on single resources.
        source, url: who says so.
    """

    rule_id: str
    find: Callable[[MonthEvidence], Iterable[Finding]]
    hours: Spread
    risk: Risk
    source: str
    url: str
    wide: bool = False

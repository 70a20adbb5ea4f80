# SPDX-License-Identifier: Apache-2.0
"""One finding of a rule, and what removing its cause would save."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lichen.service.advice.evidence import JourneyEvidence

Effort = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A quantity that would not be consumed any more, in one functional unit.

    Attributes:
        part: of the entity that consumed it; step: of the journey.
        quantity: of the nomenclature, in its canonical unit.
        value: best estimate; None when only bounds are known.
        low, high: bounds.
    """

    part: str
    step: str
    quantity: str
    value: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found.

    Attributes:
        rule: id of the rule.
        step: where; ``""`` between steps or in several.
        subjects: addresses or hosts concerned, the heaviest first.
        facts: what was measured, for the sentence: numbers in canonical units, and texts.
        saved: what would be saved; empty when that is not known.
    """

    rule: str
    step: str
    subjects: tuple[str, ...]
    facts: Mapping[str, float | int | str] = field(default_factory=dict)
    saved: tuple[Saved, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of advice.

    Attributes:
        rule_id: stable, part of ids and documentation.
        effort: of following it, in general.
        rgesn: criteria of the RGESN (2024 edition) that it checks. wsg: success criteria of the W3C's Web Sustainability
            Guidelines, by guideline.
    """

    rule_id: str
    effort: Effort
    find: Callable[[JourneyEvidence], Iterable[Finding]]
    rgesn: tuple[str, ...] = ()
    wsg: tuple[str, ...] = ()

    @property
    def criteria(self) -> tuple[str, ...]:
        """Criteria of both, named as people look them up."""
        return (*(f"RGESN {name}" for name in self.rgesn), *(f"WSG {name}" for name in self.wsg))

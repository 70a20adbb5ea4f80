# SPDX-License-Identifier: Apache-2.0
"""A method is data: rules that bind a formula's arguments to quantities, factors, attributes and context."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from lichen.records import Accounting, Phase

BindKind = Literal["quantity", "factor", "attribute", "context", "catalogue", "calendar", "result"]
PLACEHOLDER: Final = re.compile(r"\{((?:catalogue\.)?[A-Za-z_]\w*)\}")
CATALOGUE: Final = "catalogue."
CONTEXT: Final = "context."
"""Before the name of a fact of the catalogue, or of the run's context, in conditions, placeholders and defaults."""
MONTH: Final = "calendar.month_h"
"""The key of the default for the hours of a month."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a formula's argument comes from.

    Attributes:
        name: of the quantity, factor, attribute or fact; of the earlier step whose result is meant, empty for the one before.
        otherwise: what answers where the activity does not state the attribute.
    """

    kind: BindKind
    name: str = ""
    otherwise: Binding | None = None

    def __str__(self) -> str:
        own = f"{self.kind} {self.name}".rstrip()
        return own if self.otherwise is None else f"{own} | {self.otherwise}"

    @property
    def options(self) -> tuple[Binding, ...]:
        """This binding, and those that answer in its place."""
        return (self, *(() if self.otherwise is None else self.otherwise.options))

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Attributes whose value is part of the name: ``device.{device}.idle_power`` needs ``device``."""
        return tuple(PLACEHOLDER.findall(self.name))


@dataclass(frozen=True, slots=True)
class Step:
    """One formula and the bindings of its arguments; later steps of the rule may refer to its result by ``name``."""

    formula_id: str
    bind: Mapping[str, Binding]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Turns quantities of one entity into one indicator.

    Attributes:
        when: attribute -> accepted values; ``context.X`` reads the run's context, ``catalogue.X`` the platform's entry. ``"*"``
            accepts any known value, ``"!*"`` none, ``"!x"`` anything but x.
        unless: quantities that supersede this rule when the entity has them (a meter supersedes a model); ``energy@it`` at
            that boundary alone, ``energy`` at any.
        quantities: quantities consumed; the first one drives.
    """

    rule_id: str
    indicator: str
    phase: Phase
    quantities: tuple[str, ...]
    steps: tuple[Step, ...]
    when: Mapping[str, tuple[Any, ...]]
    unless: tuple[str, ...]
    derive: bool


@dataclass(frozen=True, slots=True)
class Derivation:
    """Turns delivered energy of the use phase into another indicator.

    Attributes:
        accounting: of the figures that it gives; None: the method's.
        optional: where a factor is missing there is no figure, and none is expected.
    """

    indicator: str
    step: Step
    accounting: Accounting | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Grading:
    """Letters for an indicator's total over all phases.

    Attributes:
        letters: from best to worst; one more than there are bounds.
        bounds: id of the vector factor with the last value of each letter but the worst, from best to worst.
        rounded: whether the total is rounded to an integer before it is compared, as some methods do.
    """

    indicator: str
    letters: tuple[str, ...]
    bounds: str
    rounded: bool


@dataclass(frozen=True, slots=True)
class Method:
    """A published way of turning activities into impacts.

    Attributes:
        defaults: attribute -> value assumed when an activity does not say (shown in ``lichen methods show``).
        validity, known_defects: in English; those ending in ``_fr`` in French, the English ones where a file lacks them.
        reasons: quantity, or ``quantity.tier`` -> why the method has no rule for it; ``reasons_fr`` in French.
    """

    method_id: str
    version: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    sources: tuple[str, ...]
    licence: str
    validity: str
    validity_fr: str
    known_defects: tuple[str, ...]
    known_defects_fr: tuple[str, ...]
    accounting: Accounting
    defaults: Mapping[str, Any]
    reasons: Mapping[str, str]
    reasons_fr: Mapping[str, str]
    rules: tuple[Rule, ...]
    derivations: tuple[Derivation, ...]
    grades: tuple[Grading, ...]
    path: Path

    @property
    def indicators(self) -> tuple[str, ...]:
        """Indicators that the method may give, in a stable order."""
        found = [rule.indicator for rule in self.rules] + [d.indicator for d in self.derivations]
        return tuple(dict.fromkeys(found))

    @property
    def quantities(self) -> tuple[str, ...]:
        """Quantities that some rule reads."""
        return tuple(dict.fromkeys(q for rule in self.rules for q in rule.quantities))

    def reason(self, quantity: str, tier: str, attributes: Iterable[str] = ()) -> dict[str, str]:
        """Why the method leaves a quantity out, by language; empty when its file does not say.

        The reason of an attribute that the activity has goes first, then the tier's.
        """
        keys = (*(f"{quantity}.{name}" for name in attributes), f"{quantity}.{tier}", quantity)
        key = next((key for key in keys if key in self.reasons), None)
        return {} if key is None else {"en": self.reasons[key], "fr": self.reasons_fr.get(key, self.reasons[key])}

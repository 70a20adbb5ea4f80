# SPDX-License-Identifier: Apache-2.0
"""What is known of activities of one kind, and where each argument of a formula comes from."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from lichen.errors import FactorNotFound
from lichen.model.activities import Group, When
from lichen.model.chain import Link, Source
from lichen.model.method import CATALOGUE, CONTEXT, MONTH, Binding, Method, Rule
from lichen.model.reasons import Missing, Reason
from lichen.nomenclature import Nomenclature
from lichen.records import AttributeValue, Factor
from lichen.units import HOUR_PER_DAY

Lookup = Callable[[str, Mapping[str, AttributeValue], When | None], Factor]
"""Finds a factor by id, the activity's attributes (which name its place) and its time; raises FactorNotFound."""

_ANYWHERE: Final = "WORLD"


class Catalogue(Protocol):
    """What machines are, by the key that the attribute ``platform`` holds."""

    def find(self, key: str) -> Mapping[str, float | str] | None:
        """Facts of a machine; None when it is not known."""

    def near(self, key: str) -> Sequence[str]:
        """Known keys that are written like this one."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for all activities that a method is applied to.

    Attributes:
        context: facts of the run.
        catalogue: facts of the platforms that activities name; None: no platform is known.
    """

    method: Method
    lookup: Lookup
    context: Mapping[str, Any]
    nomenclature: Nomenclature
    catalogue: Catalogue | None


class Case:
    """A group, which stands for all of its kind, in its setting."""

    def __init__(self, setting: Setting, group: Group) -> None:
        self._setting = setting
        self.group = group

    @cached_property
    def _entry(self) -> Mapping[str, float | str] | None:
        """What the catalogue tells of the platform."""
        platform, catalogue = self.group.attributes.get("platform"), self._setting.catalogue
        return None if platform is None or catalogue is None else catalogue.find(str(platform))

    def _value(self, name: str) -> Any:
        """An attribute, or the method's default for it; of the context or the catalogue when it says so."""
        if name.startswith(CONTEXT):
            found = self._setting.context.get(name.removeprefix(CONTEXT))
        elif name.startswith(CATALOGUE):
            found = None if self._entry is None else self._entry.get(name.removeprefix(CATALOGUE))
        else:
            found = self.group.attributes.get(name)
        return self._setting.method.defaults.get(name) if found is None else found

    def concerns(self, rule: Rule) -> bool:
        """Whether the rule's conditions hold, whatever supersedes it."""
        return all(_accepts(accepted, self._value(key)) for key, accepted in rule.when.items())

    def unsaid(self, rule: Rule) -> Reason | None:
        """What alone a rule's conditions ask for and the activity does not say; None when it says otherwise."""
        failing = [key for key, accepted in rule.when.items() if not _accepts(accepted, self._value(key))]
        if not failing or any(key.startswith(CONTEXT) or self._value(key) is not None for key in failing):
            return None
        if not failing[0].startswith(CATALOGUE):
            return Reason("no_attribute", {"name": failing[0]})
        try:
            self._fact(failing[0].removeprefix(CATALOGUE))
        except Missing as missing:
            return Reason(missing.code, missing.arguments)
        return None

    def source(self, binding: Binding, links: Mapping[str, Link]) -> Source:
        """Where an argument comes from.

        Args:
            links: the rule's earlier steps by their names; the one before has the name "".

        Raises:
            Missing: nothing answers.
        """
        if binding.kind == "result":
            return Source("link", binding, link=links[binding.name])
        if binding.kind == "quantity":
            if self.group.quantities[binding.name].value is None:
                raise Missing("unknown_value")
            return Source("quantity", binding)
        if binding.kind == "factor":
            return Source("factor", binding, factor=self._factor(binding))
        if binding.kind == "attribute" and self.group.attributes.get(binding.name) is not None:
            return Source("attribute", binding)
        if binding.otherwise is not None:
            return self.source(binding.otherwise, links)
        return Source("constant", binding, value=self._constant(binding))

    def _fact(self, name: str) -> float | str:
        """A fact of the platform."""
        found = self._value(CATALOGUE + name)
        if found is not None:
            return found  # type: ignore[no-any-return]
        platform, catalogue = self.group.attributes.get("platform"), self._setting.catalogue
        if platform is None:
            raise Missing("no_attribute", name="platform")
        if self._entry is None:
            near = catalogue.near(str(platform)) if catalogue else ()
            raise (
                Missing("near_platform", platform=str(platform), near=near[0])
                if near
                else Missing("no_platform", platform=str(platform))
            )
        raise Missing("no_fact", platform=str(platform), name=name)

    def _factor(self, binding: Binding) -> Factor:
        factor_id = binding.name
        for name in binding.placeholders:
            if name.startswith(CATALOGUE):
                value: Any = self._fact(name.removeprefix(CATALOGUE))
            elif (value := self._value(name)) is None:
                raise Missing("no_attribute", name=name)
            factor_id = factor_id.replace(f"{{{name}}}", str(value))
        attributes = self.group.attributes
        try:
            return self._setting.lookup(factor_id, attributes, self.group.when)
        except FactorNotFound:
            place = attributes.get("zone") or attributes.get("region") or _ANYWHERE
            raise Missing("no_factor", factor=factor_id, place=str(place)) from None

    def _constant(self, binding: Binding) -> float:
        """A number that is the same for all activities of the kind."""
        value: Any
        if binding.kind == "catalogue":
            value = self._fact(binding.name)
            if isinstance(value, str):
                raise Missing("no_fact", platform=str(self.group.attributes.get("platform")), name=binding.name)
        elif binding.kind == "calendar":
            when = self.group.when
            value = self._setting.method.defaults.get(MONTH) if when is None else _month_h(when)
        elif binding.kind == "context":
            value = self._setting.context.get(binding.name)
        else:
            value = self._setting.method.defaults.get(binding.name)
        if value is None:
            raise Missing("no_context" if binding.kind == "context" else "no_attribute", name=binding.name)
        return float(value)


def _month_h(when: When) -> int:
    """Hours of the month of a day."""
    return calendar.monthrange(when.day.year, when.day.month)[1] * HOUR_PER_DAY


def _accepts(accepted: Sequence[Any], value: Any) -> bool:
    """Whether a condition's values hold ``value``; ``"!1"`` accepts everything but 1, ``"*"`` everything known."""
    for wanted in accepted:
        if wanted == "*":
            if value is not None:
                return True
        elif wanted == "!*":
            if value is None:
                return True
        elif isinstance(wanted, str) and wanted.startswith("!"):
            if str(value) != wanted[1:] and value != _number(wanted[1:]):
                return True
        elif value == wanted:
            return True
    return False


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

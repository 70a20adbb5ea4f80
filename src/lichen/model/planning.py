# SPDX-License-Identifier: Apache-2.0
"""Which rules of a method apply to an activity, and where each argument of their formulas comes from.

The answer depends on what kind of activity it is and not on its amounts, so it is found once for each kind.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from lichen.errors import FactorNotFound, MethodError
from lichen.model import registry
from lichen.model.activities import Group, When
from lichen.model.boundaries import check_factor, check_result
from lichen.model.chain import Chain, Link, Source, Work
from lichen.model.method import CATALOGUE, CONTEXT, Binding, Method, Rule, Step
from lichen.model.reasons import METHOD, Missing, Reason
from lichen.nomenclature import Nomenclature
from lichen.records import AttributeValue, Factor
from lichen.units import HOUR_PER_DAY

Lookup = Callable[[str, Mapping[str, AttributeValue], When | None], Factor]
"""Finds a factor by id, the activity's attributes (which name its place) and its time; raises FactorNotFound."""

_ANYWHERE: Final = "WORLD"
_MONTH: Final = "calendar.month_h"


class Catalogue(Protocol):
    """What machines are, by the key that the attribute ``platform`` holds."""

    def find(self, key: str) -> Mapping[str, float | str] | None:
        """Facts of a machine; None when it is not known."""

    def near(self, key: str) -> Sequence[str]:
        """Known keys that are written like this one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a method does with activities of one kind.

    Attributes:
        works: rules that are computed.
        left: quantities that have no figure, and why.
    """

    works: tuple[Work, ...]
    left: tuple[tuple[tuple[str, ...], Reason], ...]


@dataclass(slots=True)
class _Draft:
    works: list[Work] = field(default_factory=list)
    left: list[tuple[tuple[str, ...], Reason]] = field(default_factory=list)


class Planner:
    """Plans of one method, one for each kind of activity.

    Args:
        catalogue: facts of the platforms that activities name; None: no platform is known.
    """

    def __init__(
        self,
        method: Method,
        lookup: Lookup,
        context: Mapping[str, Any],
        nomenclature: Nomenclature,
        catalogue: Catalogue | None,
    ) -> None:
        self._method = method
        self._lookup = lookup
        self._context = context
        self._nomenclature = nomenclature
        self._catalogue = catalogue
        self._plans: dict[Any, Plan] = {}
        self._conditioned = {key for rule in method.rules for key in rule.when}

    def plan(self, group: Group, known: frozenset[str]) -> Plan:
        """What is done with a group, and with every other one of its kind.

        Args:
            known: quantities that the group's entity has a value of, ``energy@it`` besides ``energy``.
        """
        kind = (self._signature(group), known)
        if kind not in self._plans:
            self._plans[kind] = self._resolve(group, known)
        return self._plans[kind]

    def _signature(self, group: Group) -> Any:
        """Everything that a plan depends on: words, the names of numbers, numbers that conditions look at."""
        words = tuple(
            sorted(
                (key, value if isinstance(value, str | bool) or key in self._conditioned else None)
                for key, value in group.attributes.items()
            )
        )
        return words, frozenset((name, a.value is None) for name, a in group.quantities.items()), group.when

    def _resolve(self, group: Group, known: frozenset[str]) -> Plan:
        draft, used = _Draft(), set[str]()
        for rule in self._method.rules:
            if (
                all(quantity in group.quantities for quantity in rule.quantities)
                and self._concerns(rule, group)
                and known.isdisjoint(rule.unless)
            ):
                used.update(rule.quantities)
                self._rule(rule, group, draft)
        for quantity in group.quantities:
            if quantity not in used:
                draft.left.append(((quantity,), self._lack(group, quantity, known)))
        return Plan(tuple(draft.works), tuple(draft.left))

    def _value(self, group: Group, name: str) -> Any:
        """An attribute, or the method's default for it; of the context or the catalogue when it says so."""
        if name.startswith(CONTEXT):
            found = self._context.get(name.removeprefix(CONTEXT))
        elif name.startswith(CATALOGUE):
            entry = self._entry(group)
            found = None if entry is None else entry.get(name.removeprefix(CATALOGUE))
        else:
            found = group.attributes.get(name)
        return self._method.defaults.get(name) if found is None else found

    def _entry(self, group: Group) -> Mapping[str, float | str] | None:
        platform = group.attributes.get("platform")
        return None if platform is None or self._catalogue is None else self._catalogue.find(str(platform))

    def _concerns(self, rule: Rule, group: Group) -> bool:
        """Whether the rule's conditions hold for the group, whatever supersedes it."""
        return all(_accepts(accepted, self._value(group, key)) for key, accepted in rule.when.items())

    def _fact(self, group: Group, name: str) -> float | str:
        """A fact of the group's platform."""
        found = self._value(group, CATALOGUE + name)
        if found is not None:
            return found  # type: ignore[no-any-return]
        platform = group.attributes.get("platform")
        if platform is None:
            raise Missing("no_attribute", name="platform")
        if self._entry(group) is None:
            near = self._catalogue.near(str(platform)) if self._catalogue else ()
            raise (
                Missing("near_platform", platform=str(platform), near=near[0])
                if near
                else Missing("no_platform", platform=str(platform))
            )
        raise Missing("no_fact", platform=str(platform), name=name)

    def _factor(self, binding: Binding, group: Group) -> Factor:
        names: dict[str, Any] = {}
        for name in binding.placeholders:
            if name.startswith(CATALOGUE):
                names[name] = self._fact(group, name.removeprefix(CATALOGUE))
            elif (value := self._value(group, name)) is None:
                raise Missing("no_attribute", name=name)
            else:
                names[name] = value
        factor_id = binding.name
        for name, value in names.items():
            factor_id = factor_id.replace(f"{{{name}}}", str(value))
        try:
            return self._lookup(factor_id, group.attributes, group.when)
        except FactorNotFound:
            place = group.attributes.get("zone") or group.attributes.get("region") or _ANYWHERE
            raise Missing("no_factor", factor=factor_id, place=str(place)) from None

    def _source(self, binding: Binding, group: Group, links: Mapping[str, Link]) -> Source:
        if binding.kind == "result":
            return Source("link", link=links[binding.name])
        if binding.kind == "quantity":
            if group.quantities[binding.name].value is None:
                raise Missing("unknown_value")
            return Source("quantity", binding.name)
        if binding.kind == "factor":
            return Source("factor", factor=self._factor(binding, group))
        if binding.kind == "attribute" and group.attributes.get(binding.name) is not None:
            return Source("attribute", binding.name)
        return Source("constant", binding.name, value=self._constant(binding, group))

    def _constant(self, binding: Binding, group: Group) -> float:
        """A number that is the same for all activities of the kind."""
        value: Any
        if binding.kind == "catalogue":
            value = self._fact(group, binding.name)
            if isinstance(value, str):
                raise Missing("no_fact", platform=str(group.attributes.get("platform")), name=binding.name)
        elif binding.kind == "calendar":
            value = self._method.defaults.get(_MONTH) if group.when is None else _month_h(group.when)
        elif binding.kind == "context":
            value = self._context.get(binding.name)
        else:
            value = self._method.defaults.get(binding.name)
        if value is None:
            raise Missing("no_context" if binding.kind == "context" else "no_attribute", name=binding.name)
        return float(value)

    def _link(self, step: Step, group: Group, links: Mapping[str, Link], boundary: str) -> tuple[Link, str]:
        """The step with its sources, and the boundary of its result; ``boundary`` is that of what flows in."""
        formula = registry.get(step.formula_id)
        sources: dict[str, Source] = {}
        bound = ""
        for name, binding in step.bind.items():
            source = sources[name] = self._source(binding, group, links)
            tag = formula.arguments[name]
            if source.factor is not None:
                brought = check_factor(source.factor, tag, self._method.method_id, self._nomenclature)
                if bound and brought and brought != bound:
                    raise MethodError(
                        f"Method {self._method.method_id} gives {formula.formula_id} factors of the boundaries "
                        f"'{bound}' and '{brought}'.",
                        repair="Bind factors of one boundary.",
                        culprit=source.factor.factor_id,
                    )
                bound = brought or bound
            elif tag.boundary and binding.kind in ("quantity", "result"):
                check_result(boundary, tag, formula.formula_id, self._method.method_id)
                bound = bound or boundary
        return Link(formula, sources), bound if formula.result.boundary == "b" else formula.result.boundary

    def _rule(self, rule: Rule, group: Group, draft: _Draft) -> None:
        links: dict[str, Link] = {}
        order: list[Link] = []
        boundaries: dict[str, str] = {}
        own = str(group.attributes.get("boundary") or "")
        try:
            for step in rule.steps:
                flowing = next((boundaries[b.name] for b in step.bind.values() if b.kind == "result"), own)
                link, boundary = self._link(step, group, links, flowing)
                order.append(link)
                for name in {"", step.name}:
                    links[name], boundaries[name] = link, boundary
        except Missing as missing:
            draft.left.append((rule.quantities, missing.reason(rule.indicator, rule.phase)))
            return
        chains = [Chain(rule.indicator, self._method.accounting, tuple(order), boundaries[""])]
        for derivation in self._method.derivations if rule.derive else ():
            accounting = derivation.accounting or self._method.accounting
            try:
                link, boundary = self._link(derivation.step, group, links, boundaries[""])
            except Missing as missing:
                if not derivation.optional:
                    draft.left.append((rule.quantities, missing.reason(derivation.indicator, rule.phase)))
                continue
            chains.append(Chain(derivation.indicator, accounting, (*order, link), boundary))
        draft.works.append(Work(rule, tuple(chains)))

    def _lack(self, group: Group, quantity: str, known: frozenset[str]) -> Reason:
        """Why no rule reads a quantity: it is unknown, the method says so, a meter is better, or something is missing."""
        if group.quantities[quantity].value is None:
            return Reason("unknown_value")
        tier = str(group.attributes.get("tier"))
        designed = self._method.reason(quantity, tier)
        if designed:
            return Reason(METHOD, designed)
        method_id = self._method.method_id
        reading = [rule for rule in self._method.rules if quantity in rule.quantities]
        if not reading:
            return Reason("no_rule", {"method": method_id, "quantity": quantity})
        for rule in reading:
            meter = next((meter for meter in rule.unless if meter in known), None)
            if meter is not None and self._concerns(rule, group):
                return Reason("superseded", {"meter": meter})
        for rule in reading:
            if missing := self._unsaid(rule, group):
                return missing
        for rule in reading:
            for other in rule.quantities:
                if other not in group.quantities and self._concerns(rule, group):
                    return Reason("no_quantity", {"method": method_id, "quantity": other})
        return Reason("no_rule_of_tier", {"method": method_id, "quantity": quantity, "tier": tier})

    def _unsaid(self, rule: Rule, group: Group) -> Reason | None:
        """What a rule's conditions ask for and the activity does not say."""
        for key, accepted in rule.when.items():
            if key.startswith(CONTEXT) or self._value(group, key) is not None or _accepts(accepted, None):
                continue
            if not key.startswith(CATALOGUE):
                return Reason("no_attribute", {"name": key})
            try:
                self._fact(group, key.removeprefix(CATALOGUE))
            except Missing as missing:
                return Reason(missing.code, missing.arguments)
        return None


def known_quantities(groups: Iterable[Group]) -> Callable[[Group], frozenset[str]]:
    """What is known of each group's entity on its day: a meter supersedes models whatever its other attributes.

    What has no day counts for all days.
    """
    known: dict[str, dict[Any, set[str]]] = {}
    for group in groups:
        found = known.setdefault(group.entity, {}).setdefault(group.day, set())
        boundary = group.attributes.get("boundary")
        for quantity, activity in group.quantities.items():
            if activity.value is not None:
                found.update((quantity,) if boundary is None else (quantity, f"{quantity}@{boundary}"))

    def of(group: Group) -> frozenset[str]:
        by_day = known[group.entity]
        days = by_day if group.day is None else {None, group.day} & by_day.keys()
        return frozenset().union(*(by_day[day] for day in days))

    return of


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

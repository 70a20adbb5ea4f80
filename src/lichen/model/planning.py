# SPDX-License-Identifier: Apache-2.0
"""Which rules of a method apply to an activity, and the formulas that they link.

The answer depends on what kind of activity it is and not on its amounts, so it is found once for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lichen.errors import MethodError
from lichen.model import registry
from lichen.model.activities import Group
from lichen.model.boundaries import check_factor, check_indicator, check_result, result_unit
from lichen.model.case import Case, Setting
from lichen.model.chain import Chain, Link, Source, Work
from lichen.model.method import Rule, Step
from lichen.model.reasons import METHOD, Missing, Reason
from lichen.records import Accounting


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


@dataclass(frozen=True, slots=True)
class _Flow:
    """A step, and at which boundary and in which unit its result is."""

    link: Link
    boundary: str
    unit: str


class Planner:
    """Plans of one method, one for each kind of activity."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._method = setting.method
        self._plans: dict[Any, Plan] = {}
        self._candidates: dict[frozenset[str], tuple[Rule, ...]] = {}
        self._conditioned = {key for rule in self._method.rules for key in rule.when}

    def plan(self, group: Group, known: frozenset[str]) -> Plan:
        """What is done with a group, and with every other one of its kind.

        Args:
            known: quantities that the group's entity has a value of, ``energy@it`` besides ``energy``.
        """
        kind = (self._signature(group), known)
        if kind not in self._plans:
            self._plans[kind] = self._resolve(Case(self._setting, group), known)
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

    def _resolve(self, case: Case, known: frozenset[str]) -> Plan:
        draft, used = _Draft(), set[str]()
        for rule in self._reading(frozenset(case.group.quantities)):
            if known.isdisjoint(rule.unless) and case.concerns(rule):
                used.update(rule.quantities)
                self._rule(rule, case, draft)
        for quantity in case.group.quantities:
            if quantity not in used:
                draft.left.append(((quantity,), self._lack(case, quantity, known)))
        return Plan(tuple(draft.works), tuple(draft.left))

    def _reading(self, quantities: frozenset[str]) -> tuple[Rule, ...]:
        """Rules that need no other quantities than these."""
        if quantities not in self._candidates:
            self._candidates[quantities] = tuple(r for r in self._method.rules if quantities.issuperset(r.quantities))
        return self._candidates[quantities]

    def _flow(self, step: Step, case: Case, before: Mapping[str, _Flow], own: str) -> _Flow:
        """The step with its sources, and what flows out of it; ``own`` is the boundary of the activity's own energy."""
        formula, method_id = registry.get(step.formula_id), self._method.method_id
        links = {name: flow.link for name, flow in before.items()}
        sources: dict[str, Source] = {}
        units: dict[str, str] = {}
        bound = ""
        for name, binding in step.bind.items():
            source = sources[name] = case.source(binding, links)
            tag, kind = formula.arguments[name], source.binding.kind
            if source.factor is not None:
                brought = check_factor(source.factor, tag, method_id, self._setting.nomenclature)
                if bound and brought and brought != bound:
                    raise MethodError(
                        f"Method {method_id} gives {formula.formula_id} factors of the boundaries '{bound}' and '{brought}'.",
                        repair="Bind factors of one boundary.",
                        culprit=source.factor.factor_id,
                    )
                bound = brought or bound
                units[name] = source.factor.unit
            elif kind in ("quantity", "result"):
                flowing = before[source.name].boundary if kind == "result" else own
                if tag.boundary:
                    check_result(flowing, tag, formula.formula_id, method_id)
                    bound = bound or flowing
                units[name] = self._unit(source, before)
        unit = result_unit(formula, units, method_id, self._setting.nomenclature)
        return _Flow(Link(formula, sources), bound if formula.result.boundary == "b" else formula.result.boundary, unit)

    def _unit(self, source: Source, before: Mapping[str, _Flow]) -> str:
        if source.kind == "link":
            return before[source.name].unit
        return self._setting.nomenclature.quantity(source.name).unit

    def _rule(self, rule: Rule, case: Case, draft: _Draft) -> None:
        before: dict[str, _Flow] = {}
        order: list[_Flow] = []
        own = str(case.group.attributes.get("boundary") or "")
        try:
            for step in rule.steps:
                flow = self._flow(step, case, before, own)
                order.append(flow)
                before.update(dict.fromkeys(("", step.name), flow))
        except Missing as missing:
            draft.left.append((rule.quantities, missing.reason(rule.indicator, rule.phase)))
            return
        chains = [self._chain(rule.indicator, self._method.accounting, order)]
        for derivation in self._method.derivations if rule.derive else ():
            try:
                flow = self._flow(derivation.step, case, before, own)
            except Missing as missing:
                if not derivation.optional:
                    draft.left.append((rule.quantities, missing.reason(derivation.indicator, rule.phase)))
                continue
            accounting = derivation.accounting or self._method.accounting
            chains.append(self._chain(derivation.indicator, accounting, (*order, flow)))
        draft.works.append(Work(rule, tuple(chains)))

    def _chain(self, indicator: str, accounting: Accounting, flows: Sequence[_Flow]) -> Chain:
        """The steps to an indicator, whose unit the last one has to give."""
        last = flows[-1]
        check_indicator(last.unit, self._setting.nomenclature.indicator(indicator), self._method.method_id)
        return Chain(indicator, accounting, tuple(flow.link for flow in flows), last.boundary)

    def _lack(self, case: Case, quantity: str, known: frozenset[str]) -> Reason:
        """Why no rule reads a quantity: it is unknown, the method says so, a meter is better, or something is missing."""
        group = case.group
        if group.quantities[quantity].value is None:
            return Reason("unknown_value")
        tier = str(group.attributes.get("tier"))
        designed = self._method.reason(quantity, tier, sorted(group.attributes))
        if designed:
            return Reason(METHOD, designed)
        method_id = self._method.method_id
        reading = [rule for rule in self._method.rules if quantity in rule.quantities]
        if not reading:
            return Reason("no_rule", {"method": method_id, "quantity": quantity})
        for rule in reading:
            meter = next((meter for meter in rule.unless if meter in known), None)
            if meter is not None and case.concerns(rule):
                return Reason("superseded", {"meter": meter})
        for rule in reading:
            if missing := case.unsaid(rule):
                return missing
        for rule in reading:
            for other in rule.quantities:
                if other not in group.quantities and case.concerns(rule):
                    return Reason("no_quantity", {"method": method_id, "quantity": other})
        return Reason("no_rule_of_tier", {"method": method_id, "quantity": quantity, "tier": tier})


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

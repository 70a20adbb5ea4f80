# SPDX-License-Identifier: Apache-2.0
"""Applies a method to groups of activities: the one computing path of every figure that Lichen prints.

Each formula chain runs three times on the same code: on central factor values (the figure), on shared draws of the factors
(its model range), and on the repetitions of a measurement (its repeatability). The two intervals are never merged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np

from lichen.errors import FactorError, FactorNotFound, MethodError
from lichen.model import registry, uncertainty
from lichen.model.activities import Group
from lichen.model.boundaries import check_factor, check_result
from lichen.model.method import Binding, Method, Rule, Step
from lichen.model.reasons import METHOD, Missing, Reason
from lichen.model.results import Computed, Evaluation
from lichen.nomenclature import Nomenclature
from lichen.records import DATA_METHODS, Factor, Impact, NotCovered, digest

Lookup = Callable[[str, str | None, date | None], Factor]
"""Finds a factor by id, place and day (None: the day that the caller has set); raises FactorNotFound."""
_ANYWHERE: Final = "WORLD"
_BY_DESIGN: Final = frozenset({METHOD, "superseded"})
"""Reasons that are no gap: the method leaves the quantity out on purpose, or a meter stands for it."""


@dataclass(frozen=True, slots=True)
class _Chain:
    """A formula chain evaluated three times, and what it used.

    Its draws are computed when they are asked for: kept, those of thousands of impacts would fill the memory.
    """

    central: float
    draws: Callable[[], Any]
    samples: Any
    boundary: str
    factors: tuple[Factor, ...]
    formula_ids: tuple[str, ...]


def _accepts(accepted: Sequence[Any], value: Any) -> bool:
    """Whether a condition's values hold ``value``; ``"!1"`` accepts everything but 1."""
    for wanted in accepted:
        if isinstance(wanted, str) and wanted.startswith("!"):
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


def _apply(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """The formula on its arguments, those that are computed on demand included."""
    return function(**{name: value() if callable(value) else value for name, value in arguments.items()})


def _array(draws: Callable[[], Any]) -> np.ndarray:
    return np.broadcast_to(np.asarray(draws(), dtype=float), (uncertainty.DRAWS,))


class _Evaluator:
    def __init__(
        self, method: Method, lookup: Lookup, factors_hash: str, context: Mapping[str, Any], nomenclature: Nomenclature
    ) -> None:
        self.method = method
        self.lookup = lookup
        self.factors_hash = factors_hash
        self.context = context
        self.nomenclature = nomenclature
        self.known: dict[str, dict[date | None, set[str]]] = {}
        self.draws: dict[str, np.ndarray] = {}
        self.computed: list[Computed] = []
        self.not_covered: dict[tuple[str, str, str], NotCovered] = {}

    def attribute(self, group: Group, name: str) -> Any:
        value = group.attributes.get(name)
        return self.method.defaults.get(name) if value is None else value

    def concerns(self, rule: Rule, group: Group) -> bool:
        """Whether the rule's conditions hold for the group, whatever supersedes it."""
        for key, accepted in rule.when.items():
            if key.startswith("context."):
                value = self.context.get(key.removeprefix("context."), self.method.defaults.get(key))
            else:
                value = self.attribute(group, key)
            if not _accepts(accepted, value):
                return False
        return True

    def applies(self, rule: Rule, group: Group) -> bool:
        """Whether the rule is to be computed."""
        return (
            all(q in group.quantities for q in rule.quantities)
            and self.concerns(rule, group)
            and self.known_of(group).isdisjoint(rule.unless)
        )

    def factor(self, binding: Binding, group: Group) -> Factor:
        names = {name: self.attribute(group, name) for name in binding.placeholders}
        for name, value in names.items():
            if value is None:
                raise Missing("no_attribute", name=name)
        zone = group.attributes.get("zone")
        factor_id, place = binding.name.format(**names), str(zone) if zone is not None else None
        try:
            return self.lookup(factor_id, place, group.day)
        except FactorNotFound:
            raise Missing("no_factor", factor=factor_id, place=place or _ANYWHERE) from None

    def argument(self, binding: Binding, group: Group, before: _Chain | None) -> tuple[Any, Any, Any, Factor | None]:
        """Central value, draws (an array, a constant, or what computes them), repetitions, and the factor if it is one."""
        if binding.kind == "result":
            if before is None:
                raise MethodError(
                    f"Method {self.method.method_id}: 'result' in a first step.", repair="Bind a quantity."
                )
            return before.central, before.draws, before.samples, None
        if binding.kind == "quantity":
            activity = group.quantities[binding.name]
            if activity.value is None:
                raise Missing("unknown_value")
            samples = np.array(activity.samples, dtype=float) if activity.samples else activity.value
            return activity.value, activity.value, samples, None
        if binding.kind == "factor":
            factor = self.factor(binding, group)
            if factor.key not in self.draws:
                self.draws[factor.key] = uncertainty.draw(factor)
            return factor.value, self.draws[factor.key], factor.value, factor
        value = self.attribute(group, binding.name) if binding.kind == "attribute" else self.context.get(binding.name)
        if value is None:
            raise Missing(f"no_{binding.kind}", name=binding.name)
        return value, value, value, None

    def step(self, step: Step, group: Group, before: _Chain | None) -> _Chain:
        formula = registry.get(step.formula_id)
        central, draws, samples, factors = {}, {}, {}, []
        boundary = before.boundary if before else str(group.attributes.get("boundary") or "")
        bound = ""
        for name, binding in step.bind.items():
            central[name], draws[name], samples[name], factor = self.argument(binding, group, before)
            tag = formula.arguments[name]
            if factor is not None:
                brought = check_factor(factor, tag, self.method.method_id, self.nomenclature)
                if bound and brought and brought != bound:
                    raise MethodError(
                        f"Method {self.method.method_id} gives {formula.formula_id} factors of the boundaries "
                        f"'{bound}' and '{brought}'.",
                        repair="Bind factors of one boundary.",
                        culprit=factor.factor_id,
                    )
                bound = brought or bound
                factors.append(factor)
            elif tag.boundary and binding.kind in ("quantity", "result"):
                check_result(boundary, tag, formula.formula_id, self.method.method_id)
                bound = bound or boundary
        try:
            value = float(formula.function(**central))
        except ZeroDivisionError as error:
            zeros = ", ".join(f"{name} = {value:g}" for name, value in central.items())
            raise FactorError(
                f"{formula.formula_id} divides by zero with {zeros}.",
                repair="A lifetime is above 0 and a share below 1: repair the factor or the attribute.",
                culprit=formula.formula_id,
            ) from error
        return _Chain(
            central=value,
            draws=partial(_apply, formula.function, draws),
            samples=formula.function(**samples),
            boundary=bound if formula.result.boundary == "b" else formula.result.boundary,
            factors=(*(before.factors if before else ()), *factors),
            formula_ids=(*(before.formula_ids if before else ()), step.formula_id),
        )

    def book(self, rule: Rule, group: Group, indicator: str, chain: _Chain) -> None:
        activities = [group.quantities[q] for q in rule.quantities]
        method = max((a.method for a in activities), key=DATA_METHODS.index)
        if any(factor.fallback for factor in chain.factors):
            method = "proxy"
        low, high = uncertainty.bounds(_array(chain.draws))
        samples = chain.samples if isinstance(chain.samples, np.ndarray) else ()
        identity = [
            group.entity, list(rule.quantities), indicator, rule.phase, self.method.accounting, self.method.method_id,
            self.method.version, self.factors_hash, rule.rule_id, sorted(group.attributes.items()),
            *([] if group.day is None else [group.day.isoformat()]),
        ]  # fmt: skip
        impact = Impact(
            impact_id=digest(identity, 16),
            entity=group.entity,
            quantities=rule.quantities,
            indicator=indicator,
            phase=rule.phase,
            accounting=self.method.accounting,
            value=chain.central,
            low=low,
            high=high,
            unit=self.nomenclature.indicator(indicator).unit,
            formula=" > ".join(chain.formula_ids),
            factors=chain.factors,
            shares={method: 1.0},
            samples=tuple(None if math.isnan(v) else float(v) for v in samples),
            rule=rule.rule_id,
        )
        self.computed.append(Computed(impact, partial(_array, chain.draws)))

    def leave(self, group: Group, quantities: Iterable[str], reason: Reason) -> None:
        sentence = str(reason)
        for quantity in quantities:
            row = NotCovered(
                entity=group.entity,
                quantity=quantity,
                reason=sentence,
                code=reason.code,
                arguments=reason.arguments,
                by_design=reason.code in _BY_DESIGN,
            )
            self.not_covered.setdefault((group.entity, quantity, sentence), row)

    def rule(self, rule: Rule, group: Group) -> None:
        chain: _Chain | None = None
        try:
            for step in rule.steps:
                chain = self.step(step, group, chain)
        except Missing as missing:
            self.leave(group, rule.quantities, missing.reason(rule.indicator, rule.phase))
            return
        if chain is None:
            return
        self.book(rule, group, rule.indicator, chain)
        if not rule.derive:
            return
        for derivation in self.method.derivations:
            try:
                self.book(rule, group, derivation.indicator, self.step(derivation.step, group, chain))
            except Missing as missing:
                self.leave(group, rule.quantities, missing.reason(derivation.indicator, rule.phase))

    def note_known(self, groups: Iterable[Group]) -> None:
        """Remembers which quantities each entity has a value of: a meter supersedes models whatever its other attributes."""
        for group in groups:
            known = self.known.setdefault(group.entity, {}).setdefault(group.day, set())
            boundary = group.attributes.get("boundary")
            for quantity, activity in group.quantities.items():
                if activity.value is not None:
                    known.update((quantity,) if boundary is None else (quantity, f"{quantity}@{boundary}"))

    def known_of(self, group: Group) -> set[str]:
        """Quantities known of the group's entity on its day; what has no day counts for all days."""
        by_day = self.known.get(group.entity, {})
        days = by_day if group.day is None else {None, group.day} & by_day.keys()
        return set().union(*(by_day[day] for day in days))

    def group(self, group: Group) -> None:
        used: set[str] = set()
        for rule in self.method.rules:
            if self.applies(rule, group):
                used.update(rule.quantities)
                self.rule(rule, group)
        for quantity in group.quantities:
            if quantity not in used:
                self.leave(group, (quantity,), self.lack(group, quantity))

    def lack(self, group: Group, quantity: str) -> Reason:
        """Why no rule reads a quantity: it is unknown, the method says so, a meter is better, or something is missing."""
        if group.quantities[quantity].value is None:
            return Reason("unknown_value")
        tier = str(group.attributes.get("tier"))
        designed = self.method.reason(quantity, tier)
        if designed:
            return Reason(METHOD, designed)
        method_id = self.method.method_id
        known = [rule for rule in self.method.rules if quantity in rule.quantities]
        if not known:
            return Reason("no_rule", {"method": method_id, "quantity": quantity})
        present = self.known_of(group)
        for rule in known:
            meter = next((meter for meter in rule.unless if meter in present), None)
            if meter is not None and self.concerns(rule, group):
                return Reason("superseded", {"meter": meter})
        for rule in known:
            for key in rule.when:
                if not key.startswith("context.") and self.attribute(group, key) is None:
                    return Reason("no_attribute", {"name": key})
        return Reason("no_rule_of_tier", {"method": method_id, "quantity": quantity, "tier": tier})


def evaluate(
    method: Method,
    groups: Sequence[Group],
    *,
    lookup: Lookup,
    factors_hash: str,
    context: Mapping[str, Any],
    nomenclature: Nomenclature,
) -> Evaluation:
    """Applies one method.

    Args:
        groups: activities summed by entity and attributes (`lichen.model.activities.group`).
        lookup: finds a factor by id, place and day.
        factors_hash: hash of all factors that ``lookup`` may return.
        context: facts of the run that rules may bind, e.g. ``parts``.

    Returns:
        Impacts, totals and what was not covered.

    Raises:
        MethodError: a factor's unit or boundary does not fit the formula it is bound to.
    """
    evaluator = _Evaluator(method, lookup, factors_hash, context, nomenclature)
    evaluator.note_known(groups)
    for group in groups:
        evaluator.group(group)
    return Evaluation(
        method, factors_hash, tuple(evaluator.computed), tuple(evaluator.not_covered.values()), nomenclature
    )

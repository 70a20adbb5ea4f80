# SPDX-License-Identifier: Apache-2.0
"""Reads method files: every complaint names the file, the rule and the repair."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from lichen.config.toml import read_toml
from lichen.errors import ConfigError, MethodError, UsageError
from lichen.model import method_shape, registry
from lichen.model.boundaries import OF_TIER
from lichen.model.method import (
    CATALOGUE,
    CONTEXT,
    MONTH,
    PLACEHOLDER,
    Binding,
    BindKind,
    Derivation,
    Grading,
    Method,
    Rule,
    Step,
)
from lichen.nomenclature import Nomenclature, Term
from lichen.plugins import load as load_plugin
from lichen.plugins import names as plugin_names
from lichen.records import Accounting, Phase
from lichen.units import BOUNDARIES

_BIND: Final = re.compile(
    r"(?P<kind>quantity|factor|attribute|context|catalogue|calendar):(?P<name>[\w.{}-]+)$|result(?::(?P<step>[\w-]+))?$"
)
CALENDAR: Final = ("month_h",)
"""What a rule may bind of the time at which an activity started: the hours of its month."""
_KEYS: Final = {
    "id", "version", "title", "title_fr", "description", "description_fr", "sources", "licence", "validity", "validity_fr",
    "known_defects", "known_defects_fr", "accounting", "defaults", "reasons", "reasons_fr", "rule", "derive", "grade",
}  # fmt: skip
_RULE_KEYS: Final = {"id", "indicator", "phase", "quantities", "step", "when", "unless", "derive"}


class _Reader:
    """Reads one method file; every complaint names the file and the rule."""

    def __init__(self, path: Path, nomenclature: Nomenclature) -> None:
        self.path = path
        self.nomenclature = nomenclature
        self.stated: frozenset[str] = frozenset()
        """Attributes that have a default, so that no activity leaves them unsaid."""

    def fail(self, problem: str, repair: str) -> MethodError:
        return MethodError(f"Method file {self.path}: {problem}.", repair=repair, culprit=str(self.path))

    def need(self, table: Mapping[str, Any], key: str, where: str) -> Any:
        if key not in table:
            raise self.fail(f"{where} has no '{key}'", f"Add {key} = ...")
        return table[key]

    def keys(self, table: Mapping[str, Any], valid: set[str], where: str) -> None:
        for key in table:
            if key not in valid:
                raise self.fail(f"{where} has the unknown key '{key}'", f"Valid keys: {', '.join(sorted(valid))}.")

    def binding(self, text: str, where: str) -> Binding:
        """A binding, with those that answer where an attribute is not stated: ``attribute:NAME|factor:ID``."""
        first, bar, rest = text.partition("|")
        found = self.one_binding(first, where)
        if not bar:
            return found
        otherwise = self.binding(rest, where)
        if found.kind != "attribute" or otherwise.kind in ("quantity", "result") or found.name in self.stated:
            raise self.fail(
                f"{where} is bound to {text!r}",
                "Before | stands an attribute without a default, behind it attribute, factor, context, catalogue or calendar.",
            )
        return replace(found, otherwise=otherwise)

    def one_binding(self, text: str, where: str) -> Binding:
        match = _BIND.match(text)
        if match is None:
            raise self.fail(
                f"{where} is bound to {text!r}",
                "Use quantity:NAME, factor:ID, attribute:NAME, context:NAME, catalogue:NAME, calendar:month_h, result or "
                "result:STEP.",
            )
        if match["kind"] is None:
            return Binding("result", match["step"] or "")
        kind, name = cast("BindKind", match["kind"]), match["name"]
        if kind == "quantity":
            self.quantity(name, where)
        elif kind in ("attribute", "context"):
            self.number(name, where)
        elif kind == "calendar" and name not in CALENDAR:
            raise self.fail(f"{where} is bound to {text!r}", f"The calendar knows {', '.join(CALENDAR)}.")
        elif kind == "factor":
            self.factor(name, where)
        return Binding(kind, name)

    def factor(self, name: str, where: str) -> str:
        """The id of a factor, whose gaps are placeholders."""
        if set(PLACEHOLDER.sub("", name)) & set("{}"):
            raise self.fail(
                f"{where} is bound to 'factor:{name}'", "Write a placeholder as {attribute} or {catalogue.name}."
            )
        for placeholder in PLACEHOLDER.findall(name):
            self.named(placeholder, where)
        return name

    def quantity(self, name: str, where: str) -> Term:
        """A quantity of the nomenclature, or a complaint that says where it was named."""
        try:
            return self.nomenclature.quantity(name)
        except UsageError as error:
            raise self.fail(f"{where}: {error.problem.rstrip('.')}", error.repair) from error

    def indicator(self, name: str, where: str) -> Term:
        """As `quantity`, for an indicator."""
        try:
            return self.nomenclature.indicator(name)
        except UsageError as error:
            raise self.fail(f"{where}: {error.problem.rstrip('.')}", error.repair) from error

    def number(self, name: str, where: str) -> None:
        """A formula takes numbers: an attribute that is a word, or that nobody can give, is refused."""
        term = self.nomenclature.get(("attribute", name))
        if term is None or term.unit == "text":
            problem = "is no attribute of the nomenclature" if term is None else "is a word, and formulas take numbers"
            raise self.fail(f"{where} is bound to '{name}', which {problem}", "Bind an attribute that is a number.")

    def named(self, key: str, where: str) -> Term | None:
        """The attribute that a condition, a default or a placeholder names; None for a fact of the catalogue."""
        if key.startswith(CATALOGUE):
            return None
        name = key.removeprefix(CONTEXT)
        term = self.nomenclature.get(("attribute", name))
        if term is None:
            known = self.nomenclature.names("attribute")
            close = difflib.get_close_matches(name, known, n=1)
            repair = f"Did you mean '{close[0]}'?" if close else f"Attributes: {', '.join(known)}."
            raise self.fail(f"{where} names '{key}', which is no attribute of the nomenclature", repair)
        return term

    def reasons(self, table: Mapping[str, str]) -> dict[str, str]:
        """Why quantities have no rule, by quantity, ``quantity.tier`` or ``quantity.attribute``."""
        for key in table:
            quantity, dot, half = key.partition(".")
            self.quantity(quantity, "reasons")
            if dot and half not in OF_TIER and self.nomenclature.get(("attribute", half)) is None:
                raise self.fail(
                    f"reasons has '{key}', whose second half is neither a tier nor an attribute",
                    f"Tiers: {', '.join(OF_TIER)}.",
                )
        return dict(table)

    def defaults(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """Values assumed for attributes: a number where the attribute is one, a word where it is a word."""
        for key, value in table.items():
            term = None if key == MONTH else self.named(key, "defaults")
            if term is not None and isinstance(value, str | bool) != (term.unit == "text"):
                wanted = "a text" if term.unit == "text" else "a number"
                raise self.fail(f"defaults.{key} is {value!r}, not {wanted}", f"Give {wanted}.")
        return dict(table)

    def step(self, table: Mapping[str, Any], where: str, before: tuple[str, ...] = ()) -> Step:
        """A step; ``before`` holds the names of the rule's earlier steps, empty ones included."""
        self.keys(table, {"formula", "bind", "name"}, where)
        formula_id = self.need(table, "formula", where)
        try:
            formula = registry.get(formula_id)
        except MethodError as error:
            raise self.fail(f"{where}: {error.problem.rstrip('.')}", error.repair) from error
        bind = {arg: self.binding(text, f"{where}: {arg}") for arg, text in self.need(table, "bind", where).items()}
        if set(bind) != set(formula.arguments):
            raise self.fail(
                f"{where} binds {', '.join(sorted(bind))} but {formula.formula_id} takes {', '.join(formula.arguments)}",
                "Bind each argument once.",
            )
        for binding in bind.values():
            if binding.kind == "result" and (binding.name not in before if binding.name else not before):
                what = f"result:{binding.name}" if binding.name else "result"
                raise self.fail(f"{where} binds '{what}', which no step before it gives", "Name an earlier step.")
        return Step(formula.formula_id, bind, table.get("name", ""))

    def steps(self, tables: list[Mapping[str, Any]], where: str) -> tuple[Step, ...]:
        """The steps of a rule, in their order."""
        found: list[Step] = []
        for table in tables:
            step = self.step(table, where, tuple(step.name for step in found))
            if step.name and step.name in (earlier.name for earlier in found):
                raise self.fail(f"{where} has two steps named '{step.name}'", "Rename one.")
            found.append(step)
        return tuple(found)

    def accounting(self, value: str, where: str) -> Accounting:
        """Location- or market-based."""
        if value not in ("location", "market"):
            raise self.fail(f"{where} is '{value}'", "Use location or market.")
        return cast("Accounting", value)

    def derivations(self, tables: list[Mapping[str, Any]], accounting: Accounting) -> tuple[Derivation, ...]:
        """What follows from delivered energy: each indicator once in each account, and never energy again."""
        found = tuple(self.derivation(table) for table in tables)
        seen: set[tuple[str, str]] = {("energy", "location"), ("energy", "market")}
        for one in found:
            account = (one.indicator, one.accounting or accounting)
            if account in seen:
                raise self.fail(f"derivation '{one.indicator}' would be counted twice", "Keep one of the two.")
            seen.add(account)
        return found

    def derivation(self, table: Mapping[str, Any]) -> Derivation:
        """How another indicator follows from delivered energy."""
        indicator = self.indicator(self.need(table, "indicator", "a derivation"), "a derivation").name
        where = f"derivation '{indicator}'"
        own = {"indicator", "accounting", "optional"}
        said = table.get("accounting")
        return Derivation(
            indicator,
            self.step({key: value for key, value in table.items() if key not in own}, where, ("",)),
            None if said is None else self.accounting(said, f"accounting of {where}"),
            table.get("optional", False),
        )

    def grade(self, table: Mapping[str, Any]) -> Grading:
        """Letters for an indicator."""
        indicator = self.indicator(self.need(table, "indicator", "a grade"), "a grade").name
        where = f"grade of '{indicator}'"
        self.keys(table, {"indicator", "letters", "bounds", "rounded"}, where)
        bounds = self.need(table, "bounds", where)
        if not bounds.startswith("factor:"):
            raise self.fail(f"bounds of the {where} are '{bounds}'", "Write factor:ID of a vector factor.")
        return Grading(
            indicator,
            tuple(self.need(table, "letters", where)),
            self.factor(bounds.removeprefix("factor:"), where),
            table.get("rounded", False),
        )

    def rule(self, table: Mapping[str, Any]) -> Rule:
        where = f"rule '{table.get('id', '?')}'"
        self.keys(table, _RULE_KEYS, where)
        phase = table.get("phase", "use")
        if phase not in ("use", "embodied"):
            raise self.fail(f"{where} has phase '{phase}'", "Phases: use, embodied.")
        quantities = tuple(self.need(table, "quantities", where))
        unless = tuple(table.get("unless", ()))
        for quantity in (*quantities, *(meter.partition("@")[0] for meter in unless)):
            self.quantity(quantity, where)
        for meter in unless:
            if "@" in meter and meter.partition("@")[2] not in BOUNDARIES:
                raise self.fail(f"{where} yields to '{meter}'", f"Boundaries: {', '.join(BOUNDARIES)}.")
        steps = self.steps(self.need(table, "step", where), where)
        bound = {b.name for step in steps for b in step.bind.values() if b.kind == "quantity"}
        if bound != set(quantities):
            raise self.fail(
                f"{where} names {', '.join(quantities)} but binds {', '.join(sorted(bound))}", "Make them equal."
            )
        indicator = self.indicator(self.need(table, "indicator", where), where).name
        for key in table.get("when", {}):
            self.named(key, where)
        when = {key: tuple(v) if isinstance(v, list) else (v,) for key, v in table.get("when", {}).items()}
        return Rule(
            rule_id=self.need(table, "id", where),
            indicator=indicator,
            phase=cast("Phase", phase),
            quantities=quantities,
            steps=steps,
            when=when,
            unless=unless,
            derive=bool(table.get("derive", indicator == "energy" and phase == "use")),
        )

    def method(self) -> Method:
        try:
            table, _text = read_toml(self.path)
        except OSError as error:
            raise MethodError(
                f"Method file {self.path} cannot be read: {error.strerror}.",
                repair="Check the path.",
                culprit=str(self.path),
            ) from error
        except UnicodeDecodeError as error:
            raise self.fail(f"not UTF-8 text (byte {error.start})", "Save it as UTF-8.") from error
        except tomllib.TOMLDecodeError as error:
            raise self.fail(f"not valid TOML: {error}", "Repair the line.") from error
        self.keys(table, _KEYS, "the file")
        wrong = method_shape.fault(table)
        if wrong is not None:
            raise self.fail(f"{wrong.key} is not {wrong.wanted}", f"Write {wrong.wanted}.")
        self.stated = frozenset(table.get("defaults", ()))
        rules = tuple(self.rule(rule) for rule in self.need(table, "rule", "the file"))
        if len({rule.rule_id for rule in rules}) != len(rules):
            raise self.fail("two rules have one id", "Rename one.")
        accounting = self.accounting(table.get("accounting", "location"), "accounting")
        sources = tuple(self.need(table, "sources", "the file"))
        if not sources:
            raise self.fail("no source", "Name the paper or document that publishes the method.")
        reasons, reasons_fr = (self.reasons(table.get(key, {})) for key in ("reasons", "reasons_fr"))
        for key in reasons_fr:
            if key not in reasons:
                raise self.fail(f"reasons_fr has '{key}', which reasons lacks", f"Add {key} to reasons, in English.")
        return Method(
            method_id=self.need(table, "id", "the file"),
            version=self.need(table, "version", "the file"),
            title={"en": self.need(table, "title", "the file"), "fr": table.get("title_fr", table["title"])},
            description={
                "en": table.get("description", ""),
                "fr": table.get("description_fr", table.get("description", "")),
            },
            sources=sources,
            licence=self.need(table, "licence", "the file"),
            validity=self.need(table, "validity", "the file"),
            validity_fr=table.get("validity_fr", table["validity"]),
            known_defects=tuple(table.get("known_defects", ())),
            known_defects_fr=tuple(table.get("known_defects_fr", table.get("known_defects", ()))),
            accounting=accounting,
            defaults=self.defaults(table.get("defaults", {})),
            reasons=reasons,
            reasons_fr=reasons_fr,
            rules=rules,
            derivations=self.derivations(table.get("derive", []), accounting),
            grades=tuple(self.grade(one) for one in table.get("grade", ())),
            path=self.path,
        )


def read_method(path: Path, nomenclature: Nomenclature) -> Method:
    """The method declared by a TOML file; MethodError names file and rule of a mistake."""
    return _Reader(path, nomenclature).method()


def load_method(method_id: str, nomenclature: Nomenclature) -> Method:
    """The method registered as ``method_id`` (group ``lichen.methods``); MethodError lists the known ones."""
    try:
        path = load_plugin("lichen.methods", method_id)
    except ConfigError as error:
        if method_id in plugin_names("lichen.methods"):
            raise
        raise MethodError(
            f"There is no method '{method_id}'.",
            repair=f"Methods: {', '.join(plugin_names('lichen.methods'))}.",
            culprit=method_id,
        ) from error
    method = read_method(Path(path), nomenclature)
    if method.method_id != method_id:
        raise MethodError(
            f"Method file {path} says id = '{method.method_id}' but is registered as '{method_id}'.",
            repair="Make them equal.",
            culprit=str(path),
        )
    return method

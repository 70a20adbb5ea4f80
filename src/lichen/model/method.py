# SPDX-License-Identifier: Apache-2.0
"""A method is data: rules that bind a formula's arguments to quantities, factors, attributes and context."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from lichen.config.toml import read_toml
from lichen.errors import ConfigError, MethodError, UsageError
from lichen.model import method_shape, registry
from lichen.nomenclature import Nomenclature, Term
from lichen.plugins import load as load_plugin
from lichen.plugins import names as plugin_names
from lichen.records import Accounting, Phase
from lichen.units import BOUNDARIES

BindKind = Literal["quantity", "factor", "attribute", "context", "result"]
_BIND = re.compile(r"(?P<kind>quantity|factor|attribute|context):(?P<name>[\w.{}-]+)$|(?P<result>result)$")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a formula's argument comes from."""

    kind: BindKind
    name: str = ""

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Attributes whose value is part of the name: ``device.{device}.idle_power`` needs ``device``."""
        return tuple(_PLACEHOLDER.findall(self.name))


@dataclass(frozen=True, slots=True)
class Step:
    """One formula and the bindings of its arguments."""

    formula_id: str
    bind: Mapping[str, Binding]


@dataclass(frozen=True, slots=True)
class Rule:
    """Turns quantities of one entity into one indicator.

    Attributes:
        when: attribute -> accepted values; a condition on ``context.X`` reads the run's context.
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
    """Turns delivered energy of the use phase into another indicator."""

    indicator: str
    step: Step


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

    def reason(self, quantity: str, tier: str) -> dict[str, str]:
        """Why the method leaves a quantity out, by language; empty when its file does not say. The tier's reason goes first."""
        key = next((key for key in (f"{quantity}.{tier}", quantity) if key in self.reasons), None)
        return {} if key is None else {"en": self.reasons[key], "fr": self.reasons_fr.get(key, self.reasons[key])}


_KEYS: Final = {
    "id", "version", "title", "title_fr", "description", "description_fr", "sources", "licence", "validity", "validity_fr",
    "known_defects", "known_defects_fr", "accounting", "defaults", "reasons", "reasons_fr", "rule", "derive",
}  # fmt: skip
_RULE_KEYS: Final = {"id", "indicator", "phase", "quantities", "step", "when", "unless", "derive"}


class _Reader:
    """Reads one method file; every complaint names the file and the rule."""

    def __init__(self, path: Path, nomenclature: Nomenclature) -> None:
        self.path = path
        self.nomenclature = nomenclature

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

    def binding(self, text: Any, where: str) -> Binding:
        match = _BIND.match(text) if isinstance(text, str) else None
        if match is None:
            raise self.fail(
                f"{where} is bound to {text!r}", "Use quantity:NAME, factor:ID, attribute:NAME, context:NAME or result."
            )
        if match["result"]:
            return Binding("result")
        kind, name = cast("BindKind", match["kind"]), match["name"]
        if kind == "quantity":
            self.quantity(name, where)
        elif kind != "factor":
            self.number(name, where)
        elif set(_PLACEHOLDER.sub("", name)) & set("{}"):
            raise self.fail(f"{where} is bound to {text!r}", "Write a placeholder as {attribute}.")
        return Binding(kind, name)

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

    def defaults(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """Values assumed for attributes: a number where the attribute is one, a word where it is a word."""
        for key, value in table.items():
            term = self.nomenclature.get(("attribute", key.removeprefix("context.")))
            if term is not None and isinstance(value, str | bool) != (term.unit == "text"):
                wanted = "a text" if term.unit == "text" else "a number"
                raise self.fail(f"defaults.{key} is {value!r}, not {wanted}", f"Give {wanted}.")
        return dict(table)

    def step(self, table: Mapping[str, Any], where: str) -> Step:
        self.keys(table, {"formula", "bind"}, where)
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
        return Step(formula.formula_id, bind)

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
        steps = tuple(self.step(step, where) for step in self.need(table, "step", where))
        bound = {b.name for step in steps for b in step.bind.values() if b.kind == "quantity"}
        if bound != set(quantities):
            raise self.fail(
                f"{where} names {', '.join(quantities)} but binds {', '.join(sorted(bound))}", "Make them equal."
            )
        indicator = self.indicator(self.need(table, "indicator", where), where).name
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
        rules = tuple(self.rule(rule) for rule in self.need(table, "rule", "the file"))
        if len({rule.rule_id for rule in rules}) != len(rules):
            raise self.fail("two rules have one id", "Rename one.")
        accounting = table.get("accounting", "location")
        if accounting not in ("location", "market"):
            raise self.fail(f"accounting is '{accounting}'", "Use location or market.")
        sources = tuple(self.need(table, "sources", "the file"))
        if not sources:
            raise self.fail("no source", "Name the paper or document that publishes the method.")
        derivations = tuple(
            Derivation(
                self.indicator(self.need(d, "indicator", "a derivation"), "a derivation").name,
                self.step({k: v for k, v in d.items() if k != "indicator"}, f"derivation '{d['indicator']}'"),
            )
            for d in table.get("derive", ())
        )
        reasons, reasons_fr = (dict(table.get(key, {})) for key in ("reasons", "reasons_fr"))
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
            accounting=cast("Accounting", accounting),
            defaults=self.defaults(table.get("defaults", {})),
            reasons=reasons,
            reasons_fr=reasons_fr,
            rules=rules,
            derivations=derivations,
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

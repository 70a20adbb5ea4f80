# SPDX-License-Identifier: Apache-2.0
"""Reads the TOML files that say what meters of bills are; docs/bills.md explains their words.

A word that is not known is refused with the nearest one that is.
"""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, get_args

from lichen.collect.bills.mapping_rule import KINDS, PARTS, READ_FROM, TEXTS, Pattern, Rule, Told, Types
from lichen.collect.bills.meter import Family, Reason
from lichen.collect.bills.units import DIMENSIONS, BillUnit, parse_unit
from lichen.config.names import nearest
from lichen.config.toml import read_toml, repair_of
from lichen.errors import ConfigError
from lichen.nomenclature import Nomenclature
from lichen.nomenclature import load as load_nomenclature
from lichen.records import AttributeValue, DataMethod

_SHIPPED: Final = files("lichen.collect.bills") / "mapping"
_TOP: Final = ("provider", "services", "types", "rule")
_TYPES: Final = ("patterns", "keys", "vcpus", "memory_gib", "blocks")
_RULE: Final = (
    "name", "family", *TEXTS, *KINDS, "units", "priority", "reason", "instance", "names", "copies", "cores", "part", "amounts",
    "platform", "attributes", "method", "unit", "binary",
)  # fmt: skip
_AMOUNT: Final = ("quantity", "factor", "factors", "platform", "attributes", "method")
_METHODS: Final[tuple[DataMethod, ...]] = get_args(DataMethod)
_EnumT = TypeVar("_EnumT", Family, Reason)
_TypeT = TypeVar("_TypeT")


def load(extra: Sequence[Path] = ()) -> tuple[list[Rule], dict[str, Types], str]:
    """The shipped rules behind those of the user's files, where types of machines stand, and a hash of all files.

    Args:
        extra: TOML files.

    Raises:
        ConfigError: a file cannot be read, or says what no rule can say.
    """
    read = [_file(str(path), *_read(path)) for path in extra]
    read += _shipped()
    rules = [rule for one in read for rule in one.rules]
    types: dict[str, Types] = {}
    for one in read:
        types[one.provider] = _joined(types.get(one.provider), one.types)
    common = types.setdefault("", Types())
    types = {provider: _joined(own, common) if provider else own for provider, own in types.items()}
    digest = hashlib.sha256("\0".join(one.text for one in read).encode()).hexdigest()
    return rules, types, digest


@dataclass(frozen=True, slots=True)
class _File:
    """A file of rules, and its text."""

    provider: str
    rules: tuple[Rule, ...]
    types: Types
    text: str


def _file(where: str, content: Mapping[str, Any], text: str) -> _File:
    reader = _Reader(where, content, load_nomenclature())
    return _File(reader.provider, tuple(reader.rules()), reader.types(), text)


@functools.cache
def _shipped() -> tuple[_File, ...]:
    """The shipped files: some hundred rules, which many imports of one process share."""
    paths = sorted((one for one in _SHIPPED.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    texts = [(f"mapping/{one.name}", one.read_text(encoding="utf-8")) for one in paths]
    return tuple(_file(where, tomllib.loads(text), text) for where, text in texts)


def _joined(first: Types | None, second: Types) -> Types:
    """Places of both, those of the first asked first."""
    if first is None:
        return second
    return Types(
        patterns=first.patterns + second.patterns,
        keys=first.keys + second.keys,
        vcpus=first.vcpus + second.vcpus,
        memory_gib=first.memory_gib + second.memory_gib,
        blocks=first.blocks or second.blocks,
    )


def _read(path: Path) -> tuple[Mapping[str, Any], str]:
    try:
        return read_toml(path)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"The rules {path} are no TOML: {error}.", repair=repair_of(path, str(error)), culprit=str(path)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"The rules {path} cannot be read: {reason}.", repair="Name a TOML file.", culprit=str(path)
        ) from error


class _Reader:
    """Reads one file; every complaint names it and the rule."""

    def __init__(self, where: str, content: Mapping[str, Any], nomenclature: Nomenclature) -> None:
        self.where = where
        self.rule = ""
        self.content = content
        self.nomenclature = nomenclature
        self.keys(content, _TOP, "The file")
        self.provider = self.text(content, "provider")
        self.services: Mapping[str, Any] = self.of_kind(content, "services", dict, {})

    def fail(self, problem: str, repair: str) -> NoReturn:
        rule = f", rule '{self.rule}'" if self.rule else ""
        raise ConfigError(f"{self.where}{rule}: {problem}.", repair=repair, culprit=self.where)

    def keys(self, table: Mapping[str, Any], valid: Sequence[str], what: str) -> None:
        for key in table:
            if key not in valid:
                self.fail(f"{what} has the unknown key '{key}'", nearest(key, valid, valid_are="Valid keys"))

    def of_kind(self, table: Mapping[str, Any], key: str, kind: type[_TypeT], default: _TypeT) -> _TypeT:
        found = table.get(key, default)
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            self.fail(f"'{key}' is {found!r}", f"Give {_WORDS[kind]}.")
        return found

    def text(self, table: Mapping[str, Any], key: str) -> str:
        return self.of_kind(table, key, str, "")

    def number(self, table: Mapping[str, Any], key: str) -> float | None:
        found = table.get(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < float("inf"):
            self.fail(f"'{key}' is {found!r}", "Give a number above zero.")
        return float(found)

    def texts(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """One text or a list of them."""
        found = table.get(key, [])
        several = [found] if isinstance(found, str) else found
        if not isinstance(several, list) or not all(isinstance(one, str) for one in several):
            self.fail(f"'{key}' is {found!r}", "Give a text or a list of texts.")
        return tuple(several)

    def word(self, table: Mapping[str, Any], key: str, valid: Iterable[str]) -> str:
        found, names = self.text(table, key), list(valid)
        if found not in names:
            self.fail(f"'{key}' is '{found}'", nearest(found, names, valid_are="Valid"))
        return found

    def enum(self, table: Mapping[str, Any], key: str, kind: type[_EnumT]) -> _EnumT:
        return kind(self.word(table, key, [one.value for one in kind]))

    def expression(self, text: str) -> re.Pattern[str]:
        """``/.../`` is a regular expression, found anywhere; else ``*`` and ``?`` stand for other letters. Case says nothing."""
        regular = len(text) > 1 and text.startswith("/") and text.endswith("/")
        try:
            return re.compile(text[1:-1] if regular else rf"\A{fnmatch.translate(text)}", re.IGNORECASE)
        except re.error as error:
            self.fail(f"{text} is no regular expression: {error}", "Repair it.")

    def pattern(self, texts: Iterable[str]) -> Pattern:
        wanted, refused = [], []
        for text in texts:
            if text.startswith("!"):
                refused.append(self.expression(text[1:]))
            else:
                wanted.append(self.expression(text))
        return Pattern(tuple(wanted), tuple(refused))

    def types(self) -> Types:
        table: Mapping[str, Any] = self.of_kind(self.content, "types", dict, {})
        self.keys(table, _TYPES, "[types]")
        patterns: list[tuple[str, re.Pattern[str]]] = []
        for one in self.of_kind(table, "patterns", list, []):
            if not isinstance(one, dict):
                self.fail(f"'patterns' holds {one!r}", "Give tables: { column = ..., pattern = ... }.")
            self.keys(one, ("column", "pattern"), "A pattern")
            column = self.word(one, "column", (*TEXTS, *KINDS))
            expression = self.expression(f"/{self.text(one, 'pattern')}/")
            if "type" not in expression.groupindex:
                self.fail(f"{expression.pattern} has no group 'type'", "Write (?P<type>...) around the type.")
            patterns.append((column, expression))
        lists = {key: self.texts(table, key) for key in ("keys", "vcpus", "memory_gib")}
        blocks = self.of_kind(table, "blocks", bool, False)
        return Types(patterns=tuple(patterns), blocks=blocks, **lists)

    def rules(self) -> list[Rule]:
        found = []
        for number, table in enumerate(self.of_kind(self.content, "rule", list, []), start=1):
            self.rule = str(number)
            if not isinstance(table, dict):
                self.fail(f"it is {table!r}", "Write it as [[rule]].")
            self.rule = self.text(table, "name") or self.rule
            found.append(self.one(table))
            self.rule = ""
        return found

    def one(self, table: Mapping[str, Any]) -> Rule:
        self.keys(table, _RULE, "It")
        if not self.text(table, "name"):
            self.fail("it has no name", "Add name = ...")
        reason = self.enum(table, "reason", Reason) if "reason" in table else None
        instance = self.of_kind(table, "instance", bool, False)
        amounts = self.of_kind(table, "amounts", list, [])
        cores = self.number(table, "cores") or 0.0
        if sum(map(bool, (reason, instance, cores, amounts))) != 1:
            self.fail("it says not exactly one of reason, instance, cores and amounts", "Say what a line is, once.")
        conditions = {key: self.texts(table, key) for key in (*TEXTS, *KINDS) if key in table}
        if "service" in conditions:
            conditions["service"] = self.aliases(conditions["service"])
        units = self.texts(table, "units")
        for unit in units:
            self.word({"units": unit}, "units", DIMENSIONS)
        return Rule(
            name=self.text(table, "name"),
            provider=self.provider,
            family=self.enum(table, "family", Family),
            texts={key: self.pattern(texts) for key, texts in conditions.items() if key in TEXTS},
            kinds={key: self.pattern(texts) for key, texts in conditions.items() if key in KINDS},
            units=tuple(one for one in DIMENSIONS if one in units),
            priority=self.of_kind(table, "priority", int, 0),
            reason=reason,
            instance=instance,
            names=self.texts(table, "names") or ("{type}",),
            copies=self.number(table, "copies") or 1.0,
            cores=cores,
            part=self.word(table, "part", PARTS) if "part" in table else "",
            told=tuple(self.told(one, table) for one in amounts),
            platform=self.text(table, "platform"),
            attributes=self.attributes(table),
            method=self.method(table) or "metered",
            unit=self.unit(table),
            binary=self.of_kind(table, "binary", bool, False),
        )

    def aliases(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Names of a service in place of its short name."""
        return tuple(full for text in texts for full in (self.texts(self.services, text) or (text,)))

    def told(self, table: Any, rule: Mapping[str, Any]) -> Told:
        if not isinstance(table, dict):
            self.fail(f"'amounts' holds {table!r}", "Give tables: { quantity = ..., factor = ... }.")
        self.keys(table, _AMOUNT, "An amount")
        platform = self.text(table, "platform")
        if not platform and not self.text(rule, "platform"):
            self.fail("an amount has no platform", "Add platform = ..., a key of the catalogue or the provider alone.")
        return Told(
            quantity=self.word(table, "quantity", READ_FROM),
            factor=self.number(table, "factor"),
            factors=self.factors(table),
            platform=platform,
            attributes=self.attributes(table),
            method=self.method(table),
        )

    def factors(self, table: Mapping[str, Any]) -> tuple[tuple[Pattern, float], ...]:
        found: Mapping[str, Any] = self.of_kind(table, "factors", dict, {})
        return tuple((self.pattern([text]), self.number(found, text) or 0.0) for text in found)

    def attributes(self, table: Mapping[str, Any]) -> Mapping[str, AttributeValue]:
        found: Mapping[str, AttributeValue] = self.of_kind(table, "attributes", dict, {})
        for name in found:
            if name not in self.nomenclature.names("attribute"):
                repair = nearest(name, self.nomenclature.names("attribute"), valid_are="Attributes")
                self.fail(f"there is no attribute '{name}'", repair)
        return found

    def method(self, table: Mapping[str, Any]) -> DataMethod | None:
        if "method" not in table:
            return None
        found = self.word(table, "method", _METHODS)
        return next(one for one in _METHODS if one == found)

    def unit(self, table: Mapping[str, Any]) -> BillUnit | None:
        text = self.text(table, "unit")
        found = parse_unit(text) if text else None
        if text and found is None:
            self.fail(f"'{text}' is no unit of a bill", "Write it as bills do: GB-Mo, vCPU-Hours, Requests.")
        return found


_WORDS: Final[Mapping[type, str]] = {
    str: "a text", bool: "true or false", int: "a whole number", list: "a list", dict: "a table"
}  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""Reads the TOML file that declares a format of bills; docs/recipes/add-a-bill-format.md explains its words.

A word that is not known is refused with the nearest one that is.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, NoReturn, get_args

from lichen.collect.bills.line import CELLS
from lichen.collect.bills.rule import Dates, Format, Rule, Source, Verified
from lichen.config.toml import read_toml
from lichen.errors import ConfigError

_KINDS: Final = {cell.name: cell.kind for cell in CELLS}
_NEEDED: Final = ("day", "billed_cost")
"""Cells without which a file is no bill."""
_TOP: Final = ("name", "title", "verified", "source", "also", "cells")
_SOURCE: Final = ("columns", "const", "sum", "json", "regex", "object", "prefixes")
_CONDITION: Final = ("column", "equals", "needs")
_RULE: Final = ("when", "map", "default", "dates", "braces", "negate", "required", "lost", "lost_fr")


def read_format(path: Path) -> Format:
    """A format from its file.

    Raises:
        ConfigError: the file cannot be read, or is no format.
    """
    try:
        content, _ = read_toml(path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"The format {path} cannot be read: {reason}.", repair="Name a TOML file.", culprit=str(path)
        ) from error
    return parse(content, str(path))


def parse(content: Mapping[str, Any], where: str) -> Format:
    """A format from what its file holds.

    Args:
        where: the file, for messages.

    Raises:
        ConfigError: a word is unknown, or a value is not of its kind.
    """
    return _Reader(where).format(content)


def nearest(word: str, valid: Iterable[str], title: str) -> str:
    """The repair of a word that is none of ``valid``."""
    words = sorted(valid)
    close = difflib.get_close_matches(word, words, n=1)
    return f"Did you mean '{close[0]}'?" if close else f"{title}: {', '.join(words)}."


class _Reader:
    """One file; every refusal names it and the key."""

    def __init__(self, where: str) -> None:
        self._where = where

    def format(self, content: Mapping[str, Any]) -> Format:
        self._words(content, _TOP, "the file")
        cells = self._table(content.get("cells", {}), "cells")
        self._words(cells, _KINDS, "[cells]")
        rules = {name: self._rule(name, self._table(table, f"cells.{name}")) for name, table in cells.items()}
        for name in _NEEDED:
            if name not in rules:
                self._fail(f"has no [cells.{name}]", "Every bill has a day and a cost: say which columns hold them.")
        return Format(
            name=self._text(content, "name", "the file"),
            title=self._text(content, "title", "the file"),
            verified=self._one_of(content.get("verified", "documentation"), get_args(Verified), "verified"),
            source=self._text(content, "source", "the file"),
            rules=rules,
            also=self._texts(content.get("also", []), "also"),
            where=self._where,
        )

    def _rule(self, cell: str, table: Mapping[str, Any]) -> Rule:
        where = f"[cells.{cell}]"
        self._words(table, (*_SOURCE, *_RULE), where)
        branches = table.get("when", [])
        if not isinstance(branches, list):
            self._fail(f"{where} has a `when` that is no list", f"Write [[cells.{cell}.when]].")
        sources = [self._branch(branch, f"[[cells.{cell}.when]]") for branch in branches]
        if any(key in table for key in _SOURCE):
            sources.append(self._source(table, where))
        if not sources:
            self._fail(f"{where} says nowhere what it is read from", f"Give one of {', '.join(_SOURCE)}.")
        if _KINDS[cell] != "amount" and any(source.sum for source in sources):
            self._fail(f"{where} has a `sum`, and is no amount", "Use `columns`.")
        return Rule(
            cell=cell,
            sources=tuple(sources),
            map=self._pairs(table.get("map", {}), f"{where} map"),
            default=None if "default" not in table else self._text(table, "default", where),
            dates=self._one_of(table.get("dates", "iso"), get_args(Dates), f"{where} dates"),
            braces=self._flag(table, "braces", where),
            negate=self._flag(table, "negate", where),
            required=self._flag(table, "required", where),
            lost="" if "lost" not in table else self._text(table, "lost", where),
            lost_fr="" if "lost_fr" not in table else self._text(table, "lost_fr", where),
        )

    def _branch(self, table: object, where: str) -> Source:
        found = self._table(table, where)
        self._words(found, (*_SOURCE, *_CONDITION), where)
        return self._source(found, where)

    def _source(self, table: Mapping[str, Any], where: str) -> Source:
        given = [key for key in _SOURCE if key in table]
        if len(given) != 1:
            what = " and ".join(f"`{key}`" for key in given) or "none"
            self._fail(f"{where} gives {what}", f"Give exactly one of {', '.join(_SOURCE)}.")
        json = "" if "json" not in table else self._text(table, "json", where)
        if json and not all(json.partition(":")):
            self._fail(f"{where} has json = '{json}'", "Write it as column:key.")
        equals = table.get("equals", [])
        return Source(
            columns=self._texts(table.get("columns", []), f"{where} columns"),
            const=None if "const" not in table else self._text(table, "const", where),
            sum=tuple(self._term(term, f"{where} sum") for term in self._texts(table.get("sum", []), f"{where} sum")),
            json=json,
            regex=self._regex(table.get("regex"), where),
            object=self._pairs(table.get("object", {}), f"{where} object"),
            prefixes=self._texts(table.get("prefixes", []), f"{where} prefixes"),
            column="" if "column" not in table else self._text(table, "column", where),
            equals=self._texts([equals] if isinstance(equals, str) else equals, f"{where} equals"),
            needs="" if "needs" not in table else self._text(table, "needs", where),
        )

    def _term(self, written: str, where: str) -> tuple[str, str]:
        """A column and its factor: ``cost``, ``-used``, ``nanos * 1e-9``."""
        name, star, factor = written.removeprefix("-").partition(" * ")
        sign = "-" if written.startswith("-") else ""
        try:
            plain = f"{Decimal(factor):f}" if star else "1"
        except InvalidOperation:
            self._fail(f"{where} has '{written}'", "Write a column, -column, or column * 0.001.")
        return name.strip(), sign + plain

    def _regex(self, value: object, where: str) -> tuple[str, str]:
        if value is None:
            return "", ""
        table = self._table(value, f"{where} regex")
        self._words(table, ("column", "pattern"), f"{where} regex")
        pattern = self._text(table, "pattern", f"{where} regex")
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            self._fail(f"{where} has a pattern that cannot be read: {error}", "Repair the pattern.")
        if groups != 1:
            self._fail(f"{where} has a pattern with {groups} groups", "Give it one group: the value.")
        return self._text(table, "column", f"{where} regex"), pattern

    def _words(self, table: Mapping[str, Any], valid: Iterable[str], where: str) -> None:
        known = list(valid)
        for word in table:
            if word not in known:
                self._fail(f"{where} has '{word}', which is no key of a format", nearest(word, known, "Keys"))

    def _table(self, value: object, where: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._fail(f"{where} is no table", "Write it as a table.")
        return value

    def _pairs(self, value: object, where: str) -> dict[str, str]:
        table = self._table(value, where)
        return {key: self._text(table, key, where) for key in table}

    def _texts(self, value: object, where: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            self._fail(f"{where} is no list of texts", "Write a list of texts in quotes.")
        return tuple(value)

    def _text(self, table: Mapping[str, Any], key: str, where: str) -> str:
        value = table.get(key)
        if not isinstance(value, str):
            self._fail(f"{where} has no text for `{key}`", f'Write {key} = "…".')
        return value

    def _flag(self, table: Mapping[str, Any], key: str, where: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self._fail(f"{where} has a `{key}` that is neither true nor false", "Write true or false.")
        return value

    def _one_of(self, value: object, valid: Iterable[str], where: str) -> Any:
        known = list(valid)
        if value not in known:
            self._fail(f"{where} is '{value}'", nearest(str(value), known, "Words"))
        return value

    def _fail(self, problem: str, repair: str) -> NoReturn:
        raise ConfigError(f"The format {self._where}: {problem}.", repair=repair, culprit=self._where)

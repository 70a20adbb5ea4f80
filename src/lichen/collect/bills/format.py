# SPDX-License-Identifier: Apache-2.0
"""The formats of bills that are known, and which of them a file has."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, NoReturn

from lichen.collect.bills.carbon.format import is_carbon_export
from lichen.collect.bills.format_file import nearest, parse, read_format
from lichen.collect.bills.rule import Columns, Format, Rule
from lichen.errors import StorageError, UsageError

_SHIPPED: Final = files("lichen.collect.bills") / "formats"
_SHOWN: Final = 6
"""Columns named in a sentence."""
_LONGEST: Final = 60


def formats(extra: Sequence[Path] = ()) -> tuple[Format, ...]:
    """The shipped formats, and those of one's own files, which stand in place of shipped ones of the same name.

    Args:
        extra: files, or folders of ``*.toml`` files.

    Raises:
        ConfigError: a file cannot be read, or is no format.
    """
    found = {one.name: one for one in _shipped()}
    for path in extra:
        for file in sorted(path.glob("*.toml")) if path.is_dir() else [path]:
            one = read_format(file)
            found[one.name] = one
    return tuple(found[name] for name in sorted(found))


@functools.cache
def _shipped() -> tuple[Format, ...]:
    paths = sorted((one for one in _SHIPPED.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return tuple(parse(tomllib.loads(one.read_text(encoding="utf-8")), f"formats/{one.name}") for one in paths)


def named(name: str, known: Sequence[Format]) -> Format:
    """The format of a name.

    Raises:
        UsageError: there is none.
    """
    for one in known:
        if one.name == name:
            return one
    names = [one.name for one in known]
    raise UsageError(f"There is no format '{name}'.", repair=nearest(name, names, "Formats"), culprit=name)


def recognise(columns: Sequence[str], known: Sequence[Format], where: str = "The file") -> Format:
    """The format of a file: of those whose required columns are all there, the one that knows most of its columns.

    Args:
        columns: headings of the file.
        where: the file, for messages.

    Raises:
        StorageError: no format fits, or two fit equally well.
    """
    found = Columns(columns)
    fitting = sorted((one for one in known if not one.lacking(found)), key=lambda one: one.matched(found), reverse=True)
    if not fitting:
        _refuse(found, known, where)
    if len(fitting) > 1 and fitting[0].matched(found) == fitting[1].matched(found):
        raise StorageError(
            f"{where} may be a bill in the format {fitting[0].name} or {fitting[1].name}.",
            repair="Say which with --format.",
            culprit=where,
        )
    return fitting[0]


def check_fits(one: Format, columns: Sequence[str], where: str) -> None:
    """Refuses a format that a file was said to have and has not.

    Args:
        columns: headings of the file.
        where: the file, for messages.

    Raises:
        StorageError: columns are missing that the format requires.
    """
    found = Columns(columns)
    if lacking := one.lacking(found):
        raise StorageError(
            f"{where} lacks {_listed(lacking)}, which {one.name} needs: its columns are {_short(found.names)}.",
            repair="Name its format with --format, or leave that out: formats are recognised.",
            culprit=where,
        )


def is_foreign(columns: Sequence[str], known: Sequence[Format]) -> bool:
    """Whether a file is another thing than a bill: no format has as much as half of its required columns in it.

    A bill that lacks something is none of these, nor is a carbon export: whoever has put it there wants it read.

    Args:
        columns: headings of the file.
    """
    found = Columns(columns)
    if is_carbon_export(found.names):
        return False
    return all(2 * len(one.lacking(found)) > sum(rule.required for rule in one.rules.values()) for one in known)


def _refuse(found: Columns, known: Sequence[Format], where: str) -> NoReturn:
    if is_carbon_export(found.names):
        raise StorageError(
            f"{where} is no bill: it is a provider's own carbon export.",
            repair="lichen import carbon keeps it.",
            culprit=where,
        )
    closest = sorted(known, key=lambda one: one.matched(found), reverse=True)[:2]
    near = [f"{one.name} lacks {_listed(one.lacking(found))}" for one in closest if one.matched(found)]
    names = ", ".join(one.name for one in known)
    told = f" Nearest: {'; '.join(near)}." if near else ""
    raise StorageError(
        f"{where} is no bill that Lichen knows: its columns are {_short(found.names)}.{told}",
        repair=f"Export one of {names}, or declare the format (docs/recipes/add-a-bill-format.md).",
        culprit=where,
    )


def _listed(rules: Sequence[Rule]) -> str:
    return " and ".join(_either(rule) for rule in rules)


def _either(rule: Rule) -> str:
    return f"'{' or '.join(rule.named[:2])}'"


def _short(names: Sequence[str]) -> str:
    shown = ", ".join(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"

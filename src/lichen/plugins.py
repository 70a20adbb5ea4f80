# SPDX-License-Identifier: Apache-2.0
"""Plug-ins: entry points, loaded when asked for. The built-ins use the same door as a stranger's package."""

from __future__ import annotations

import contextlib
import difflib
import os
import runpy
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from lichen.errors import ConfigError, LichenError

GROUPS: Final[Mapping[str, str]] = {
    "lichen.nomenclatures": "path of a nomenclature csv: quantities, indicators, attributes",
    "lichen.collectors": "class with name, emits, probe(), collect(window)",
    "lichen.factor_packs": "path of a factor pack (toml)",
    "lichen.formulas": "module whose @formula functions are registered on import",
    "lichen.methods": "path of a method file (toml)",
    "lichen.notifiers": "class with name, limits, payload(outgoing, channel), send(outgoing, channel, means)",
    "lichen.outputs": "class with name, media_type, suffix, render(result)",
    "lichen.gate_outputs": "class with name, media_type, suffix, render(gate)",
    "lichen.suite_runners": "class with name, tells_cases, accepts(call), prepare(call, draft)",
}

_local: dict[str, dict[str, Any]] = {}
_local_files: dict[tuple[str, str], Path] = {}


def _check_group(group: str) -> None:
    if group not in GROUPS:
        close = difflib.get_close_matches(str(group), GROUPS, n=1)
        raise ConfigError(
            f"There is no plug-in group '{group}'.",
            repair=f"Did you mean '{close[0]}'?" if close else f"Groups: {', '.join(GROUPS)}.",
            culprit=str(group),
        )


@cache
def _installed(group: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for point in sorted(entry_points(group=group), key=lambda p: p.name):
        if point.name in found:
            raise ConfigError(
                f"Two installed packages provide '{point.name}' in the plug-in group {group}.",
                repair="Uninstall one of them.",
                culprit=point.value,
            )
        found[point.name] = point
    return found


def names(group: str) -> tuple[str, ...]:
    """Names registered in ``group``, installed or local, without loading them."""
    _check_group(group)
    return tuple(dict.fromkeys([*_installed(group), *_local.get(group, {})]))


def load(group: str, name: str) -> Any:
    """The object called ``name``; ConfigError with the valid names when there is none."""
    _check_group(group)
    local = _local.get(group, {})
    if name in local:
        return local[name]
    point = _installed(group).get(name)
    if point is None:
        raise ConfigError(
            f"Nothing called '{name}' is registered in {group}.",
            repair=f"Registered: {', '.join(names(group)) or 'nothing'}.",
            culprit=name,
        )
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout carries results alone
            return point.load()
    except (LichenError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ConfigError(
            f"The plug-in '{name}' of {group} does not load: {_why(error)}.",
            repair=f"Repair or uninstall '{point.value}'.",
            culprit=point.value,
        ) from error


def load_all(group: str) -> dict[str, Any]:
    """Every object of ``group``, by name."""
    return {name: load(group, name) for name in names(group)}


def _why(error: BaseException) -> str:
    """What a stranger's module raised, in words; some exceptions say nothing themselves."""
    if isinstance(error, SystemExit):
        return "it ends the program"
    return str(error) or type(error).__name__


def _check_members(path: Path, group: str, members: Any) -> None:
    """The entries of one group are named by texts; those of a group of paths are paths."""
    if not isinstance(members, dict) or not all(isinstance(name, str) and name for name in members):
        raise ConfigError(
            f"The plug-in file {path} gives {group} something else than a table of names.",
            repair=f'Write PLUGINS = {{"{group}": {{"name": ...}}}}.',
            culprit=str(path),
        )
    for name, member in members.items():
        if GROUPS[group].startswith("path") and not isinstance(member, str | os.PathLike):
            raise ConfigError(
                f"The plug-in file {path} gives '{name}' of {group} as {type(member).__name__}, not as a path.",
                repair="Give the path of the file.",
                culprit=str(path),
            )


def register_file(path: Path) -> None:
    """Registers the plug-ins of a local Python file: its ``PLUGINS = {group: {name: object}}``.

    Named by ``extend.modules`` in lichen.toml; what a package does with entry points, a single file does with this table.
    """
    if path.is_fifo():  # nobody may ever write to it
        raise ConfigError(f"The plug-in file {path} is a pipe.", repair="Name a Python file.", culprit=str(path))
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout carries results alone
            plugins = runpy.run_path(str(path)).get("PLUGINS")
    except (LichenError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ConfigError(
            f"The plug-in file {path} does not load: {_why(error)}.", repair="Repair it or take it out of extend.modules.",
            culprit=str(path),
        ) from error  # fmt: skip
    if not isinstance(plugins, dict):
        raise ConfigError(
            f"The plug-in file {path} has no PLUGINS table.",
            repair='Add PLUGINS = {"lichen.outputs": {"name": Class}} to it.',
            culprit=str(path),
        )
    for group, members in plugins.items():
        _check_group(group)
        _check_members(path, group, members)
        for name, member in members.items():
            if name in names(group) and _local_files.get((group, name)) != path.resolve():
                raise ConfigError(
                    f"The plug-in file {path} declares '{name}' in {group}, which exists already.",
                    repair="Give it another name.",
                    culprit=str(path),
                )
            _local.setdefault(group, {})[name] = member
            _local_files[group, name] = path.resolve()

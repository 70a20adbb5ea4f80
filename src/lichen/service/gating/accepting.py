# SPDX-License-Identifier: Apache-2.0
"""Breaches that somebody answers for until a day: ``lichen-accept.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from lichen.config.names import nearest
from lichen.config.toml import read_toml
from lichen.errors import ConfigError, StorageError
from lichen.service.gating.outcome import Acceptance, Check

_SECTION: Final = "accept"
_TEXTS: Final = ("code", "journey", "reason", "owner")
_KEYS: Final = (*_TEXTS, "step", "until")


def read_acceptances(path: Path, codes: Iterable[str]) -> tuple[Acceptance, ...]:
    """The accepted breaches; none where there is no such file.

    Args:
        codes: of the budgets that exist.

    Raises:
        StorageError: the file cannot be read.
        ConfigError: it is no TOML, or an entry lacks code, journey, reason, owner or end, or names an unknown code.
    """
    if not path.exists():
        return ()
    try:
        document, _ = read_toml(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror or error}.", repair="Check the path.", culprit=str(path)
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.", repair="Repair the file.", culprit=str(path)) from error
    known = list(codes)
    for key in document:
        if key != _SECTION:
            raise ConfigError(
                f"{path} has the unknown section '{key}'.",
                repair="Write [[accept]], twice bracketed.",
                culprit=str(path),
            )
    entries = document.get(_SECTION, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(
            f"'accept' must be a repeated section ({path}).",
            repair="Write [[accept]], twice bracketed.",
            culprit=str(path),
        )
    return tuple(_acceptance(entry, number, path, known) for number, entry in enumerate(entries, start=1))


def _acceptance(entry: Mapping[str, Any], number: int, path: Path, codes: Sequence[str]) -> Acceptance:
    place = f"entry {number} of {path}"
    for key in entry:
        if key not in _KEYS:
            raise ConfigError(
                f"There is no key '{key}' in an accepted breach ({place}).", repair=nearest(key, _KEYS, valid_are="Keys"),
                culprit=str(path),
            )  # fmt: skip
    for key in _TEXTS:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise ConfigError(
                f"An accepted breach has no {key} ({place}).",
                repair=f'Add {key} = "…": who reads it later has to know.', culprit=str(path),
            )  # fmt: skip
    until = entry.get("until")
    if not isinstance(until, date) or isinstance(until, datetime):
        raise ConfigError(
            f"An accepted breach has no last day ({place}).",
            repair="Add until = 2026-12-31, without quotes: nothing is accepted for ever.", culprit=str(path),
        )  # fmt: skip
    step = entry.get("step")
    if step is not None and not isinstance(step, str):
        raise ConfigError(
            f"The step of an accepted breach is no text ({place}).", repair='Write step = "…".', culprit=str(path)
        )
    if entry["code"] not in codes:
        raise ConfigError(
            f"An accepted breach is of a budget '{entry['code']}' that does not exist ({place}).",
            repair=nearest(entry["code"], codes, valid_are="Codes"), culprit=str(path),
        )  # fmt: skip
    return Acceptance(
        code=entry["code"], journey=entry["journey"], step=step, reason=entry["reason"].strip(),
        owner=entry["owner"].strip(), until=until.isoformat(),
    )  # fmt: skip


def apply_acceptances(
    checks: Iterable[Check], acceptances: Sequence[Acceptance], today: date
) -> tuple[tuple[Check, ...], tuple[Acceptance, ...]]:
    """Failing checks with what is accepted of them.

    Args:
        today: an acceptance holds to the end of its last day.

    Returns:
        The checks, and the acceptances that fit none that fails: they can go.
    """
    used = set()
    found = []
    for check in checks:
        fitting = [one for one in acceptances if check.outcome == "fail" and _fits(one, check)]
        used |= set(fitting)
        in_force = [one for one in fitting if date.fromisoformat(one.until) >= today]
        over = [one for one in fitting if one not in in_force]
        found.append(
            replace(
                check,
                accepted=max(in_force, key=lambda one: one.until, default=None),
                lapsed=max(over, key=lambda one: one.until, default=None) if not in_force else None,
            )
        )
    of_these = {check.journey for check in found}
    return tuple(found), tuple(one for one in acceptances if one not in used and one.journey in of_these)


def _fits(acceptance: Acceptance, check: Check) -> bool:
    same_step = acceptance.step is None or acceptance.step == check.step
    return same_step and (acceptance.code, acceptance.journey) == (check.code, check.journey)

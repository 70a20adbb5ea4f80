# SPDX-License-Identifier: Apache-2.0

"""The settings of `lichen import traffic`. Declared as in `lichen.config.settings`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lichen.config.keys import declare, declare_name
from lichen.config.kinds import TEXT, TEXTS, Kind, number, optional

UTC_NAME: Final = "UTC"
"""Known without a database of time zones."""


def _pattern(value: object, _folder: Path) -> str:
    if not isinstance(value, str) or not value.startswith(("/", "*")) or "\0" in value:
        raise ValueError
    return value


def _patterns(value: object, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError  # noqa: TRY004 - read() promises ValueError, whatever is wrong with the value
    return tuple(_pattern(item, folder) for item in value)


def _some_patterns(value: object, folder: Path) -> tuple[str, ...]:
    found = _patterns(value, folder)
    if not found:
        raise ValueError
    return found


def _time_zone(value: object, _folder: Path) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - as above
    if value != UTC_NAME:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError from error
    return value


_PATTERN: Final[Kind[str]] = Kind('a path such as "/apply", where * is anything but a slash and ** anything', _pattern)
_PATTERNS: Final[Kind[tuple[str, ...]]] = Kind('a list of paths such as ["/apply/**"]', _patterns, shlex.split)
_SOME_PATTERNS: Final[Kind[tuple[str, ...]]] = Kind('a list of paths such as ["/apply/**"]', _some_patterns)
TIME_ZONE: Final[Kind[str]] = Kind(
    "UTC, or a time zone such as Europe/Paris; where the system has no database of them, `pip install tzdata` brings it",
    _time_zone,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSettings:
    """How access logs are counted."""

    day_zone: str = declare(
        TIME_ZONE, UTC_NAME,
        en="Time zone by whose days visits are counted.", fr="Fuseau horaire des jours par lesquels les visites sont comptées.",
    )  # fmt: skip
    session_minutes: float = declare(
        number(0, above=True, unit="minutes"), 30.0,
        en="Pause after which a visitor's next page begins another visit, in minutes.",
        fr="Pause après laquelle la page suivante d'un visiteur commence une autre visite, en minutes.",
    )  # fmt: skip
    ignore: tuple[str, ...] = declare(
        _PATTERNS, ("/api/**",),
        en="Paths that are no pages; * is anything but a slash, ** anything.",
        fr="Chemins qui ne sont pas des pages ; * est tout sauf une barre oblique, ** n'importe quoi.",
    )  # fmt: skip
    robots: tuple[str, ...] = declare(
        TEXTS, (),
        en="Words of user agents that mark robots, besides the built-in ones.",
        fr="Mots d'agents utilisateurs qui signalent des robots, en plus de ceux qui sont connus.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficJourney:
    """How a journey is known in an access log or in a report by page."""

    name: str = declare_name(
        TEXT, en="Name of the journey, as in [[journey]].", fr="Nom du parcours, comme dans [[journey]]."
    )
    paths: tuple[str, ...] = declare_name(
        _SOME_PATTERNS,
        en="Paths of its pages, queries left out; * is anything but a slash, ** anything, ? one character.",
        fr="Chemins de ses pages, sans leurs paramètres ; * est tout sauf une barre oblique, ** n'importe quoi, ? un caractère.",
    )  # fmt: skip
    start: str | None = declare(
        optional(_PATTERN), None, unset="any of its pages",
        en="Path of the page that begins it: a visit that sees it counts.",
        fr="Chemin de la page qui le commence : une visite qui la voit compte.",
    )  # fmt: skip

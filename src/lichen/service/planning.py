# SPDX-License-Identifier: Apache-2.0
"""What is to be measured: the words of the command line become journeys, and say whether server parts belong to them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lichen.collect.entities import segment
from lichen.collect.journeys import Journey
from lichen.collect.machine import Parts
from lichen.config import Settings
from lichen.errors import ConfigError

_SCHEMES: Final = ("http://", "https://")
_FILES: Final = (".py", ".json")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK: Final = "127.0.0.1"
_THIS_MACHINE: Final = ("localhost", _LOOPBACK, "::1")
_PART_URL: Final = re.compile(r"\{([\w-]+)\.url\}")
_HOST: Final = re.compile(r"(?P<host>localhost|[\w-]+(?:\.[\w-]+)+|[\w-]+(?=:\d))(?P<port>:\d+)?(?:[/?].*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPlan:
    """A journey to measure, before its parts are known to be up: ``base_url`` may name a part, ``{portal.url}``."""

    name: str | None
    source: str
    base_url: str | None


def plan_journeys(settings: Settings, asked: Sequence[str]) -> list[JourneyPlan]:
    """What to measure: names of lichen.toml, files or addresses; all of lichen.toml when nothing is asked.

    Raises:
        ConfigError: there is nothing to measure, a word is neither, or a file is not there.
    """
    declared = {entry.name: (index, entry) for index, entry in enumerate(settings.journeys)}
    if not asked and not declared:
        raise ConfigError(
            "There is no journey to measure.",
            repair="Give an address (lichen measure https://...), or declare a [[journey]] in lichen.toml: lichen init.",
            culprit="journey",
        )
    plans = []
    for word in asked or declared:
        if word in declared:
            index, entry = declared[word]
            if entry.file is not None and not entry.file.exists():
                origin = settings.origins.get(f"journey.{index}.file")
                raise _missing(entry.file, f" of '{entry.name}'", None if origin is None else origin.where)
            plans.append(JourneyPlan(name=entry.name, source=entry.url or str(entry.file), base_url=entry.base_url))
        elif word.startswith(_SCHEMES) or "{" in word:
            plans.append(JourneyPlan(name=None, source=word, base_url=None))
        elif word.endswith(_FILES):
            if not Path(word).exists():
                raise _missing(Path(word), "", None)
            plans.append(JourneyPlan(name=None, source=word, base_url=None))
        else:
            raise _not_understood(word, list(declared))
    return plans


def _missing(file: Path, of: str, where: str | None) -> ConfigError:
    others = sorted(path.name for path in file.parent.glob("*") if path.suffix in _FILES)
    close = difflib.get_close_matches(file.name, others, n=1)
    return ConfigError(
        f"The journey file{of} does not exist: {file}{f' ({where})' if where else ''}.",
        repair=f"Did you mean {file.with_name(close[0])}?" if close else "Correct the path, or write one: lichen init.",
        culprit=where or str(file),
    )


def _not_understood(word: str, declared: Sequence[str]) -> ConfigError:
    problem = f"'{word}' is neither a declared journey, nor a .py or .json file, nor an address."
    close = difflib.get_close_matches(word, declared, n=1)
    host = _HOST.fullmatch(word)
    if Path(word).is_dir():
        problem = f"'{word}' is a folder."
        repair = (
            f"Name a journey file in it, or serve it (python -m http.server -d {word}) and give its address, "
            "http://localhost:8000/."
        )
    elif close:
        repair = f"Did you mean '{close[0]}'?"
    elif host is not None:
        secure = host["port"] is None and host["host"] not in _THIS_MACHINE
        repair = f"Did you mean {'https' if secure else 'http'}://{word}?"
    else:
        known = f"Declared: {', '.join(declared)}." if declared else "lichen.toml declares none."
        repair = f"{known} An address starts with http:// or https://."
    return ConfigError(problem, repair=repair, culprit=word)


def needs_parts(settings: Settings, plan: JourneyPlan) -> bool:
    """Whether the parts of lichen.toml are measured with a journey.

    They are with what is declared there and with files, which may use any part; with an address when it names a part
    (``{portal.url}``), or is where one of them listens.
    """
    if plan.name is not None or "{" in plan.source or not plan.source.startswith(_SCHEMES):
        return True
    own = {_listener(part.ready) for part in settings.parts if isinstance(part.ready, str)}
    own |= {(_LOOPBACK, part.port) for part in settings.parts if part.port is not None}
    asked = _listener(plan.source)
    return asked is not None and asked in own


def _listener(address: str) -> tuple[str, int] | None:
    """Host and port of an address, this machine under one name; None when it does not say."""
    try:
        parts = urlsplit(address)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.hostname is None or port is None:
        return None
    return (_LOOPBACK if parts.hostname in _THIS_MACHINE else parts.hostname), port


def on_parts(
    plans: Sequence[JourneyPlan],
    early: Mapping[JourneyPlan, Journey],
    parts: Parts,
    load: Callable[..., Journey],
) -> list[Journey]:
    """The journeys with the parts' addresses filled in. ``load``: `load_journey` with the settings' times.

    Raises:
        ConfigError: two journeys have the same name.
    """

    def filled(text: str) -> str:
        return _PART_URL.sub(lambda match: parts.url(match[1]), text)

    journeys = []
    for plan in plans:
        journey = early.get(plan) or load(filled(plan.source), name=plan.name)
        if plan.base_url is not None:
            journey = load(plan.source, name=plan.name, base_url=filled(plan.base_url))
        journeys.append(journey)
    names = [segment(journey.name) for journey in journeys]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"Two journeys are called '{name}'.",
                repair="Name them apart in lichen.toml, or measure them one by one.",
                culprit=name,
            )
    return journeys

# SPDX-License-Identifier: Apache-2.0
"""What a setting may hold: each kind reads a TOML value, or the text of a variable or a flag, and says what it wants."""

from __future__ import annotations

import math
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TypeVar

from lichen.config.names import PART_NAME_WANTED, is_variable, well_formed

T = TypeVar("T")
C = TypeVar("C", bound=str)

Samples = Literal["auto"] | int

_ZONE = re.compile(r"WORLD|[A-Z]{3}|[A-Z]{2}(-[A-Z0-9]{1,8})*")
_ADDRESS = re.compile(r"(https?://|\{url\}|\{[^{}/]+\.url\})\S*")
_LABEL = re.compile(r"[^\s=]+(=.*)?")
_COMPOSE = re.compile(r"[a-z0-9][a-z0-9_-]*(/[^\s/]+)?")
_PODS = re.compile(
    r"[a-z0-9][a-z0-9-]*/([^\s/=]+(/[^\s/=]+)?=[^\s/]*|(deployment|statefulset|daemonset|job|pod)/[a-z0-9][a-z0-9.-]*)"
)
_SOCKET = re.compile(r"tcp://[^\s/]+:(\d+|\{[^{}]+\})")
_LARGEST = sys.float_info.max
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class Viewport(NamedTuple):
    """Size of the page in CSS pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of value.

    Attributes:
        wanted: what the user should give, to end the sentence "Give …".
        read: turns a TOML value into the setting, relative paths being taken from the folder; ValueError when it is not one.
        from_text: turns the text of a variable or a flag into a TOML value; ValueError when it cannot.
        choices: the allowed words; empty when open.
        holds_paths: whether a relative value is resolved against a folder.
    """

    wanted: str
    read: Callable[[object, Path], T]
    from_text: Callable[[str], object] = str
    choices: tuple[str, ...] = ()
    holds_paths: bool = False


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError
    return value


def _name(value: object, _folder: Path) -> str:
    name = _text(value)
    if not well_formed(name):
        raise ValueError
    return name


def _path(value: object, folder: Path) -> Path:
    if isinstance(value, Path):
        return folder / value
    try:
        return folder / Path(_text(value)).expanduser()
    except RuntimeError as error:  # "~somebody" who has no home here
        raise ValueError from error


def _program(value: object, folder: Path) -> str:
    name = _text(value)
    return str(_path(name, folder)) if "/" in name or name.startswith("~") else name


def _place(value: object, folder: Path) -> str:
    place = _text(value)
    return place if "://" in place else str(_path(place, folder))


def _flag(value: object, _folder: Path) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - read() promises ValueError, whatever is wrong with the value
    return value


def _flag_text(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _samples(value: object, _folder: Path) -> Samples:
    if value == "auto":
        return "auto"
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise ValueError
    return value


def _viewport(value: object, _folder: Path) -> Viewport:
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", _text(value))
    if found is None:
        raise ValueError
    return Viewport(int(found[1]), int(found[2]))


def _zone(value: object, _folder: Path) -> str:
    zone = _text(value).upper()
    if _ZONE.fullmatch(zone) is None:
        raise ValueError
    return zone


def _address(value: object, _folder: Path) -> str:
    address = _text(value)
    if _ADDRESS.fullmatch(address) is None:
        raise ValueError
    return address


def _texts(value: object, _folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError  # noqa: TRY004 - as above
    return tuple(_text(item) for item in value)


def _paths(value: object, folder: Path) -> tuple[Path, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError  # noqa: TRY004 - as above
    return tuple(_path(item, folder) for item in value)


def _command(value: object, folder: Path) -> tuple[str, ...]:
    words = _texts(value, folder)
    if not words:
        raise ValueError
    return words


def _reset(value: object, folder: Path) -> tuple[str, ...] | str:
    return _address(value, folder) if isinstance(value, str) else _command(value, folder)


def _ready(value: object, folder: Path) -> str:
    if value == "tcp" or (isinstance(value, str) and _SOCKET.fullmatch(value)):
        return value
    return _address(value, folder)


def _variables(value: object, _folder: Path) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 - as above
    if not all(isinstance(item, str) and is_variable(name, item) for name, item in value.items()):
        raise ValueError
    return dict(value)


def _queries(value: object, folder: Path) -> dict[str, str]:
    found = _variables(value, folder)
    if not found or not all(query.strip() for query in found.values()):
        raise ValueError
    return found


def _matching(pattern: re.Pattern[str]) -> Callable[[object, Path], str]:
    def read(value: object, _folder: Path) -> str:
        text = _text(value)
        if pattern.fullmatch(text) is None:
            raise ValueError
        return text

    return read


def _integer_text(text: str) -> object:
    return text if text == "auto" else int(text)


def integer(minimum: int, maximum: int) -> Kind[int]:
    """A whole number between two bounds, both included."""

    def read(value: object, _folder: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise ValueError
        return value

    return Kind(f"a whole number from {minimum} to {maximum}", read, int)


def number(minimum: float, maximum: float = math.inf, *, above: bool = False, unit: str = "") -> Kind[float]:
    """A number of at least ``minimum`` (more than it, with ``above``) and at most ``maximum``."""
    low = f"above {minimum:g}" if above else f"of {minimum:g} or more"
    high = "" if math.isinf(maximum) else f", at most {maximum:g}"

    def read(value: object, _folder: Path) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST <= value <= _LARGEST:
            raise ValueError
        if value < minimum or value > maximum or (above and value == minimum):
            raise ValueError
        return float(value)

    return Kind(f"a number{f' of {unit}' if unit else ''} {low}{high}", read, float)


def choice(*words: C) -> Kind[C]:
    """One of several words."""

    def read(value: object, _folder: Path) -> C:
        if not isinstance(value, str) or value not in words:
            raise ValueError
        return value

    return Kind(f"one of {', '.join(words)}", read, choices=words)


def optional(kind: Kind[T]) -> Kind[T | None]:
    """The same, where unset is allowed; TOML has no null, so a key that is absent means unset."""
    return Kind(kind.wanted, kind.read, kind.from_text, kind.choices, kind.holds_paths)


TEXT: Kind[str] = Kind("a text that is not empty", lambda value, _folder: _text(value))
NAME: Kind[str] = Kind(PART_NAME_WANTED, _name)
FLAG: Kind[bool] = Kind("true or false", _flag, _flag_text)
PATH: Kind[Path] = Kind("a path", _path, holds_paths=True)
PROGRAM: Kind[str] = Kind("a program's name or path", _program, holds_paths=True)
PLACE: Kind[str] = Kind("a folder, or s3://BUCKET/PREFIX", _place, holds_paths=True)
PATHS: Kind[tuple[Path, ...]] = Kind("a list of paths", _paths, shlex.split, holds_paths=True)
TEXTS: Kind[tuple[str, ...]] = Kind("a list of texts", _texts, shlex.split)
COMMAND: Kind[tuple[str, ...]] = Kind('a list of words such as ["python", "app.py"]', _command, shlex.split)
SAMPLES: Kind[Samples] = Kind('"auto" or a whole number from 1 to 100', _samples, _integer_text)
VIEWPORT: Kind[Viewport] = Kind('a width and a height in pixels such as "1366x768"', _viewport)
ZONE: Kind[str] = Kind("an ISO 3166 code such as FR, a grid zone such as US-CAL-CISO, or WORLD", _zone)
ADDRESS: Kind[str] = Kind('an address such as "http://127.0.0.1:8000" or "{portal.url}"', _address)
READY: Kind[str] = Kind('an address such as "{url}/health" or "tcp://127.0.0.1:5432", or "tcp"', _ready)
RESET: Kind[tuple[str, ...] | str] = Kind('a command such as ["python", "reset.py"], or an address', _reset)
VARIABLES: Kind[dict[str, str]] = Kind("a table of texts", _variables)
LABEL: Kind[str] = Kind('a label such as "tier=web"', _matching(_LABEL))
COMPOSE: Kind[str] = Kind(
    'a compose project and its service such as "shop/web", or the project alone', _matching(_COMPOSE)
)
PODS: Kind[str] = Kind('a namespace and its pods such as "shop/app=web" or "shop/deployment/web"', _matching(_PODS))
QUERIES: Kind[dict[str, str]] = Kind('a table such as { cpu_time = "process_cpu_seconds_total" }', _queries)

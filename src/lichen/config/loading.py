# SPDX-License-Identifier: Apache-2.0
"""lichen.toml, the environment and the flags become settings. Precedence: flag, variable, file, default."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lichen import redact
from lichen.config.declarations import check_covers, check_declaration, check_references
from lichen.config.keys import Key
from lichen.config.kinds import VARIABLES
from lichen.config.names import nearest
from lichen.config.notify import check_quiet
from lichen.config.settings import KEYS, LIST_KEYS, LISTS, SECTIONS, Lang, Origin, Settings
from lichen.config.toml import lines_of, read_toml, repair_of
from lichen.errors import ConfigError

DEFAULT_FILE: Final = "lichen.toml"

NOT_SETTINGS: Final = frozenset({"LICHEN_DEBUG", "LICHEN_BROWSER"})
"""Variables of ours that are no key: the traceback switch, and the browser that journeys honour."""

_PREFIX: Final = "LICHEN_"


def load_settings(
    path: Path | None, *, overrides: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None
) -> Settings:
    """Reads the settings.

    Args:
        path: the file named by ``--config``; None: ``lichen.toml`` of the current folder, which may be absent.
        overrides: values of flags by dotted key; None values are left out. Texts are read as a variable's text is.
        env: the environment; ``LICHEN_SECTION_KEY`` sets a key, an empty text counts as not set.

    Returns:
        Settings, with the origin of each value.

    Raises:
        ConfigError: the file is missing, broken, or holds an unknown key or a wrong value; a variable or a flag is wrong.
    """
    env = env or {}
    file = _find(path)
    reader = _Reader(file)
    reader.read_file()
    reader.read_variables(env)
    reader.read_flags({key: value for key, value in (overrides or {}).items() if value is not None})
    return reader.settings(env)


def _find(path: Path | None) -> Path | None:
    if path is None:
        here = Path(DEFAULT_FILE)
        return here.absolute() if here.exists() else None
    try:
        found = path.exists()
    except (OSError, ValueError) as error:  # a name that no file can have: too long, or with a NUL
        raise ConfigError(
            "The name given with --config is none that a file can have.",
            repair="Name an existing file.",
            culprit=str(path),
        ) from error
    if not found:
        raise ConfigError(
            f"There is no configuration file {path}.",
            repair="Name an existing file with --config, or write one with `lichen init`.",
            culprit=str(path),
        )
    return path.absolute()


def _read_toml(file: Path) -> tuple[dict[str, Any], str]:
    try:
        return read_toml(file)
    except OSError as error:
        raise ConfigError(
            f"The configuration file {file} cannot be read: {error.strerror or error}.",
            repair="Name a readable file.", culprit=str(file),
        ) from error  # fmt: skip
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"The configuration file {file} is not UTF-8 text (byte {error.start}).",
            repair="Save it as UTF-8.", culprit=str(file),
        ) from error  # fmt: skip
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"The configuration file {file} is not TOML: {error}.",
            repair=repair_of(file, str(error)),
            culprit=str(file),
        ) from error


class _Reader:
    """Collects raw values by origin, then makes the settings."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.folder = Path.cwd() if file is None else file.parent
        self.lines: dict[str, int] = {}
        self.values: dict[str, Any] = {}
        self.origins: dict[str, Origin] = {}
        self.lists: dict[str, list[Any]] = {name: [] for name in LISTS}

    def read_file(self) -> None:
        """All values of lichen.toml."""
        if self.file is None:
            return
        document, text = _read_toml(self.file)
        self.lines = lines_of(text)
        for section, content in document.items():
            if section in LISTS:
                self._read_list(section, content)
            elif section in SECTIONS:
                self._read_section(section, content)
            else:
                raise self._unknown("", section, section)

    def _where(self, dotted: str) -> str:
        line = self.lines.get(dotted)
        return f"{self.file}:{line}" if line else str(self.file)

    def _unknown(self, section: str, name: str, place: str) -> ConfigError:
        """An unknown key of a section, or, when ``section`` is empty, an unknown section or stray key."""
        shown = f"{section}.{name}" if section else name
        valid = LIST_KEYS[section] if section in LISTS else {key.name: key for key in _keys_of(section)}
        elsewhere = [key for key in KEYS if key.endswith(f".{name}")]
        if not section:
            repair = nearest(name, [*SECTIONS, *LISTS], valid_are="Sections")
        else:
            repair = nearest(name, valid, valid_are=f"Keys of {section}")
        if elsewhere and not difflib.get_close_matches(name, valid, n=1):
            repair = f"Did you mean '{elsewhere[0]}'?"
        where = self._where(place)
        return ConfigError(f"There is no key '{shown}' ({where}).", repair=repair, culprit=where)

    def _read_section(self, section: str, content: Any) -> None:
        if not isinstance(content, dict):
            raise ConfigError(
                f"'{section}' must be a section ({self._where(section)}).", repair=f"Write [{section}] with its keys below.",
                culprit=self._where(section),
            )  # fmt: skip
        for name, raw in content.items():
            if f"{section}.{name}" in LISTS:
                self._read_list(f"{section}.{name}", raw)
                continue
            key = KEYS.get(f"{section}.{name}")
            if key is None:
                raise self._unknown(section, name, f"{section}.{name}")
            self._set(key, raw, Origin("file", self._where(key.dotted)), self.folder)

    def _read_list(self, section: str, content: Any) -> None:
        if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
            raise ConfigError(
                f"'{section}' must be a repeated section ({self._where(section)}).",
                repair=f"Write [[{section}]], twice bracketed.",
                culprit=self._where(section),
            )
        keys = LIST_KEYS[section]
        for position, item in enumerate(content):
            place = f"{section}.{position}"
            made: dict[str, Any] = {}
            for name, raw in item.items():
                if name not in keys:
                    raise self._unknown(section, name, f"{place}.{name}")
                origin = Origin("file", self._where(f"{place}.{name}"))
                made[name] = _checked(keys[name], raw, origin, self.folder)
                self.origins[f"{place}.{name}"] = origin
            for key in keys.values():
                if key.required and key.name not in made:
                    raise ConfigError(
                        f"A [[{section}]] has no {key.name} ({self._where(place)}).",
                        repair=f'Add {key.name} = "…".',
                        culprit=self._where(place),
                    )
            self.lists[section].append(LISTS[section](**made))
            *before, declared = self.lists[section]
            first = next(iter(keys))
            check_declaration(section, declared, before, self._where(f"{place}.{first}" if first in item else place))

    def read_variables(self, env: Mapping[str, str]) -> None:
        """All ``LICHEN_SECTION_KEY`` variables; one that is nearly a key is refused, another tool's is left alone."""
        keys = {key.variable: key for key in KEYS.values()}
        for name in sorted(env):
            if not name.startswith(_PREFIX) or name in NOT_SETTINGS or not env[name].strip():
                continue
            if name in keys:
                self._set(keys[name], env[name], Origin("env", name), Path.cwd())
                continue
            of_section = any(name.startswith(f"{_PREFIX}{section.upper()}_") for section in SECTIONS)
            if of_section or difflib.get_close_matches(name, keys, n=1, cutoff=0.85):
                raise ConfigError(
                    f"The environment variable {name} is no setting.",
                    repair=nearest(name, keys, valid_are="Variables"), culprit=name,
                )  # fmt: skip

    def read_flags(self, overrides: Mapping[str, Any]) -> None:
        """Values of the command line."""
        for dotted, raw in overrides.items():
            key = KEYS.get(dotted)
            if key is None:
                raise ConfigError(
                    f"There is no key '{dotted}'.", repair=nearest(dotted, KEYS, valid_are="Keys"), culprit=dotted
                )
            self._set(key, raw, Origin("flag"), Path.cwd())

    def _set(self, key: Key, raw: Any, origin: Origin, folder: Path) -> None:
        self.values[key.dotted] = _checked(key, raw, origin, folder)
        self.origins[key.dotted] = origin

    def settings(self, env: Mapping[str, str]) -> Settings:
        """The settings, defaults included, after the checks that span several keys."""
        for dotted, key in KEYS.items():
            if dotted not in self.values:
                self.values[dotted] = self._default(key)
                self.origins[dotted] = Origin("default")
        if self.values["measure.min_samples"] > self.values["measure.max_samples"]:
            where = (
                self.origins["measure.min_samples"].where
                or self.origins["measure.max_samples"].where
                or "the command line"
            )
            raise ConfigError(
                f"measure.min_samples ({self.values['measure.min_samples']}) is above measure.max_samples "
                f"({self.values['measure.max_samples']}) ({where}).",
                repair="Raise the one or lower the other.", culprit=where,
            )  # fmt: skip
        check_references(self.lists, self._where)
        check_covers(self.lists, self._where)
        check_quiet(self.values, self.origins["notify.quiet_from"].where or self.origins["notify.quiet_to"].where)
        made = {
            section: declaration(**{key.name: self.values[key.dotted] for key in _keys_of(section)})
            for section, declaration in SECTIONS.items()
        }
        return Settings(
            **made, parts=tuple(self.lists["part"]), journeys=tuple(self.lists["journey"]), meters=tuple(self.lists["meter"]),
            traffic_journeys=tuple(self.lists["traffic.journey"]), bill_owners=tuple(self.lists["bills.owner"]),
            bill_shared=tuple(self.lists["bills.shared"]), budgets=tuple(self.lists["budget"]),
            channels=tuple(self.lists["channel"]), jobs=tuple(self.lists["job"]),
            folder=self.folder, file=self.file,
            lang=resolve_lang(self.values["project.lang"], env), origins=self.origins,
        )  # fmt: skip

    def _default(self, key: Key) -> Any:
        if key.dotted == "project.name":
            return self.folder.name or "project"
        if key.kind.holds_paths and key.default:
            return key.kind.read(key.default, self.folder)
        return key.default


def _keys_of(section: str) -> list[Key]:
    return [key for key in KEYS.values() if key.section == section]


def _checked(key: Key, raw: Any, origin: Origin, folder: Path) -> Any:
    """The value of ``key``; ConfigError naming key, value, origin and what was wanted."""
    try:
        from_text = isinstance(raw, str) and origin.kind in ("env", "flag")
        return key.kind.read(key.kind.from_text(raw) if from_text else raw, folder)
    except ValueError as error:
        where = {"file": origin.where, "env": f"environment variable {origin.where}"}.get(origin.kind, "command line")
        close = difflib.get_close_matches(raw, key.kind.choices, n=1) if isinstance(raw, str) else []
        raise ConfigError(
            f"{key.dotted} is {_shown(raw, secret=key.kind is VARIABLES)} ({where}).",
            repair=f"Did you mean '{close[0]}'?" if close else f"Give {key.kind.wanted}.",
            culprit=origin.where or key.dotted,
        ) from error


def _shown(raw: Any, *, secret: bool) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, dict):
        return "a table"
    if secret:
        return redact.MASK
    if isinstance(raw, list):
        return f"[{', '.join(redact.words(raw))}]"
    return f"'{raw}'" if isinstance(raw, str) else str(raw)


def resolve_lang(lang: str, env: Mapping[str, str]) -> Lang:
    """POSIX order of the locale variables; anything but French reads English."""
    if lang == "auto":
        lang = next((env[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if env.get(name)), "en")
    return "fr" if lang.lower().startswith("fr") else "en"

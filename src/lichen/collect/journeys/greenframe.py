# SPDX-License-Identifier: Apache-2.0
"""A project of GreenFrame (``.greenframe.yml`` and its scenarios) as settings and journeys.

Keys: those that greenframe-cli 2.0.1 reads. Each ends in one of three lists: what was mapped, what is left out and why, what is
refused.
"""

from __future__ import annotations

import difflib
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from lichen.collect.journeys.greenframe_scenario import rewrite
from lichen.collect.journeys.naming import step_name
from lichen.errors import ConfigError

_MAX_BYTES: Final = 1_000_000
_MOST_SAMPLES: Final = 100
_LEFT_OUT: Final = {
    "threshold": "budgets are not settings of a journey: keep the figure for when budgets are declared",
    "executionCount": "how often a journey is made is traffic, which is kept apart from its measurement",
    "useAdblock": "there is no list of advertisers; browser.block_third_party = true reaches the site's own hosts only",
    "envVar": "journeys read the environment that Lichen is started with",
    "envFile": "journeys read the environment that Lichen is started with",
    "extraHosts": 'names are mapped by browser.args = ["--host-resolver-rules=MAP name address"]',
    "kubeConfig": "pods are read from a Prometheus (prometheus.url), not from a sidecar",
    "distant": "scenarios run here only",
}
"""Keys that have no twin, and what to do instead."""
_MAPPED: Final = (
    "baseURL", "scenario", "scenarios", "samples", "projectName", "containers", "databaseContainers", "kubeContainers",
    "kubeDatabaseContainers", "ignoreHTTPSErrors", "locale", "timezoneId", "dockerdHost", "dockerdPort",
)  # fmt: skip
_POD: Final = re.compile(r"([\w.-]+):([\w./-]+=[\w.-]+?)(?:/([\w.-]+))?\Z")


@dataclass(frozen=True, slots=True)
class Imported:
    """A project after reading.

    Attributes:
        settings: text of lichen.toml. journeys: text by file name, such as ``journeys/buy.py``.
        mapped, left_out, refused: one sentence each; with ``refused`` the project is not whole.
    """

    settings: str
    journeys: Mapping[str, str]
    mapped: tuple[str, ...]
    left_out: tuple[str, ...]
    refused: tuple[str, ...]


def read_project(path: Path) -> Imported:
    """Reads ``.greenframe.yml`` and the scenarios that it names.

    Raises:
        ConfigError: the file cannot be read or is no YAML table, or a key has the wrong type; names key or line.
    """
    return _Project(path, _load(path)).read()


def _load(path: Path) -> dict[str, Any]:
    import yaml

    text = _read(path)
    try:
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        _refuse(
            f"{path}{f':{mark.line + 1}' if mark else ''}", f"not valid YAML: {error.problem or 'it cannot be parsed'}"
        )
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        _refuse(path, f"not valid YAML: {str(error).splitlines()[0] if str(error) else 'it cannot be parsed'}")
    if not isinstance(content, dict):
        _refuse(path, "not a table of settings")
    return content


def _read(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe nobody writes to would be waited for for ever
            _refuse(path, "not a regular file")
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.", repair="Check the path.", culprit=str(path)
        ) from error
    if len(content) > _MAX_BYTES:
        _refuse(path, f"larger than {_MAX_BYTES // 1000} kB")
    try:
        return content.decode()
    except UnicodeDecodeError:
        _refuse(path, "not UTF-8")


def _refuse(where: object, problem: str) -> NoReturn:
    raise ConfigError(f"{where}: {problem}.", repair="Correct it, or give another file.", culprit=str(where))


@dataclass(slots=True)
class _Part:
    name: str
    lines: list[str]


@dataclass(slots=True)
class _Project:
    """One project under way."""

    path: Path
    content: dict[str, Any]
    journeys: dict[str, str] = field(default_factory=dict)
    entries: list[list[str]] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)
    mapped: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def read(self) -> Imported:
        """The whole project."""
        self._sort_keys()
        self._containers()
        for pods in ("kubeContainers", "kubeDatabaseContainers"):
            self._pods(pods)
        self._scenarios()
        return Imported(self._toml(), self.journeys, tuple(self.mapped), tuple(self.left_out), tuple(self.refused))

    def _sort_keys(self) -> None:
        for key in self.content:
            if key in _LEFT_OUT:
                self.left_out.append(f"{key}: {_LEFT_OUT[key]}")
            elif key not in _MAPPED:
                close = difflib.get_close_matches(str(key), [*_MAPPED, *_LEFT_OUT], n=1)
                hint = f"; did you mean '{close[0]}'?" if close else ""
                self.left_out.append(f"{key}: GreenFrame does not know this key{hint}")

    # --- values ---------------------------------------------------------------------------------

    def _get(self, key: str, kinds: type | tuple[type, ...], wanted: str) -> Any:
        value = self.content.get(key)
        if value is None:
            return None
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            _refuse(self.path, f"'{key}' is not {wanted}")
        return value

    def _texts(self, key: str) -> list[str]:
        value = self._get(key, (list, str), "a list of texts")
        words = re.split(r"\s*,\s*", value.strip()) if isinstance(value, str) else value or []
        if not all(isinstance(word, str) and word for word in words):
            _refuse(self.path, f"'{key}' is not a list of texts")
        return list(words)

    # --- parts ----------------------------------------------------------------------------------

    def _containers(self) -> None:
        host, port = self._get("dockerdHost", str, "a text"), self._get("dockerdPort", (int, str), "a port")
        engine = f"tcp://{host}:{port or 2375}" if host else None
        for key in ("containers", "databaseContainers"):
            for name in self._texts(key):
                lines = [f"container = {_toml(name)}", *([f"engine = {_toml(engine)}"] if engine else [])]
                self._part(name, lines, f"{key}: '{name}' is a part, read from its container")

    def _pods(self, key: str) -> None:
        for word in self._texts(key):
            found = _POD.match(word)
            if found is None:
                self.refused.append(f"{key}: '{word}' is not namespace:label=value or namespace:label=value/container")
                continue
            namespace, label, container = found.groups()
            lines = [f"pods = {_toml(f'{namespace}/{label}')}"]
            lines += [f"container = {_toml(container)}"] if container else []
            self._part(
                container or label.partition("=")[2], lines, f"{key}: '{word}' is a part; it needs prometheus.url"
            )

    def _part(self, name: str, lines: list[str], told: str) -> None:
        plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "part"
        taken = [part.name for part in self.parts] + ["browser"]
        chosen = next(n for i in range(1, len(taken) + 2) if (n := plain if i == 1 else f"{plain}-{i}") not in taken)
        self.parts.append(_Part(chosen, lines))
        self.mapped.append(told)

    # --- scenarios ------------------------------------------------------------------------------

    def _scenarios(self) -> None:
        base = self._get("baseURL", str, "a text")
        parts = urlsplit(base or "")
        if base is not None and not (parts.scheme in ("http", "https") and parts.netloc):
            _refuse(self.path, "'baseURL' is not an http address")
        site = f"{parts.scheme}://{parts.netloc}" if base else None
        listed = self._get("scenarios", list, "a list")
        single = self._get("scenario", str, "a path")
        taken: set[str] = set()
        for number, one in enumerate(listed or ([{"path": single}] if single else []), start=1):
            if not isinstance(one, dict) or not isinstance(one.get("path"), str):
                _refuse(self.path, f"scenario {number} has no 'path'")
            for key in ("threshold", "executionCount"):
                if key in one:
                    self.left_out.append(f"{key} of scenario {number}: {_LEFT_OUT[key]}")
            title = one.get("name") if isinstance(one.get("name"), str) else Path(one["path"]).stem
            name = step_name(str(title), taken)
            if one["path"].endswith("examples/visit.js") and not (self.path.parent / one["path"]).exists():
                self._visit(name, base, number)
            else:
                self._scenario(name, one["path"], site, parts.path)
        if not taken:
            if base is None:
                _refuse(self.path, "it names neither a scenario nor a baseURL")
            self._visit(step_name("visit", taken), base, 1)

    def _visit(self, name: str, base: str | None, number: int) -> None:
        """GreenFrame's own scenario: open the address and scroll to the end, as an address does here."""
        if base is None:
            _refuse(self.path, f"scenario {number} needs 'baseURL'")
        self.entries.append([f"name = {_toml(name)}", f"url = {_toml(base)}"])
        self.mapped.append(f"'{name}': the built-in scenario is an address that is opened and scrolled")

    def _scenario(self, name: str, source: str, site: str | None, base_path: str) -> None:
        file = self.path.parent / source
        if re.search(r"\.cy\.[jt]s$", source):
            self.refused.append(f"{source}: a Cypress suite is measured as it is: lichen run -- npx cypress run")
            return
        title = re.sub(r"[^\w ./-]", "", f"Rewritten from {Path(source).name}.")
        found = rewrite(_read(file).encode(), title=title, base_path=base_path)
        self.left_out += [f"{source}, {what}: it does nothing for a measurement" for what in found.dropped]
        if found.problems:
            self.refused += [f"{source}:{problem.line}: {problem.text}" for problem in found.problems]
            return
        stem = re.sub(r"[^\w-]+", "_", Path(source).stem) or "scenario"
        taken = set(self.journeys)
        candidates = (f"journeys/{stem}{'' if i == 1 else f'_{i}'}.py" for i in range(1, len(taken) + 2))
        place = next(one for one in candidates if one not in taken)
        self.journeys[place] = found.python
        base = [f"base_url = {_toml(site)}"] if site else []
        self.entries.append([f"name = {_toml(name)}", f"file = {_toml(place)}", *base])
        self.mapped.append(
            f"'{name}': {source} is rewritten as {place}; give its steps a dwell, the time that a person spends"
        )

    # --- settings -------------------------------------------------------------------------------

    def _toml(self) -> str:
        sections: dict[str, list[str]] = {"project": [], "measure": [], "browser": []}
        for key, section, name, kinds, wanted in (
            ("projectName", "project", "name", str, "a text"),
            ("samples", "measure", "samples", int, "a whole number"),
            ("ignoreHTTPSErrors", "browser", "ignore_https_errors", bool, "true or false"),
            ("locale", "browser", "locale", str, "a text"),
            ("timezoneId", "browser", "time_zone", str, "a text"),
        ):
            value = self._get(key, kinds, wanted)
            if key == "samples" and value is not None and not 1 <= value <= _MOST_SAMPLES:
                _refuse(self.path, f"'samples' is not a number from 1 to {_MOST_SAMPLES}")
            if value is not None:
                sections[section].append(f"{name} = {_toml(value)}")
                self.mapped.append(f"{key}: {section}.{name}")
        blocks = [f"# Imported from {_comment(self.path.name)}; `lichen config show` lists all settings."]
        blocks += ["\n".join([f"[{section}]", *lines]) for section, lines in sections.items() if lines]
        blocks += ["\n".join(["[[part]]", f"name = {_toml(part.name)}", *part.lines]) for part in self.parts]
        blocks += ["\n".join(["[[journey]]", *entry]) for entry in self.entries]
        return "\n\n".join(blocks) + "\n"


def _toml(value: object) -> str:
    """A value in TOML: texts of JSON are texts of TOML, but for DEL, which must be escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)

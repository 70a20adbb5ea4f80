# SPDX-License-Identifier: Apache-2.0
"""A new team from a template: the team, an example application with its journeys, and a target."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, Final

from lichen.config.names import nearest
from lichen.errors import UsageError
from lichen.service.portfolio_files.reading import Given, rows_of_content
from lichen.store.queries.portfolio import Stored

DEFAULT: Final = "web"
REDUCTION: Final = 0.3
HORIZON_YEARS: Final = 4
"""A team's first target, where the organisation has none: 30 % less than this year in four years. A proposal, to be edited."""


@dataclass(frozen=True, slots=True)
class Start:
    """A new team.

    Attributes:
        application: code of its example application. journeys: codes of that one's journeys.
        rows: what is added.
    """

    application: str
    journeys: tuple[str, ...]
    rows: Sequence[Given]


def templates() -> tuple[str, ...]:
    """Names of the templates, the default first."""
    folder = files("lichen.service.portfolio_files.templates")
    names = {item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")}
    return tuple(sorted(names, key=lambda name: (name != DEFAULT, name)))


def start(
    code: str, template: str, *, name: str | None, lang: str, today: date, stored: Mapping[str, Sequence[Stored]]
) -> Start:
    """The rows of a new team.

    Args:
        code: of the team. name: as shown, the code when None.
        lang: of the names in the template.
        stored: the portfolio, whose target the team takes over.

    Raises:
        UsageError: there is no such template, the code is none, or the team or its application is there already.
    """
    if template not in templates():
        raise UsageError(
            f"There is no template '{template}'.",
            repair=nearest(template, templates(), valid_are="Templates"),
            culprit=template,
        )
    text = files("lichen.service.portfolio_files.templates").joinpath(f"{template}.toml").read_text(encoding="utf-8")
    words = {"team": code, "name": name or code}
    content: dict[str, Any] = _filled(tomllib.loads(text), words, lang)
    content["target"] = [_target(stored.get("target", ()), today) | {"scope": "team", "of": code, "valid_from": today}]
    rows = list(rows_of_content(content, lambda _: f"template {template}"))
    for table in ("team", "application"):
        there = {row.values["code"] for row in stored.get(table, ())}
        if taken := next(
            (row.values["code"] for row in rows if row.table.name == table and row.values["code"] in there), None
        ):
            raise UsageError(f"There is a {table} '{taken}' already.", repair="Choose another code.", culprit=taken)
    journeys = tuple(row.values["code"] for row in rows if row.table.name == "journey")
    return Start(next(row.values["code"] for row in rows if row.table.name == "application"), journeys, rows)


def _filled(value: Any, words: Mapping[str, str], lang: str) -> Any:
    """A value of the template in one language, with the words in their places."""
    if isinstance(value, dict):
        if value.keys() == {"en", "fr"}:
            return _filled(value[lang], words, lang)
        return {key: _filled(item, words, lang) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, words, lang) for item in value]
    return value.format_map(words) if isinstance(value, str) else value


def _target(there: Sequence[Stored], today: date) -> dict[str, Any]:
    """The organisation's newest target for the climate, else the proposal."""
    keys = ("indicator", "base_year", "horizon_year", "reduction", "path")
    found = [
        row.values for row in there if row.values["scope"] == "organisation" and row.values["indicator"] == "gwp100"
    ]
    if found:
        newest = max(found, key=lambda values: values["valid_from"])
        return {key: newest[key] for key in keys}
    return {
        "indicator": "gwp100", "base_year": today.year, "horizon_year": today.year + HORIZON_YEARS, "reduction": REDUCTION,
        "path": "linear",
    }  # fmt: skip

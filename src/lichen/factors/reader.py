# SPDX-License-Identifier: Apache-2.0
"""Reads factor packs: a toml file with rows, defaults and sources, and the csv tables it names.

Reading only gives rows their full set of fields; `lichen.factors.schema` judges them, `lichen.factors.store` serves them.
"""

from __future__ import annotations

import csv
import gzip
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lichen.config.toml import read_toml
from lichen.errors import FactorError
from lichen.factors import SOURCES

COLUMNS: Final = (
    "id", "value", "low", "high", "unit", "boundary", "geography", "valid_from", "valid_to", "source", "licence",
    "distribution", "range_basis", "redistributable", "comment",
)  # fmt: skip
"""Fields of a row, in the order of a table's columns."""

VECTOR: Final = "vector"
"""Field of a row that holds a list of figures in place of one with its bounds; only in the pack itself, not in a table."""

PEDIGREE: Final[Mapping[str, float]] = {"A": 1.2, "B": 1.5, "C": 2.0, "D": 3.0, "E": 5.0}
"""Spread by data quality: a row graded ``C`` has low = value / 2 and high = value x 2 (source ``lichen-pedigree``)."""

_DEFAULTS: Final[Mapping[str, Any]] = {
    "geography": "WORLD", "valid_to": "", "licence": "", "distribution": "lognormal", "range_basis": "source",
    "redistributable": True, "comment": "",
}  # fmt: skip
_SECTIONS: Final[Mapping[str, str]] = {
    "pack": "a table", "defaults": "a table", "factor": "a list of tables", "table": "a list of tables",
    "source": "a table of tables",
}  # fmt: skip
_SOURCE_TEXTS: Final = ("title", "publisher", "url", "licence")


@dataclass(frozen=True, slots=True)
class Source:
    """A publication or data set that rows cite.

    Attributes:
        licence: SPDX id, or a sentence where there is none; what a row inherits when it states no licence of its own.
        retrieved_at: day on which the figures were read.
    """

    key: str
    title: str
    publisher: str
    year: int
    url: str
    licence: str
    retrieved_at: date


@dataclass(frozen=True, slots=True)
class Row:
    """One factor row as written, defaults applied. ``where`` is what an error names: file and row."""

    where: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as read: its identity, its rows and the sources they may cite."""

    path: Path
    pack_id: str
    version: str
    description: str
    rows: tuple[Row, ...]
    sources: Mapping[str, Source] = field(default_factory=dict)


def read_pack(path: Path) -> Pack:
    """The pack at ``path``, with the rows of its tables.

    Raises:
        FactorError: unreadable file, not toml, no ``[pack]`` header, unknown section, damaged table or source.
    """
    content = _toml(path)
    _check_shape(path, content)
    header = content.get("pack")
    if header is None or not {"id", "version", "description"} <= header.keys() or not header["id"]:
        raise FactorError(
            f"The factor pack {path} has no complete [pack] header.",
            repair="Begin it with [pack], id, version and description.",
            culprit=str(path),
        )
    defaults = {**_DEFAULTS, **content.get("defaults", {})}
    rows = [
        *_own_rows(path, content.get("factor", []), defaults),
        *_table_rows(path, content.get("table", []), defaults),
    ]
    sources = {**builtin_sources(), **_sources(path, content.get("source", {}))}
    return Pack(path, str(header["id"]), str(header["version"]), str(header["description"]), tuple(rows), sources)


def _check_shape(path: Path, content: Mapping[str, Any]) -> None:
    """Sections are known and of their kind."""
    for section, value in content.items():
        if section not in _SECTIONS:
            raise FactorError(
                f"The factor pack {path} has the unknown section '{section}'.",
                repair=f"Sections: {', '.join(sorted(_SECTIONS))}.",
                culprit=str(path),
            )
        wanted = _SECTIONS[section]
        below: Iterable[object] = ()
        if wanted == "a table of tables" and isinstance(value, dict):
            below = value.values()
        elif wanted == "a list of tables" and isinstance(value, list):
            below = value
        right = isinstance(value, list if wanted == "a list of tables" else dict)
        if not right or not all(isinstance(item, dict) for item in below):
            raise FactorError(
                f"In the factor pack {path}, '{section}' is not {wanted}.",
                repair=f"Write [[{section}]] above each." if wanted == "a list of tables" else f"Write [{section}].",
                culprit=str(path),
            )


@cache
def builtin_sources() -> Mapping[str, Source]:
    """The bibliography that ships with Lichen, by key."""
    return MappingProxyType(_sources(SOURCES, _toml(SOURCES).get("source", {})))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)[0]
    except OSError as error:
        raise FactorError(
            f"The factor pack {path} cannot be read: {error.strerror}.", repair="Check the path.", culprit=str(path)
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FactorError(
            f"The factor pack {path} is not valid toml: {error}.", repair="Repair that line.", culprit=str(path)
        ) from error


def _own_rows(path: Path, rows: Iterable[Mapping[str, Any]], defaults: Mapping[str, Any]) -> Iterator[Row]:
    for number, written in enumerate(rows, start=1):
        data = {**defaults, **written}
        where = f"{path.name}, factor {number} ({data.get('id') or 'without id'})"
        yield Row(where, _listed(_spread(where, data)))


def _listed(data: dict[str, Any]) -> dict[str, Any]:
    """A list of figures has no central value of its own, and no range."""
    if VECTOR in data:
        data = {"value": 0.0, "low": 0.0, "high": 0.0, **data, "distribution": "fixed"}
    return data


def _spread(where: str, data: dict[str, Any]) -> dict[str, Any]:
    """Replaces a pedigree grade by the bounds that it stands for."""
    grade = data.pop("pedigree", None)
    if grade is None:
        return data
    if not isinstance(grade, str) or grade not in PEDIGREE:
        raise FactorError(
            f"{where} has the unknown pedigree grade '{grade}'.",
            repair=f"Grades: {', '.join(f'{name} (x/÷ {spread:g})' for name, spread in PEDIGREE.items())}.",
            culprit=where,
        )
    if "low" in data or "high" in data:
        raise FactorError(
            f"{where} has both a pedigree grade and bounds.", repair="Keep one of the two.", culprit=where
        )
    if isinstance(data.get("value"), int | float):
        data["low"], data["high"] = data["value"] / PEDIGREE[grade], data["value"] * PEDIGREE[grade]
    data["range_basis"] = "assumed"
    return data


def _table_rows(path: Path, tables: Iterable[Mapping[str, Any]], defaults: Mapping[str, Any]) -> Iterator[Row]:
    for entry in tables:
        table = path.parent / str(entry.get("file", ""))
        try:
            yield from _csv_rows(table, defaults)
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise FactorError(
                f"The table {table} of the factor pack {path} cannot be read: {error}.",
                repair="Check the name after 'file =' and the file itself.",
                culprit=str(table),
            ) from error


def _csv_rows(table: Path, defaults: Mapping[str, Any]) -> Iterator[Row]:
    opener = gzip.open if table.suffix == ".gz" else open
    with opener(table, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        columns = next(reader, [])
        if tuple(columns) != COLUMNS:
            raise FactorError(
                f"The table {table} does not have the columns of a factor row.",
                repair=f"Columns: {','.join(COLUMNS)}.",
                culprit=str(table),
            )
        for line, cells in enumerate(reader, start=2):
            data = dict(defaults)
            data.update((name, cell) for name, cell in zip(COLUMNS, cells, strict=False) if cell != "")
            yield Row(f"{table.name}, line {line}", data)


def _sources(path: Path, tables: Mapping[str, Any]) -> dict[str, Source]:
    found = {}
    for key, entry in tables.items():
        try:
            source = Source(key=key, **entry)
        except TypeError as error:
            raise FactorError(
                f"The source '{key}' in {path} is incomplete or has an unknown field: {error}.",
                repair="A source has title, publisher, year, url, licence and retrieved_at.",
                culprit=key,
            ) from error
        for name in _SOURCE_TEXTS:
            text = getattr(source, name)
            if not isinstance(text, str) or (name == "title" and not text):
                raise FactorError(
                    f"In {path}, the {name} of the source '{key}' is {'empty' if text == '' else 'not a text'}.",
                    repair="Write it in quotes.",
                    culprit=key,
                )
        found[key] = source
    return found

# SPDX-License-Identifier: Apache-2.0
"""The nomenclature: which quantities, indicators and attributes exist, in which unit. ``nomenclature.csv`` is the law."""

from __future__ import annotations

import csv
import difflib
import errno
import math
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TextIO

from lichen.errors import ActivityError, ConfigError
from lichen.plugins import load_all

Kind = Literal["quantity", "indicator", "attribute"]
_KINDS: tuple[Kind, ...] = ("quantity", "indicator", "attribute")
_COLUMNS = ("kind", "name", "unit", "boundary", "additive", "min", "max", "description_en", "description_fr")


@dataclass(frozen=True, slots=True)
class Term:
    """One row of the nomenclature.

    Attributes:
        unit: canonical unit; ``text`` for a word, ``currency`` for money.
        additive: whether values of several entities or windows may be summed.
        minimum, maximum: allowed range in the canonical unit; None when open.
    """

    kind: Kind
    name: str
    unit: str
    boundary: str
    additive: bool
    minimum: float | None
    maximum: float | None
    description_en: str
    description_fr: str

    def description(self, lang: str) -> str:
        """Description in ``en`` or ``fr``."""
        return self.description_fr if lang == "fr" else self.description_en


class Nomenclature(Mapping[tuple[Kind, str], Term]):
    """All terms, keyed by (kind, name)."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._terms: dict[tuple[Kind, str], Term] = {}
        for term in terms:
            key = (term.kind, term.name)
            if key in self._terms:
                raise ConfigError(
                    f"The {term.kind} '{term.name}' is declared twice in the nomenclature.",
                    repair="Keep one of the two rows.",
                    culprit=term.name,
                )
            self._terms[key] = term
        self._names = {kind: tuple(name for k, name in self._terms if k == kind) for kind, _ in self._terms}

    def __getitem__(self, key: tuple[Kind, str]) -> Term:
        return self._terms[key]

    def __iter__(self) -> Iterator[tuple[Kind, str]]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Names of one kind, in the order of the file."""
        return self._names.get(kind, ())

    @cached_property
    def indicator_units(self) -> frozenset[str]:
        """Units of all indicators."""
        return frozenset(term.unit for term in self._terms.values() if term.kind == "indicator")

    def quantity(self, name: str) -> Term:
        """The quantity called ``name``; raises ActivityError with the nearest valid names."""
        term = self._terms.get(("quantity", name))
        if term is None:
            raise ActivityError(
                f"Quantity '{name}' is not in the nomenclature.",
                repair=f"{_nearest(name, self.names('quantity'))}",
                culprit=name,
            )
        return term

    def indicator(self, name: str) -> Term:
        """The indicator called ``name``; raises ConfigError with the nearest valid names."""
        term = self._terms.get(("indicator", name))
        if term is None:
            raise ConfigError(
                f"Indicator '{name}' is not in the nomenclature.",
                repair=f"{_nearest(name, self.names('indicator'))}",
                culprit=name,
            )
        return term


def _nearest(name: str, valid: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, valid, n=1)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Valid names: {', '.join(valid)}."


def _bound(text: str) -> float | None:
    if not text:
        return None
    bound = float(text)
    if math.isnan(bound):
        raise ValueError("a bound is not a number")
    return bound


def _term(row: Mapping[str, str]) -> Term:
    lacks = [name for name in _COLUMNS if not isinstance(row.get(name), str)]
    if lacks:
        raise ValueError(f"it lacks {', '.join(lacks)}")
    kind = next((known for known in _KINDS if known == row["kind"]), None)
    if kind is None:
        raise ValueError(f"kind must be one of {', '.join(_KINDS)}")
    if not row["name"]:
        raise ValueError("it has no name")
    return Term(
        kind=kind,
        name=row["name"],
        unit=row["unit"],
        boundary=row["boundary"],
        additive=row["additive"] != "no",
        minimum=_bound(row["min"]),
        maximum=_bound(row["max"]),
        description_en=row["description_en"],
        description_fr=row["description_fr"],
    )


def _open(path: Path) -> TextIO:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe nobody writes to would be waited for for ever
        raise OSError(errno.EINVAL, "it is not a regular file")
    return path.open(encoding="utf-8", newline="")


def read(path: Path) -> list[Term]:
    """Rows of one nomenclature file; ConfigError names file and line of a bad row."""
    terms = []
    try:
        with _open(path) as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                try:
                    terms.append(_term(row))
                except ValueError as error:
                    raise ConfigError(
                        f"Line {line} of {path} is not a nomenclature row: {error}.",
                        repair=f"Columns: {','.join(_COLUMNS)}.",
                        culprit=f"{path}:{line}",
                    ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:  # csv: a field over its limit, a NUL
        why = error.strerror or error if isinstance(error, OSError) else error
        raise ConfigError(
            f"The nomenclature {path} cannot be read: {why}.", repair="Check extend.nomenclature.", culprit=str(path)
        ) from error
    return terms


def load(extra: Iterable[Path] = ()) -> Nomenclature:
    """The built-in terms, those of installed plug-ins (group ``lichen.nomenclatures``) and those of ``extra`` files."""
    paths = [Path(path) for path in load_all("lichen.nomenclatures").values()]
    return Nomenclature(term for path in [*paths, *extra] for term in read(path))

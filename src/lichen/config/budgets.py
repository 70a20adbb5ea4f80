# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009 - the calls in class bodies return dataclasses.field()
"""The settings of `lichen gate`: how it ends, and the budgets of journeys. Declared as in `lichen.config.settings`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from lichen.config.keys import declare, declare_name
from lichen.config.kinds import FLAG, PATH, TEXT, Kind, choice, optional

_NUMBER: Final = r"(?P<number>\d+(?:[_ \u00a0\u202f]\d{3})*(?:[.,]\d+)?(?:e[+-]?\d+)?)"
_LIMIT: Final = re.compile(rf"{_NUMBER}(?:\s*(?P<unit>[^\W\d]\S*))?")
_SHARE: Final = re.compile(rf"{_NUMBER}\s*%")
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}")
_PERCENT: Final = 100.0


class Limit(NamedTuple):
    """A number and the unit that it was written in; empty for the canonical one of what it limits."""

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.value:.12g} {self.unit}".strip()


def _number(text: str) -> float:
    value = float(re.sub(r"[_ \u00a0\u202f]", "", text).replace(",", "."))
    if not math.isfinite(value):
        raise ValueError
    return value


def _limit(value: object, _folder: Path) -> Limit:
    if isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - read() promises ValueError, whatever is wrong with the value
    if isinstance(value, int | float):
        if not math.isfinite(value) or value < 0:
            raise ValueError
        return Limit(float(value), "")
    found = _LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError
    return Limit(_number(found["number"]), found["unit"] or "")


def _share(value: object, _folder: Path) -> float:
    found = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError
    return _number(found["number"]) / _PERCENT


def _code(value: object, _folder: Path) -> str:
    if not isinstance(value, str) or _CODE.fullmatch(value) is None:
        raise ValueError
    return value


_LIMIT_KIND: Final[Kind[Limit]] = Kind('a number with its unit such as "0.20 gCO2e", "900 kB" or 60', _limit)
_SHARE_KIND: Final[Kind[float]] = Kind('a share such as "5 %"', _share)
_CODE_KIND: Final[Kind[str]] = Kind("a letter, then letters, digits, '.', '-' and '_', 40 characters at most", _code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How `lichen gate` compares and how it ends."""

    on_inconclusive: Literal["pass", "warn", "fail"] = declare(
        choice("pass", "warn", "fail"), "warn",
        en="What an inconclusive gate does: pass, pass with a warning, or fail with exit code 6.",
        fr="Ce que fait un contrôle non concluant : passer, passer avec un avertissement, ou échouer avec le code 6.",
    )  # fmt: skip
    baseline: Path | None = declare(
        optional(PATH), None, unset="the other runs in output.runs",
        en="Run file, or folder of run files, that budgets of increase are held against.",
        fr="Fichier de mesure, ou dossier de fichiers, auquel se comparent les budgets de hausse.",
    )  # fmt: skip
    baseline_from_server: bool = declare(
        FLAG, False,
        en="Hold budgets of increase against the runs of this application on output.server instead.",
        fr="Confronter les budgets de hausse aux mesures de cette application sur output.server.",
    )  # fmt: skip
    accept: Path = declare(
        PATH, Path("lichen-accept.toml"),
        en="File of the breaches that are accepted until a day.",
        fr="Fichier des dépassements acceptés jusqu'à une date.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a journey, or a step of it, may use: at most so much, or so much more than before, or both."""

    code: str = declare_name(
        _CODE_KIND,
        en="Code of the budget, unique; accepted breaches and reports name it.",
        fr="Code du budget, unique ; les dépassements acceptés et les rapports le nomment.",
    )  # fmt: skip
    what: str = declare_name(
        TEXT,
        en="Indicator or quantity of the nomenclature, or sci.",
        fr="Indicateur ou quantité de la nomenclature, ou sci.",
    )  # fmt: skip
    journey: str | None = declare(
        optional(TEXT), None, unset="each journey for itself",
        en="Journey that it holds for.", fr="Parcours concerné.",
    )  # fmt: skip
    step: str | None = declare(
        optional(TEXT), None, unset="the whole journey",
        en="Step of the journey that it holds for.", fr="Étape du parcours concernée.",
    )  # fmt: skip
    max: Limit | None = declare(
        optional(_LIMIT_KIND), None, unset="no upper bound",
        en="Most that one run of the journey may use.", fr="Maximum pour un passage du parcours.",
    )  # fmt: skip
    max_increase: float | None = declare(
        optional(_SHARE_KIND), None, unset="no bound of increase",
        en="Largest increase against the baseline, or against the base of a comparison.",
        fr="Hausse maximale par rapport à la référence, ou à la base d'une comparaison.",
    )  # fmt: skip
    reason: str | None = declare(
        optional(TEXT), None, unset="nothing is said",
        en="Why, for those who read a breach.", fr="Pourquoi, pour qui lit un dépassement.",
    )  # fmt: skip

    @property
    def name(self) -> str:
        """What tells it from the others: its code."""
        return self.code

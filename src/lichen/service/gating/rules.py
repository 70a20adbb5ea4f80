# SPDX-License-Identifier: Apache-2.0
"""Budgets of lichen.toml as bounds in canonical units on quantities and indicators that exist."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.config import Budget, Settings
from lichen.config.names import nearest
from lichen.errors import ConfigError
from lichen.nomenclature import Nomenclature
from lichen.service.sci import NAME as SCI
from lichen.service.sci import UNIT as SCI_UNIT
from lichen.units import compatible, scale

_NOT_OF_A_RUN: Final = frozenset({"cost", "value", "visits", "page_views"})
"""Quantities of periods, not of journeys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A budget that can be held against a run.

    Attributes:
        journeys: that it holds for.
        maximum: most [unit]; increase: largest relative increase; None without.
        file, line: where it is declared, as `place_of` says it.
    """

    code: str
    what: str
    unit: str
    journeys: tuple[str, ...]
    step: str | None
    maximum: float | None
    increase: float | None
    stated: str
    file: str
    line: int


def bounds_of(
    settings: Settings, nomenclature: Nomenclature, present: Mapping[str, Sequence[str] | None]
) -> tuple[Bound, ...]:
    """The budgets that concern the journeys at hand.

    Args:
        present: journeys that were measured or compared, and their steps; None where the steps are not known.

    Raises:
        ConfigError: a budget names what does not exist: quantity, indicator, unit, journey, or step of a journey at hand.
    """
    found = []
    for position, budget in enumerate(settings.budgets):
        what, unit = _unit(settings, position, budget, nomenclature)
        maximum = None if budget.max is None else _in(settings, position, budget, unit)
        journeys = _journeys(settings, position, budget, present)
        _check_step(settings, position, budget, present)
        if journeys:
            file, line = place_of(settings, f"budget.{position}.code")
            found.append(
                Bound(
                    code=budget.code, what=what, unit=unit, journeys=journeys, step=budget.step, maximum=maximum,
                    increase=budget.max_increase, stated=budget.reason or "", file=file, line=line,
                )
            )  # fmt: skip
    return tuple(found)


def _where(settings: Settings, position: int, key: str) -> str:
    origin = settings.origins.get(f"budget.{position}.{key}")
    return "" if origin is None else origin.where


def place_of(settings: Settings, dotted: str) -> tuple[str, int]:
    """File and line of a key, the file as seen from the root of its Git repository; without one, from lichen.toml's folder.

    Returns:
        ``("", 0)`` for what stands in no file.
    """
    origin = settings.origins.get(dotted)
    if origin is None or origin.kind != "file":
        return "", 0
    path, _, line = origin.where.rpartition(":")
    file = Path(path or origin.where)
    root = next((folder for folder in file.parents if (folder / ".git").exists()), settings.folder)
    if file.is_relative_to(root):
        file = file.relative_to(root)
    return file.as_posix(), int(line) if line.isdigit() else 1


def _wrong(settings: Settings, position: int, key: str, problem: str, repair: str) -> ConfigError:
    where = _where(settings, position, key)
    return ConfigError(f"{problem}{f' ({where})' if where else ''}.", repair=repair, culprit=where or f"budget.{key}")


def _unit(settings: Settings, position: int, budget: Budget, nomenclature: Nomenclature) -> tuple[str, str]:
    """What a budget limits, and its canonical unit; an indicator goes before a quantity of the same name."""
    if budget.what == SCI:
        return SCI, SCI_UNIT
    indicators = nomenclature.names("indicator")
    quantities = [name for name in nomenclature.names("quantity") if name not in _NOT_OF_A_RUN]
    if budget.what in indicators:
        return budget.what, nomenclature.indicator(budget.what).unit
    if budget.what in quantities:
        return budget.what, nomenclature.quantity(budget.what).unit
    raise _wrong(
        settings, position, "what",
        f"The budget '{budget.code}' limits '{budget.what}', which is no indicator or quantity of a journey",
        nearest(budget.what, dict.fromkeys((SCI, *indicators, *quantities)), valid_are="Known"),
    )  # fmt: skip


def _in(settings: Settings, position: int, budget: Budget, unit: str) -> float:
    assert budget.max is not None  # noqa: S101 - the caller has looked
    factor = 1.0 if not budget.max.unit else scale(budget.max.unit, unit)
    if factor is not None:
        return budget.max.value * factor
    known = compatible(unit)
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(budget.max.unit.lower(), folded, n=1)
    repair = f"Did you mean '{folded[close[0]]}'?" if close else f"Units of {budget.what}: {', '.join(known)}."
    raise _wrong(
        settings, position, "max",
        f"The budget '{budget.code}' limits {budget.what} in '{budget.max.unit}', which is no unit of it", repair,
    )  # fmt: skip


def _journeys(
    settings: Settings, position: int, budget: Budget, present: Mapping[str, Sequence[str] | None]
) -> tuple[str, ...]:
    if budget.journey is None:
        return tuple(present)
    declared = dict.fromkeys((*(journey.name for journey in settings.journeys), *present))
    if budget.journey not in declared:
        raise _wrong(
            settings, position, "journey",
            f"The budget '{budget.code}' is of a journey '{budget.journey}' that does not exist",
            nearest(budget.journey, declared, valid_are="Journeys"),
        )  # fmt: skip
    return (budget.journey,) if budget.journey in present else ()


def _check_step(settings: Settings, position: int, budget: Budget, present: Mapping[str, Sequence[str] | None]) -> None:
    steps = None if budget.journey is None else present.get(budget.journey)
    if budget.step is not None and steps is not None and budget.step not in steps:
        raise _wrong(
            settings, position, "step",
            f"The budget '{budget.code}' is of a step '{budget.step}' that the journey '{budget.journey}' has not",
            nearest(budget.step, steps, valid_are="Steps"),
        )  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""``@formula`` and the registry it fills: metadata only, the function stays a plain function."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from lichen.errors import MethodError
from lichen.plugins import load_all
from lichen.units import Tag

Number = TypeVar("Number", float, npt.NDArray[np.float64])
"""What formulas take and return: a float or an array, never a mixture of units."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Formula:
    """A registered formula.

    Attributes:
        formula_id: name and version, e.g. ``energy.from_power/1``.
        arguments: tag of each argument, in order; result: tag of the result.
        sources: where the formula comes from (standard clause, DOI).
        expression: the body as printed by ``lichen explain``.
    """

    formula_id: str
    function: Callable[..., Any]
    arguments: Mapping[str, Tag]
    result: Tag
    sources: tuple[str, ...]
    summary: str

    @property
    def expression(self) -> str:
        """The body's return statement, as written; MethodError when there is none to be read."""
        try:
            lines = inspect.getsource(self.function).splitlines()
            start = next(i for i, line in enumerate(lines) if line.strip().startswith("return "))
        except (OSError, TypeError, StopIteration) as error:
            raise MethodError(
                f"The formula {self.formula_id} shows no return statement.",
                repair="Write it as a plain function in a .py file, with one return statement.",
                culprit=self.formula_id,
            ) from error
        return " ".join(line.strip() for line in lines[start:]).removeprefix("return ")


_formulas: Final[dict[str, Formula]] = {}


def _tag(annotation: Any, where: str) -> Tag:
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, Tag):
            return extra
    raise TypeError(f"{where} needs Annotated[Number, Tag(unit, boundary)]")


def formula(name: str, *, version: int, sources: tuple[str, ...]) -> Callable[[F], F]:
    """Registers a function as formula ``name/version``.

    Args:
        name: dotted name, e.g. ``energy.from_power``.
        version: a changed body is a new version; the old one stays.
        sources: standard clauses, DOIs; at least one.

    Raises:
        TypeError: an argument or the result has no `Tag`, or there is no source.
    """

    def register(function: F) -> F:
        formula_id = f"{name}/{version}"
        if not sources:
            raise TypeError(f"formula {formula_id} needs a source")
        if formula_id in _formulas and _formulas[formula_id].function.__module__ != function.__module__:
            raise TypeError(f"formula {formula_id} is registered twice")
        hints = typing.get_type_hints(function, include_extras=True)
        result = _tag(hints.pop("return"), f"{formula_id}: the result")
        arguments = {arg: _tag(hint, f"{formula_id}: argument {arg}") for arg, hint in hints.items()}
        summary = (function.__doc__ or "").strip().partition("\n")[0]
        _formulas[formula_id] = Formula(formula_id, function, arguments, result, sources, summary)
        return function

    return register


def formulas() -> Mapping[str, Formula]:
    """All formulas by id: the built-in modules and those of plug-ins (group ``lichen.formulas``)."""
    load_all("lichen.formulas")
    return dict(_formulas)


def get(formula_id: str) -> Formula:
    """The formula with this id; MethodError lists the family's when there is none."""
    if formula_id not in _formulas:
        load_all("lichen.formulas")
    found = _formulas.get(formula_id)
    if found is None:
        family = [known for known in _formulas if known.split(".")[0] == formula_id.split(".", maxsplit=1)[0]]
        raise MethodError(
            f"There is no formula '{formula_id}'.",
            repair=f"Known: {', '.join(sorted(family or _formulas))}.",
            culprit=formula_id,
        )
    return found

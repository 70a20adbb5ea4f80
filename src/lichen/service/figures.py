# SPDX-License-Identifier: Apache-2.0
"""`lichen.evaluate`: the model for a notebook, on rows, data frames and arrays.

::

    figures = lichen.evaluate(frame, "lichen-1", context={"device": "laptop"})
    pandas.DataFrame(figures.totals(by="application"))
    figures.sensitivity("gwp100")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from lichen.config import load_settings
from lichen.errors import UsageError
from lichen.model.columns import activities_of, as_columns
from lichen.model.results import Evaluation
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

_PLACES: Final[Mapping[str, Callable[[str], str]]] = {
    "entity": lambda entity: entity,
    "application": lambda entity: entity.partition("/")[0],
    "all": lambda _entity: "",
}

By = str | Callable[[str], str | None]
"""``"entity"``, ``"application"`` (the first segment of the entity), ``"all"``, or a function from entity to place."""


def evaluate(
    activities: Any,
    method: str = "lichen-1",
    *,
    context: Mapping[str, Any] | None = None,
    on: date | None = None,
    config: Path | str | None = None,
) -> Figures:
    """Applies a method to activities.

    Args:
        activities: a list of rows as `lichen evaluate` reads them, or columns ``entity``, ``quantity``, ``value`` [canonical
            unit, or that of a column ``unit``] with any attributes: a mapping of arrays of shape (rows,), a data frame of
            pandas or Polars, an Arrow table.
        method: id of the method; ``lichen methods`` lists them.
        context: facts that hold for all activities, e.g. ``{"parts": 1}``.
        on: day whose factors are used for rows without ``started_at``; None: the latest.
        config: a ``lichen.toml`` with factors and methods of your own; None: the built-in ones.

    Returns:
        Figures by entity, application or a function of yours.

    Raises:
        LichenError: one sentence with culprit and repair for an unknown method, quantity or attribute, a wrong unit, a negative
            amount or NaN.

    >>> figures = evaluate([{"entity": "shop/browser", "quantity": "screen_time", "value": 60.0, "zone": "FR"}])
    >>> [row for row in figures.totals(by="application")["indicator"]][:2]
    ['energy', 'gwp100']
    """
    workspace = Workspace(load_settings(None if config is None else Path(config)))
    if on is not None and (isinstance(on, datetime) or not isinstance(on, date)):
        raise UsageError(
            f"on is {on!r}, not a day.", repair="Give a datetime.date, such as date(2026, 1, 31).", culprit="on"
        )
    document = {
        "activities": activities if isinstance(activities, list) else [],
        "context": {} if context is None else context,
    }
    rows, facts = parse_document(workspace, document)
    if not isinstance(activities, list):
        rows = activities_of(as_columns(activities), workspace.nomenclature)
    return Figures(evaluate_activities(workspace, workspace.method(method), rows, facts, on=on))


class Figures:
    """What a method gives for activities. Tables are mappings of columns, which every data frame takes.

    Args:
        evaluation: of the engine.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation

    def totals(self, by: By = "entity") -> dict[str, list[Any]]:
        """Sums by place, indicator, phase and accounting.

        Args:
            by: where figures are booked.

        Returns:
            Columns ``entity``, ``indicator``, ``phase``, ``accounting``, ``value``, ``low`` and ``high`` (5 and 95 %), ``unit``.
        """
        rows = [total.to_json() for total in self.evaluation.totals(_place(by))]
        return _table(rows, ("entity", "indicator", "phase", "accounting", "value", "low", "high", "unit"))

    def impacts(self) -> dict[str, list[Any]]:
        """Every single figure: columns as `totals`, with the formulas and the ids of the factors it comes from."""
        rows = [
            {**impact.to_json(), "factors": ", ".join(factor.key for factor in impact.factors)}
            for impact in self.evaluation.impacts
        ]
        names = ("entity", "indicator", "phase", "accounting", "value", "low", "high", "unit", "formula", "factors")
        return _table(rows, names)

    def not_covered(self) -> dict[str, list[Any]]:
        """Quantities without a figure, and why."""
        return _table([row.to_json() for row in self.evaluation.not_covered], ("entity", "quantity", "reason"))

    def sensitivity(self, indicator: str = "gwp100", by: By = "all") -> dict[str, list[Any]]:
        """Which factors the range of a total comes from.

        Returns:
            Columns ``entity``, ``factor``, ``share`` of the spread (1 is all of it), ``low``, ``value``, ``high`` and ``unit``
            of the factor, the largest share first.
        """
        rows = [
            {"entity": place, "factor": factor.key, "share": share, "low": factor.low, "value": factor.value,
             "high": factor.high, "unit": factor.unit}
            for place, found in self.evaluation.sensitivity(indicator, _place(by)).items()
            for factor, share in found
        ]  # fmt: skip
        return _table(rows, ("entity", "factor", "share", "low", "value", "high", "unit"))

    def grades(self) -> dict[str, list[Any]]:
        """Letters, for a method that grades."""
        return _table(self.evaluation.grades(), ("entity", "indicator", "value", "grade"))


def _place(by: By) -> Callable[[str], str | None]:
    if callable(by):
        return by
    if by not in _PLACES:
        raise UsageError(
            f"Figures cannot be booked by '{by}'.", repair=f"Use {', '.join(_PLACES)} or a function.", culprit=str(by)
        )
    return _PLACES[by]


def _table(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    listed = list(rows)
    return {name: [row[name] for row in listed] for name in names}

# SPDX-License-Identifier: Apache-2.0
"""The engine: a method applied to activities, the one computing path of every figure that Lichen prints.

Activities under one rule are computed together, as arrays. Each formula chain runs three times on the same code: on central
factor values (the figure), on shared draws of the factors (its model range), and on the repetitions of a measurement (its
repeatability). The two intervals are never merged.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from lichen.errors import FactorNotFound, MethodError
from lichen.model.activities import Group
from lichen.model.batch import Batch
from lichen.model.case import Catalogue, Lookup, Setting
from lichen.model.chain import Work
from lichen.model.method import Grading, Method
from lichen.model.planning import Planner, known_quantities
from lichen.model.reasons import METHOD, Reason
from lichen.model.results import Evaluation
from lichen.nomenclature import Nomenclature
from lichen.records import NotCovered

_BY_DESIGN: Final = frozenset({METHOD, "superseded"})
"""Reasons that are no gap: the method leaves the quantity out on purpose, or a meter stands for it."""


def evaluate(
    method: Method,
    groups: Sequence[Group],
    *,
    lookup: Lookup,
    factors_hash: str,
    context: Mapping[str, Any],
    nomenclature: Nomenclature,
    catalogue: Catalogue | None = None,
) -> Evaluation:
    """Applies one method.

    Args:
        groups: activities summed by entity and attributes (`lichen.model.activities.group`).
        lookup: finds a factor by id, the activity's attributes and its time.
        factors_hash: hash of all factors that ``lookup`` may return.
        context: facts of the run that rules may bind, e.g. ``parts``.
        catalogue: facts of platforms, for methods that bind them.

    Returns:
        Impacts, totals and what was not covered.

    Raises:
        MethodError: a factor's unit or boundary does not fit the formula it is bound to.
        FactorError: a formula has no finite result.
    """
    planner = Planner(Setting(method, lookup, context, nomenclature, catalogue))
    known = known_quantities(groups)
    order = sorted(range(len(groups)), key=lambda place: _place(groups[place]))
    gathered: dict[Hashable, list[tuple[Work, int]]] = {}
    not_covered: dict[tuple[str, str, str], NotCovered] = {}
    plans = {place: planner.plan(groups[place], known(groups[place])) for place in order}
    # In the order of their names, so that sums do not depend on the order in which activities are given.
    for place in order:
        for work in plans[place].works:
            gathered.setdefault(work.shape, []).append((work, place))
    for place, group in enumerate(groups):
        for quantities, reason in plans[place].left:
            for quantity in quantities:
                row = _not_covered(group.entity, quantity, reason)
                not_covered.setdefault((row.entity, row.quantity, row.reason), row)
    batches = [
        Batch([work for work, _ in rows], [groups[place] for _, place in rows], [place for _, place in rows])
        for rows in gathered.values()
    ]
    return Evaluation(
        method,
        factors_hash,
        batches,
        tuple(not_covered.values()),
        nomenclature,
        bounds={grading.indicator: _bounds(method, grading, lookup) for grading in method.grades},
    )


def _place(group: Group) -> Any:
    return group.entity, str(group.when), sorted((key, str(value)) for key, value in group.attributes.items())


def _not_covered(entity: str, quantity: str, reason: Reason) -> NotCovered:
    return NotCovered(
        entity=entity,
        quantity=quantity,
        reason=str(reason),
        code=reason.code,
        arguments=reason.arguments,
        by_design=reason.code in _BY_DESIGN,
    )


def _bounds(method: Method, grading: Grading, lookup: Lookup) -> np.ndarray:
    """Bounds of a method's letters, one less than there are letters."""
    try:
        factor = lookup(grading.bounds, {}, None)
    except FactorNotFound as error:
        raise MethodError(
            f"Method {method.method_id} grades by the factor '{grading.bounds}', which no pack has.",
            repair="Add the row to a pack.",
            culprit=grading.bounds,
        ) from error
    if len(factor.vector) != len(grading.letters) - 1:
        raise MethodError(
            f"Method {method.method_id} has {len(grading.letters)} letters for {grading.indicator}, and {grading.bounds} "
            f"has {len(factor.vector)} bounds.",
            repair="Give one bound for each letter but the worst, in a factor with a vector.",
            culprit=grading.bounds,
        )
    return np.asarray(factor.vector)

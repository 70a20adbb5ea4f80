# SPDX-License-Identifier: Apache-2.0
"""Activities as the outside world writes them: parsed, converted to canonical units, checked, summed."""

from __future__ import annotations

import difflib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from lichen.errors import ActivityError
from lichen.nomenclature import Nomenclature, Term
from lichen.records import DATA_METHODS, Activity, AttributeValue, DataMethod
from lichen.units import BOUNDARIES, compatible, scale

_ROW_KEYS: Final = {"entity", "quantity", "value", "unit", "samples", "method", "activity_id", "currency", "tags"}
_BROWSER: Final = "browser"
TIERS: Final = ("device", "network", "server")


def _fail(where: str, problem: str, repair: str) -> ActivityError:
    return ActivityError(f"{where}: {problem}.", repair=repair, culprit=where)


def _number(value: Any, where: str, what: str, term: Term, factor: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _fail(where, f"{what} is {value!r}, not a number", "Give a number, or null when it is unknown.")
    try:
        number = float(value)
    except OverflowError as error:
        raise _fail(where, f"{what} is too large", "Give a finite number.") from error
    if not math.isfinite(number):
        raise _fail(where, f"{what} is {number}", "Give a finite number, or null when it is unknown.")
    converted = number * factor
    if not math.isfinite(converted):
        raise _fail(where, f"{what} is too large in {term.unit}", "Give a finite number.")
    if term.minimum is not None and converted < term.minimum:
        raise _fail(
            where,
            f"{what} of {term.name} is {number:g}, below {term.minimum:g}",
            "Counters and amounts are not negative.",
        )
    if term.maximum is not None and converted > term.maximum:
        raise _fail(where, f"{what} of {term.name} is {number:g}, above {term.maximum:g}", f"The unit is {term.unit}.")
    return converted


def _attributes(row: Mapping[str, Any], where: str, nomenclature: Nomenclature) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {}
    valid = set(nomenclature.names("attribute"))
    for key, value in row.items():
        if key in _ROW_KEYS:
            continue
        if key not in valid:
            close = difflib.get_close_matches(key, valid | _ROW_KEYS, n=1)
            hint = f"Did you mean '{close[0]}'?" if close else f"Attributes: {', '.join(sorted(valid))}."
            raise _fail(where, f"unknown attribute '{key}'", hint)
        if value is None:
            continue
        term = nomenclature["attribute", key]
        if term.unit == "text":
            if not isinstance(value, str | bool):
                raise _fail(where, f"{key} is {value!r}, not a word", f"{term.description_en}.")
            attributes[key] = value
        else:
            attributes[key] = _number(value, where, key, term, 1.0)
    _choices(attributes, where)
    return attributes


def _choices(attributes: Mapping[str, AttributeValue], where: str) -> None:
    for key, valid in (("tier", TIERS), ("boundary", BOUNDARIES), ("basis", ("per_unit", "total"))):
        value = attributes.get(key)
        if value is not None and value not in valid:
            raise _fail(where, f"{key} is '{value}'", f"Use {', '.join(valid)}.")


def parse_activity(row: Any, position: int, nomenclature: Nomenclature) -> Activity:
    """One row of the public contract.

    Args:
        row: object with ``entity``, ``quantity``, ``value`` and optional ``unit``, ``samples`` and attributes.
        position: its place in the list, from 0, for messages.

    Raises:
        ActivityError: one sentence with the culprit and the repair.
    """
    where = f"activity {position + 1}"
    if not isinstance(row, Mapping):
        raise _fail(where, "is not an object", 'Write {"entity": ..., "quantity": ..., "value": ...}.')
    for key in ("entity", "quantity", "value"):
        if key not in row:
            raise _fail(where, f"has no '{key}'", "entity, quantity and value are required.")
    entity = row["entity"]
    if not isinstance(entity, str) or not entity.strip():
        raise _fail(where, f"entity is {entity!r}", "Give a path such as 'shop/browser'.")
    where = f"activity {position + 1} ({entity})"
    if not isinstance(row["quantity"], str):
        raise _fail(where, f"quantity is {row['quantity']!r}", "Give a name of the nomenclature.")
    try:
        term = nomenclature.quantity(row["quantity"])
    except ActivityError as error:
        raise ActivityError(f"{where}: {error.problem}", repair=error.repair, culprit=error.culprit) from None
    unit = row.get("unit")
    factor = 1.0 if unit is None or term.unit == "currency" else scale(str(unit), term.unit)
    if factor is None:
        raise _fail(
            where,
            f"{term.name} cannot be given in '{unit}'",
            f"Units for {term.name}: {', '.join(compatible(term.unit))}.",
        )
    method = row.get("method", "measured")
    if method not in DATA_METHODS:
        raise _fail(where, f"method is '{method}'", f"Use {', '.join(DATA_METHODS)}.")
    attributes = _attributes({k: v for k, v in row.items() if k != "method"}, where, nomenclature)
    if "tier" not in attributes and _BROWSER in entity.split("/"):
        attributes["tier"] = "device"
    if term.boundary == "required" and "boundary" not in attributes:
        raise _fail(where, f"{term.name} needs a boundary", f"Add boundary: one of {', '.join(BOUNDARIES)}.")
    samples = row.get("samples", ())
    if not isinstance(samples, Sequence) or isinstance(samples, str):
        raise _fail(where, "samples is not a list", "Give one number per repetition.")
    return Activity(
        entity=entity,
        quantity=term.name,
        value=_number(row["value"], where, "value", term, factor),
        unit=term.unit,
        samples=tuple(_number(v, where, f"sample {i + 1}", term, factor) for i, v in enumerate(samples)),
        method=cast("DataMethod", method),
        attributes=attributes,
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Activities of one entity that share all attributes: what the rules of a method look at together."""

    entity: str
    attributes: Mapping[str, AttributeValue]
    quantities: Mapping[str, Activity]


def _merge(rows: Sequence[Activity], term: Term) -> Activity:
    if len(rows) == 1:
        return rows[0]
    first = rows[0]
    if not term.additive:
        raise ActivityError(
            f"{first.entity} has {len(rows)} rows of {term.name}, which cannot be added.",
            repair="Give one row, or different entities.",
            culprit=first.entity,
        )
    values = [row.value for row in rows]
    known = [v for v in values if v is not None]
    lengths = {len(row.samples) for row in rows}
    samples: tuple[float | None, ...] = ()
    if len(lengths) == 1:
        columns = zip(*(row.samples for row in rows), strict=True)
        samples = tuple(None if None in column else math.fsum(cast("tuple[float, ...]", column)) for column in columns)
    worst = max((row.method for row in rows), key=DATA_METHODS.index)
    return replace(first, value=math.fsum(known) if len(known) == len(values) else None, samples=samples, method=worst)


# When and how long a row was taken does not change what it costs: rows that differ in these alone are summed.
_BOOKKEEPING: Final = ("started_at", "ended_at", "functional_unit", "basis")


def group(activities: Iterable[Activity], nomenclature: Nomenclature) -> list[Group]:
    """Sums rows of one entity, quantity and set of attributes; groups them by entity and attributes.

    Unknown propagates: a sum with an unknown term is unknown.
    """
    cells: dict[tuple[str, tuple[tuple[str, AttributeValue], ...]], dict[str, list[Activity]]] = {}
    for activity in activities:
        shared = tuple(sorted((k, v) for k, v in activity.attributes.items() if k not in _BOOKKEEPING))
        cells.setdefault((activity.entity, shared), defaultdict(list))[activity.quantity].append(activity)
    return [
        Group(entity, dict(shared), {q: _merge(rows, nomenclature.quantity(q)) for q, rows in by_quantity.items()})
        for (entity, shared), by_quantity in cells.items()
    ]

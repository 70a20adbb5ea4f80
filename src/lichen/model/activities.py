# SPDX-License-Identifier: Apache-2.0
"""Activities as the outside world writes them: parsed, converted to canonical units, checked, summed."""

from __future__ import annotations

import difflib
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final, cast

from lichen.errors import ActivityError
from lichen.model.boundaries import OF_TIER
from lichen.nomenclature import Nomenclature, Term
from lichen.records import DATA_METHODS, Activity, AttributeValue, DataMethod, writable
from lichen.units import BOUNDARIES, compatible, scale

_ROW_KEYS: Final = frozenset(
    {"entity", "quantity", "value", "unit", "samples", "method", "activity_id", "currency", "tags"}
)
_BROWSER: Final = "browser"
_FLAG: Final = "green_hosting"
_YES_NO: Final = {"true": "yes", "yes": "yes", "false": "no", "no": "no"}
"""How a flag may be written; a table's true and false are read as words."""
_INSTANTS: Final = ("started_at", "ended_at")
_CURRENCY_CODE: Final = re.compile(r"[A-Z]{3}")
TIERS: Final = tuple(OF_TIER)
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "tier": TIERS, "boundary": BOUNDARIES, "basis": ("per_unit", "total"), _FLAG: ("yes", "no"),
}  # fmt: skip
"""Attributes of which only some words are known."""
_MONEY: Final = "currency"
_LARGEST: Final = math.sqrt(sys.float_info.max)
"""Largest amount, so that its products with factors and their sums stay finite; nothing physical comes near."""


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
    if abs(converted) > _LARGEST:
        raise _fail(where, f"{what} is too large in {term.unit}", "Check the number and its unit.")
    named = what if what == term.name else f"{what} of {term.name}"
    if term.minimum is not None and converted < term.minimum:
        repair = f"Give {term.minimum:g} or more." if term.minimum else "Counters and amounts are not negative."
        raise _fail(where, f"{named} is {number:g}, below {term.minimum:g}", repair)
    if term.maximum is not None and converted > term.maximum:
        share = (term.unit, term.minimum, term.maximum) == ("1", 0, 1)
        repair = "It is a share: write 0.5 for 50 %." if share else f"The unit is {term.unit}."
        raise _fail(where, f"{named} is {number:g}, above {term.maximum:g}", repair)
    return converted + 0.0  # no negative zero


def _check_text(text: str, where: str, what: str) -> None:
    """Words go into results and files; JSON can escape what no text file can hold."""
    if writable(text) != text:
        raise _fail(
            writable(where),
            f"{what} is '{writable(text)}', with half of a surrogate pair",
            "Write the character in UTF-8, or as both of its halves.",
        )


def attributes_of(
    row: Mapping[str, Any], where: str, nomenclature: Nomenclature, ignore: frozenset[str] = frozenset()
) -> dict[str, AttributeValue]:
    """Attributes of a row, numbers checked; those that are null are left out.

    Args:
        where: what messages name.
        ignore: keys of the row that are no attributes.

    Raises:
        ActivityError: an unknown attribute (with the nearest name), or a value that does not fit it.
    """
    attributes: dict[str, AttributeValue] = {}
    valid = nomenclature.names("attribute")
    for key, said in row.items():
        if key in ignore:
            continue
        value = said.isoformat() if key in _INSTANTS and isinstance(said, datetime) else said  # as tables hold it
        if ("attribute", key) not in nomenclature:
            close = difflib.get_close_matches(str(key), {*valid, *ignore}, n=1)
            hint = f"Did you mean '{close[0]}'?" if close else f"Attributes: {', '.join(sorted(valid))}."
            raise _fail(where, f"unknown attribute '{key}'", hint)
        if value is None:
            continue
        term = nomenclature["attribute", key]
        if term.unit == "text":
            if not isinstance(value, str | bool) or (isinstance(value, bool) and key != _FLAG):
                raise _fail(where, f"{key} is {value!r}, not a word", f"{term.description_en}.")
            _check_text(str(value), where, key)
            attributes[key] = _YES_NO.get(str(value).lower(), value) if key == _FLAG else value
        else:
            attributes[key] = _number(value, where, key, term, 1.0)
    _choices(attributes, where)
    _window(attributes, where)
    return attributes


def parse_instant(value: Any, where: str, key: str) -> datetime:
    """A moment as ISO 8601 writes it, in UTC.

    Raises:
        ActivityError: it is malformed, or names no time zone.
    """
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        what = "not a date with a time" if moment is None else "without a time zone"
        raise _fail(where, f"{key} is {value!r}, {what}", "Write it as 2026-01-31T12:00:00Z.")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise _fail(where, f"{key} is {value!r}, out of range", "Give a year between 1 and 9999.") from error


def _window(attributes: Mapping[str, AttributeValue], where: str) -> None:
    moments = [parse_instant(attributes[key], where, key) for key in _INSTANTS if key in attributes]
    if len(moments) == len(_INSTANTS) and moments[0] > moments[1]:
        raise _fail(where, "ended_at lies before started_at", "Exchange the two.")


def _currency(row: Mapping[str, Any], where: str, term: Term) -> str | None:
    """ISO 4217 code of an amount of money, given as ``currency`` or as ``unit``; None for any other quantity."""
    stated = row.get("currency")
    if term.unit != _MONEY:
        if stated is not None:
            raise _fail(where, f"{term.name} has a currency", "Only amounts of money have one: remove it.")
        return None
    unit = row.get("unit")
    said = [code for code in (stated, None if unit == _MONEY else unit) if code is not None]
    if not said:
        raise _fail(where, f"{term.name} needs a currency", "Add currency: an ISO 4217 code such as EUR.")
    code = said[0]
    if code != said[-1]:
        raise _fail(where, f"{term.name} is in {stated!r} and in {unit!r}", "Give one currency.")
    if not isinstance(code, str) or not _CURRENCY_CODE.fullmatch(code):
        raise _fail(where, f"currency is {code!r}", "Give an ISO 4217 code such as EUR.")
    return code


def _tier_of(entity: str) -> str | None:
    """The tier that an entity's name implies: the part of a path is its second segment."""
    segments = entity.split("/")
    return "device" if segments[min(1, len(segments) - 1)] == _BROWSER else None


def _choices(attributes: Mapping[str, AttributeValue], where: str) -> None:
    for key, valid in _CHOICES.items():
        value = attributes.get(key)
        if value is not None and value not in valid:
            raise _fail(where, f"{key} is '{value}'", f"Use {', '.join(valid)}.")
    tier, boundary = attributes.get("tier"), attributes.get("boundary")
    if tier is not None and boundary is not None and boundary not in OF_TIER[str(tier)]:
        raise _fail(
            where,
            f"the tier '{tier}' has no energy at the boundary '{boundary}'",
            f"Boundaries of a {tier}: {', '.join(OF_TIER[str(tier)])}.",
        )


def parse_context(context: Any, nomenclature: Nomenclature) -> dict[str, Any]:
    """Facts that hold for all activities: attributes of the nomenclature, checked as those of a row.

    Raises:
        ActivityError: an unknown name, or a value that does not fit it.
    """
    if not isinstance(context, Mapping):
        raise ActivityError(
            f"The context is {context!r}, not an object.", repair='Write "context": {"parts": 1}.', culprit="context"
        )
    attributes_of(context, "context", nomenclature)
    return dict(context)


def _term(quantity: Any, where: str, nomenclature: Nomenclature) -> Term:
    if not isinstance(quantity, str):
        raise _fail(where, f"quantity is {quantity!r}", "Give a name of the nomenclature.")
    try:
        return nomenclature.quantity(quantity)
    except ActivityError as error:
        raise ActivityError(f"{where}: {error.problem}", repair=error.repair, culprit=error.culprit) from None


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
    _check_text(entity, where, "entity")
    where = f"activity {position + 1} ({entity})"
    term = _term(row["quantity"], where, nomenclature)
    unit = row.get("unit")
    factor = 1.0 if unit is None or term.unit == _MONEY else scale(str(unit), term.unit)
    if factor is None:
        raise _fail(
            where,
            f"{term.name} cannot be given in '{unit}'",
            f"Units for {term.name}: {', '.join(compatible(term.unit))}.",
        )
    method = row.get("method", "measured")
    if method not in DATA_METHODS:
        raise _fail(where, f"method is '{method}'", f"Use {', '.join(DATA_METHODS)}.")
    attributes = attributes_of(row, where, nomenclature, _ROW_KEYS)
    if "tier" not in attributes and (tier := _tier_of(entity)):
        attributes["tier"] = tier
        _choices(attributes, where)
    if currency := _currency(row, where, term):
        attributes["currency"] = currency
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
class When:
    """When activities happened, as closely as factors are wanted.

    Attributes:
        day: day (UTC) on which their windows started, which decides the vintage of factors.
        start, end: the window itself, where factors differ by the hour; None where the day is enough.
    """

    day: date
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Activities of one entity that share all attributes: what the rules of a method look at together.

    Attributes:
        when: None when the rows do not say.
    """

    entity: str
    attributes: Mapping[str, AttributeValue]
    quantities: Mapping[str, Activity]
    when: When | None = None

    @property
    def day(self) -> date | None:
        """Day on which the windows started."""
        return None if self.when is None else self.when.day


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


# The day of the start is kept apart: it decides the vintage of factors. Basis and functional unit are one per entity.
_BOOKKEEPING: Final = frozenset({*_INSTANTS, "functional_unit", "basis"})


def _check_basis(activities: Sequence[Activity]) -> None:
    """An amount per visit and an amount of a month are never added, nor are amounts per different units."""
    said: dict[str, tuple[AttributeValue, AttributeValue]] = {}
    for activity in activities:
        basis = activity.attribute("basis"), activity.attribute("functional_unit")
        other = said.setdefault(activity.entity, basis)
        if other != basis:
            raise ActivityError(
                f"{activity.entity} has rows of {_basis_words(other)} and of {_basis_words(basis)}, which cannot be added.",
                repair="Give all rows of an entity one basis and one functional unit, or evaluate them apart.",
                culprit=activity.entity,
            )


def _basis_words(basis: tuple[AttributeValue, AttributeValue]) -> str:
    kind, unit = basis
    return (f"basis '{kind}'" if kind else "no basis") + (f" for the functional unit '{unit}'" if unit else "")


def _check_meters(activities: Sequence[Activity]) -> None:
    """A meter without a tier of its own has to fit the tiers of its entity's other rows."""
    tiers: dict[str, set[str]] = defaultdict(set)
    for activity in activities:
        if tier := activity.attribute("tier"):
            tiers[activity.entity].add(str(tier))
    for activity in activities:
        boundary, known = activity.attribute("boundary"), sorted(tiers.get(activity.entity, ()))
        if boundary is not None and known and not any(boundary in OF_TIER[tier] for tier in known):
            raise ActivityError(
                f"{activity.entity} has {activity.quantity} at the boundary '{boundary}', which its tier '{known[0]}' has not.",
                repair=f"Boundaries of a {known[0]}: {', '.join(OF_TIER[known[0]])}.",
                culprit=activity.entity,
            )


def _when(activity: Activity, by_hour: bool) -> When | None:
    started_at, ended_at = activity.attribute("started_at"), activity.attribute("ended_at")
    if started_at is None:
        return None
    start = parse_instant(started_at, activity.entity, "started_at")
    if not by_hour:
        return When(start.date())
    return When(
        start.date(), start, start if ended_at is None else parse_instant(ended_at, activity.entity, "ended_at")
    )


def group(activities: Iterable[Activity], nomenclature: Nomenclature, *, by_hour: bool = False) -> list[Group]:
    """Sums rows of one entity, quantity, day and set of attributes; groups them by entity, day and attributes.

    Unknown propagates: a sum with an unknown term is unknown. Amounts in different currencies stay apart.

    Args:
        by_hour: whether different windows of one day stay apart, because factors differ by the hour.

    Raises:
        ActivityError: an entity mixes bases or functional units, a meter does not fit the entity's tier, or rows of a quantity
            that is not additive would have to be added.
    """
    rows = list(activities)
    _check_basis(rows)
    _check_meters(rows)
    cells: dict[tuple[str, When | None, tuple[tuple[str, AttributeValue], ...]], dict[str, list[Activity]]] = {}
    for activity in rows:
        shared = tuple(sorted((k, v) for k, v in activity.attributes.items() if k not in _BOOKKEEPING))
        cell = cells.setdefault((activity.entity, _when(activity, by_hour), shared), defaultdict(list))
        cell[activity.quantity].append(activity)
    return [
        Group(
            entity, dict(shared), {q: _merge(same, nomenclature.quantity(q)) for q, same in by_quantity.items()}, when
        )
        for (entity, when, shared), by_quantity in cells.items()
    ]

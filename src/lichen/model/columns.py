# SPDX-License-Identifier: Apache-2.0
"""Activities as columns: a data frame, an Arrow table or a mapping of arrays, summed before anything is computed.

Millions of rows become one row for each entity, quantity and set of attributes: what the rules of a method look at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from lichen.errors import ActivityError
from lichen.model.activities import parse_activity
from lichen.nomenclature import Nomenclature
from lichen.records import Activity

_NEEDED: Final = ("entity", "quantity", "value")
_NO_COLUMNS: Final = frozenset({"samples", "tags", "activity_id"})

Columns = Mapping[str, Any]
"""Name -> values, all of one length; a data frame and an Arrow table are turned into one by `as_columns`."""


def as_columns(table: Any) -> Columns:
    """The columns of a table.

    Args:
        table: a mapping of sequences, a data frame of pandas or Polars, or an Arrow table.

    Raises:
        ActivityError: it is none of them, lacks a column, or its columns differ in length.
    """
    names = getattr(table, "column_names", None)
    if names is None:
        names = table.keys() if isinstance(table, Mapping) else getattr(table, "columns", None)
    if names is None:
        raise ActivityError(
            f"Activities are a {type(table).__name__}.",
            repair="Give a list of rows, a mapping of columns, a data frame or an Arrow table.",
            culprit="activities",
        )
    columns = {str(name): table[name] for name in names}
    for name in _NEEDED:
        if name not in columns:
            raise ActivityError(
                f"The activities have no column '{name}'.",
                repair="entity, quantity and value are required.",
                culprit=name,
            )
    for name in sorted(_NO_COLUMNS & columns.keys()):
        raise ActivityError(
            f"Columns of activities have no '{name}'.", repair="Give rows to use it: a list of objects.", culprit=name
        )
    for name, values in columns.items():
        _check_column(name, values)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ActivityError(
            f"The columns differ in length: {', '.join(f'{name} {length}' for name, length in lengths.items())}.",
            repair="Give every column one value for each row.",
            culprit="activities",
        )
    return columns


def _check_column(name: str, values: Any) -> None:
    """A word is no column of letters, and a table within a table is none either."""
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        what = f"is {values!r}, not one value for each row"
    elif getattr(values, "ndim", 1) != 1:
        what = f"has {values.ndim} dimensions"
    else:
        return
    raise ActivityError(
        f"The column '{name}' {what}.", repair=f"Give every row its {name}, in one list or array.", culprit=name
    )


def activities_of(columns: Columns, nomenclature: Nomenclature) -> list[Activity]:
    """The rows of a table, summed where they agree in everything but the value.

    Args:
        columns: ``entity``, ``quantity``, ``value`` and any of ``unit``, ``method``, ``currency`` and the attributes. A missing
            word or attribute (None) does not apply; a missing value in a column of objects, of Arrow or of a masked array is
            unknown, and so is its sum.

    Returns:
        One activity for each combination, in the order of first appearance. Sums are exactly rounded, so that they do not
        depend on the order of the rows.

    Raises:
        ActivityError: as `lichen.model.activities.parse_activity`, for the first row that is wrong.
    """
    values, unknown = _numbers(columns["value"])
    keys = {name: _codes(column) for name, column in columns.items() if name != "value"}
    cell, count = _cells([codes for codes, _ in keys.values()], [len(words) for _, words in keys.values()], len(values))
    # Short integers are sorted by their digits, several times as fast.
    order = np.argsort(cell.astype(np.uint16) if count <= np.iinfo(np.uint16).max else cell, kind="stable")
    starts = np.searchsorted(cell[order], np.arange(count))
    first = order[starts]

    def row(position: int) -> dict[str, Any]:
        said = {name: words[int(codes[position])] for name, (codes, words) in keys.items()}
        value = None if unknown[position] else float(values[position])
        return {**{name: word for name, word in said.items() if word is not None}, "value": value}

    # A negative amount would vanish in a sum, a figure that is none would spoil it: each row is judged, not the sums.
    suspect = ~np.isfinite(values) | (values < 0) & _bounded(*keys["quantity"], nomenclature)
    for position in np.flatnonzero(suspect & ~unknown).tolist():
        parse_activity(row(position), position, nomenclature)
    found: list[tuple[int, Activity]] = []
    ends = np.append(starts[1:], len(values))[:count]
    ordered, lacking = values[order], unknown[order]
    for place, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        position = int(first[place])
        one = row(position)
        if end - start > 1 and not nomenclature.quantity(str(one["quantity"])).additive:
            raise ActivityError(
                f"{one['entity']} has {end - start} rows of {one['quantity']}, which cannot be added.",
                repair="Give one row, or different entities.",
                culprit=str(one["entity"]),
            )
        one["value"] = None if lacking[start:end].any() else math.fsum(ordered[start:end].tolist())
        found.append((position, parse_activity(one, position, nomenclature)))
    return [activity for _, activity in sorted(found, key=lambda pair: pair[0])]


def _bounded(codes: np.ndarray, words: Sequence[Any], nomenclature: Nomenclature) -> np.ndarray:
    """Which rows are of a quantity that cannot be negative; one that nobody knows is refused later."""
    terms = [nomenclature.get(("quantity", str(word))) for word in words]
    bounded = np.array([term is None or term.minimum is not None for term in terms], dtype=bool)
    return np.asarray(bounded[codes])


def _numbers(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Figures, and which of them are missing: a column of floats cannot tell a missing figure from NaN."""
    nulls = getattr(column, "null_count", 0)
    if isinstance(column, np.ma.MaskedArray) or (nulls() if callable(nulls) else nulls):
        column = _listed(column)
    if isinstance(column, list | tuple) and not {type(value) for value in column} <= {int, float}:
        listed = np.empty(len(column), dtype=object)
        listed[:] = column
    else:
        listed = np.asarray(column)
    missing = np.zeros(len(listed), dtype=bool)
    if listed.dtype == object:
        missing = np.fromiter((value is None for value in listed), dtype=bool, count=len(listed))
        listed = np.where(missing, 0.0, listed)
    wrong: Any = listed.dtype
    if listed.dtype.kind in "fiu" or (listed.dtype == object and (wrong := next(_unfit(listed), None)) is None):
        return listed.astype(float), missing
    raise ActivityError(
        f"The column 'value' holds {wrong!r}, not a number.", repair="Give numbers, None when unknown.", culprit="value"
    )


def _listed(column: Any) -> Any:
    """A column as plain values, by the name that Arrow, Polars, or pandas and NumPy have for it."""
    for name in ("to_pylist", "to_list", "tolist"):
        if callable(getattr(column, name, None)):
            return getattr(column, name)()
    return column


def _unfit(values: np.ndarray) -> Iterator[Any]:
    """Values that are no float: words, truth values, integers beyond all floats."""
    for value in values:
        if isinstance(value, bool | str):
            yield value
            continue
        try:
            float(value)
        except (TypeError, ValueError, OverflowError):
            yield value


def _codes(column: Any) -> tuple[np.ndarray, Sequence[Any]]:
    """Each value's place in the list of distinct ones; a column that is coded already stays so."""
    categories = getattr(getattr(column, "cat", None), "categories", None)
    if categories is not None:  # pandas: -1 is missing
        return np.asarray(column.cat.codes, dtype=np.int64) % (len(categories) + 1), [*categories, None]
    if callable(getattr(column, "combine_chunks", None)):
        column = column.combine_chunks()
    dictionary = getattr(column, "dictionary", None)
    if dictionary is not None and column.null_count == 0:  # Arrow
        return np.asarray(column.indices, dtype=np.int64), dictionary.to_pylist()
    listed = _listed(column)
    places: dict[Any, int] = {}
    try:
        codes = np.fromiter(
            (places.setdefault(value, len(places)) for value in listed), dtype=np.int64, count=len(listed)
        )
    except TypeError as error:
        raise ActivityError(
            "A column of attributes holds a list or an object.", repair="Give words and numbers.", culprit="activities"
        ) from error
    return codes, [None if _is_missing(value) else value for value in places]


def _is_missing(value: Any) -> bool:
    """pandas writes a missing word as NaN or NA, a missing moment as NaT."""
    return (isinstance(value, float) and math.isnan(value)) or type(value).__name__ in ("NAType", "NaTType")


def _cells(codes: Sequence[np.ndarray], sizes: Sequence[int], rows: int) -> tuple[np.ndarray, int]:
    """The cell of each row, numbered from 0 without gaps, and how many there are."""
    cell, size = np.zeros(rows, dtype=np.int64), 1
    for one, own in zip(codes, sizes, strict=True):
        cell, size = cell * max(own, 1) + one, size * max(own, 1)
        if size > 2 * max(rows, 1):  # counting by cell is cheaper than sorting, but for memory
            distinct, cell = np.unique(cell, return_inverse=True)
            size = len(distinct)
    used = np.flatnonzero(np.bincount(cell, minlength=size)) if rows else np.zeros(0, dtype=np.int64)
    numbered = np.zeros(size, dtype=np.int64)
    numbered[used] = np.arange(len(used))
    return numbered[cell], len(used)

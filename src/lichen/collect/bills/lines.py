# SPDX-License-Identifier: Apache-2.0
"""Reads the columns of a file into the cells of a line, as one Ibis expression that DuckDB and Spark both run.

Both engines must be in UTC. Whatever a format needs of a row is done here and is cheap: what a text means is found later, on
the few texts that differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Final

import ibis
import ibis.expr.datatypes as dt

from lichen.collect.bills.line import CELLS, DECIMAL
from lichen.collect.bills.rule import Columns, Dates, Format, Rule, Source

if TYPE_CHECKING:
    import ibis.expr.types as ir

NULLS: Final = ("", "NULL", "null", "Null", "None", "N/A", "n/a")
"""Texts that stand for nothing. A reader of CSV that takes them for nulls itself is faster."""
UNREADABLE: Final = "unreadable"
"""Column of `checked_lines`: how many of a line's amounts and days are texts that cannot be read; a line without a day counts."""

_AMOUNT: Final = dt.Decimal(*DECIMAL)
_PAIR: Final = dt.Struct({"key": dt.string, "value": dt.string})


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def to_json(value) -> str:  # type: ignore[no-untyped-def, empty-body]
    """The function of this name, which DuckDB and Spark both have."""


@ibis.udf.scalar.builtin(signature=((dt.Array(_PAIR),), dt.Map(dt.string, dt.string)))
def map_from_entries(pairs):  # type: ignore[no-untyped-def]
    """The function of this name, which DuckDB and Spark both have."""


def lines(table: ir.Table, one: Format) -> ir.Table:
    """The lines of a file: the columns of `line.CELLS`, in their order.

    Args:
        table: the file as an engine reads it: all columns of a CSV file as texts.
        one: its format.
    """
    return checked_lines(table, one).drop(UNREADABLE)


def checked_lines(table: ir.Table, one: Format) -> ir.Table:
    """The lines of a file, and how many values of each cannot be read: their sum above zero refuses the file."""
    reader = _Reader(table, one)
    cells = {cell.name: reader.cell(cell.name, cell.kind) for cell in CELLS}
    day = cells["day"]
    cells["period"] = ibis.coalesce(cells["period"], _first_of_month(day))
    cells["effective_cost"] = ibis.coalesce(cells["effective_cost"], cells["billed_cost"])
    return table.select(**cells, **{UNREADABLE: reader.unreadable()})


def unreadable(table: ir.Table, one: Format) -> ir.Table:
    """What of a file cannot be read: ``cell``, ``column`` (names of its columns), ``example`` (of a text; null of a line that has
    none), ``lines``. One row for each cell that has any; a second reading, for the message alone.
    """
    reader = _Reader(table, one)
    for cell in CELLS:
        reader.cell(cell.name, cell.kind)
    rows = [
        table.filter(wrong).aggregate(
            cell=ibis.literal(name),
            column=ibis.literal(", ".join(one.rules[name].named)),
            example=text.max(),
            lines=lambda found: found.count(),
        )
        for name, (wrong, text) in reader.checks.items()
    ]
    return ibis.union(*rows, distinct=False).filter(ibis._.lines > 0) if len(rows) > 1 else rows[0]


def columns_of(schema: Mapping[str, dt.DataType]) -> tuple[str, ...]:
    """Names under which values are found: columns, fields of structures (``usage.amount``) and of lists of them
    (``credits[].amount``)."""
    found: list[str] = []
    for name, kind in schema.items():
        found.append(name)
        if isinstance(kind, dt.Struct):
            found += [f"{name}.{inner}" for inner in columns_of(kind)]
        elif isinstance(kind, dt.Array) and isinstance(kind.value_type, dt.Struct):
            found += [f"{name}[].{inner}" for inner in kind.value_type]
    return tuple(found)


class _Reader:
    """The expressions of one table.

    Attributes:
        checks: by cell that may be unreadable: whether a line's is, and its text.
    """

    def __init__(self, table: ir.Table, one: Format) -> None:
        self._table = table
        self._rules = one.rules
        self._columns = Columns(columns_of(table.schema()))
        self.checks: dict[str, tuple[ir.BooleanValue, ir.StringValue]] = {}

    def cell(self, name: str, kind: str) -> ir.Value:
        """A cell: texts are never null, days and amounts are where they are not told."""
        rule = self._rules.get(name)
        if kind == "amount":
            return ibis.null(_AMOUNT) if rule is None else self._amount(rule)
        if kind == "day":
            return ibis.null("date") if rule is None else self._day(rule)
        return ibis.literal("") if rule is None else self._text(rule)

    def unreadable(self) -> ir.IntegerValue:
        """How many cells of a line cannot be read."""
        return reduce(lambda total, one: total + one, (wrong.cast("int8") for wrong, _ in self.checks.values()))

    def _text(self, rule: Rule) -> ir.StringValue:
        if not rule.given(self._columns):
            return ibis.literal(rule.default or "")
        found = self._chosen(rule, self._text_of, ibis.null("string"))
        if rule.braces:
            found = ibis.ifelse(found.startswith("{"), found, "{" + found + "}")
        if rule.map:
            kept = found if rule.default is None else ibis.literal(rule.default)
            branches = [(_is(found, key), value) for key, value in rule.map.items()]
            found = ibis.cases(*branches, else_=kept)
        return ibis.coalesce(found, rule.default or "")

    def _day(self, rule: Rule) -> ir.DateValue:
        """The first column that has a value; sources of days have no other form."""
        found = []
        for name in rule.named:
            column = self._column(name)
            if column is None:
                continue
            kind = column.type()
            if kind.is_date() or kind.is_timestamp():
                found.append(column.date() if kind.is_timestamp() else column)
                self.checks.setdefault(f"{rule.cell}", (column.isnull(), column.cast("string")))
            else:
                text = _cleaned(column)
                day = _parsed(text, rule.dates)
                found.append(day)
                wrong = day.isnull() if rule.required else day.isnull() & text.notnull()
                self.checks[rule.cell] = wrong, text
        return ibis.coalesce(*found) if found else ibis.null("date")

    def _amount(self, rule: Rule) -> ir.DecimalValue:
        if not rule.given(self._columns):
            return ibis.null(_AMOUNT)
        found = self._chosen(rule, self._amount_of, ibis.null(_AMOUNT))
        for name in rule.named:
            column = self._column(name)
            if column is not None and column.type().is_string():
                text = _cleaned(column)
                wrong = text.notnull() & text.try_cast(_AMOUNT).isnull()
                before = self.checks.get(rule.cell)
                self.checks[rule.cell] = (
                    (wrong, text) if before is None else (before[0] | wrong, ibis.ifelse(wrong, text, before[1]))
                )
        return -found if rule.negate else found

    def _chosen(self, rule: Rule, read: object, nothing: ir.Value) -> ir.Value:
        """The value of the first source whose condition holds."""
        branches: list[tuple[ir.BooleanValue, ir.Value]] = []
        for source in rule.sources:
            if not source.given(self._columns):
                continue
            value = read(source)  # type: ignore[operator]
            if not source.column:
                return ibis.cases(*branches, else_=value) if branches else value
            branches.append((self._holds(source), value))
        return ibis.cases(*branches, else_=nothing) if branches else nothing

    def _holds(self, source: Source) -> ir.BooleanValue:
        text = self._needed(source.column)
        if not source.equals:
            return text.notnull()
        return reduce(lambda one, other: one | other, (_is(text, value) for value in source.equals))

    def _amount_of(self, source: Source) -> ir.DecimalValue:
        if source.const is not None:
            return ibis.literal(source.const).cast(_AMOUNT)
        if source.sum:
            terms = [(self._number(name), factor) for name, factor in source.sum]
            known = [value if factor == "1" else _times(value, factor) for value, factor in terms if value is not None]
            total = reduce(lambda one, other: one + other, (ibis.coalesce(one, _zero()) for one in known))
            unknown = reduce(lambda one, other: one & other, (one.isnull() for one in known))
            return ibis.ifelse(unknown, ibis.null(_AMOUNT), total.cast(_AMOUNT))
        if source.columns:
            found = [value for name in source.columns if (value := self._number(name)) is not None]
            return found[0] if len(found) == 1 else ibis.coalesce(*found)
        return self._text_of(source).try_cast(_AMOUNT)

    def _number(self, name: str) -> ir.DecimalValue | None:
        column = self._column(name)
        if column is None:
            return None
        if column.type().is_string():
            return _cleaned(column).try_cast(_AMOUNT)
        return column.try_cast(_AMOUNT)

    def _text_of(self, source: Source) -> ir.StringValue:
        if source.const is not None:
            return ibis.literal(source.const)
        if source.columns:
            found = [_cleaned(column) for name in source.columns if (column := self._column(name)) is not None]
            return found[0] if len(found) == 1 else ibis.coalesce(*found)
        if source.json:
            column, _, key = source.json.partition(":")
            return self._under(column, key)
        if source.regex[0]:
            return self._needed(source.regex[0]).re_extract(source.regex[1], 1).nullif("")
        if source.object:
            named = {key: name for key, name in source.object.items() if self._columns.actual(name) is not None}
        else:
            named = {self._rest(name, source.prefixes): name for name in self._columns.beginning(source.prefixes)}
        return self._object(named)

    def _object(self, named: Mapping[str, str]) -> ir.StringValue:
        """A JSON object of columns, by key; null where none of them has a value."""
        pieces = []
        for key, name in named.items():
            value = self._needed(name)
            pieces.append(ibis.coalesce("," + _quoted_key(key) + _quoted(value), ""))
        joined = reduce(lambda one, other: one + other, pieces).nullif("")
        return "{" + joined.substr(1) + "}"

    def _under(self, column: str, key: str) -> ir.StringValue:
        """The text under a key of a JSON object, as it is written."""
        pattern = f'"{key}"\\s*:\\s*"?([^",}}]*)'
        return self._needed(column).re_extract(pattern, 1).nullif("")

    @staticmethod
    def _rest(name: str, prefixes: tuple[str, ...]) -> str:
        for prefix in prefixes:
            if name.casefold().startswith(prefix.casefold()):
                return name[len(prefix) :]
        return name

    def _needed(self, name: str) -> ir.StringValue:
        column = self._column(name)
        return ibis.null("string") if column is None else _cleaned(column)

    def _column(self, name: str) -> ir.Value | None:
        actual = self._columns.actual(name)
        if actual is None:
            return None
        if actual in self._table.columns:
            return self._table[actual]
        if "[]." in actual:
            outer, _, inner = actual.partition("[].")
            return self._at(outer).map(lambda item: item[inner]).sums()
        return self._at(actual)

    def _at(self, path: str) -> ir.Value:
        """A column, or a field of a structure."""
        if path in self._table.columns:
            return self._table[path]
        outer, _, inner = path.rpartition(".")
        return self._at(outer)[inner]


def _cleaned(column: ir.Value) -> ir.StringValue:
    """A column as text, null where it holds nothing."""
    kind = column.type()
    if kind.is_string():
        return ibis.ifelse(column.isin(NULLS), ibis.null("string"), column)
    if isinstance(kind, dt.Array) and kind.value_type.is_struct() and {"key", "value"} <= set(kind.value_type.names):
        return "" + to_json(map_from_entries(column.cast(dt.Array(_PAIR))))
    if kind.is_nested() or kind.is_json():
        return "" + to_json(column)
    return column.cast("string")


def _is(text: ir.StringValue, wanted: str) -> ir.BooleanValue:
    return text.startswith(wanted[:-1]) if wanted.endswith("*") else text == wanted


def _zero() -> ir.DecimalValue:
    return ibis.literal(0).cast(_AMOUNT)


def _times(amount: ir.DecimalValue, factor: str) -> ir.DecimalValue:
    """An amount times a factor. Engines have 38 digits for a product: that of 15 decimals with 9 more leaves 14 before the point."""
    if factor == "-1":
        return -amount
    digits = len(factor.partition(".")[2])
    return (amount.cast(dt.Decimal(29, 15)) * ibis.literal(factor).cast(dt.Decimal(9, digits))).cast(_AMOUNT)


def _quoted_key(key: str) -> str:
    plain = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}":'


def _quoted(value: ir.StringValue) -> ir.StringValue:
    """A text as JSON writes it; line breaks, which no tag may have, become spaces."""
    plain = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ").replace("\t", " ")
    return '"' + plain + '"'


def _first_of_month(day: ir.DateValue) -> ir.DateValue:
    return day.truncate("M").cast("date")


def _parsed(text: ir.StringValue, dates: Dates) -> ir.DateValue:
    """The day that a text tells, null where it tells none."""
    if dates == "epoch":
        number = text.try_cast("int64")
        seconds = ibis.ifelse(number > 100_000_000_000, (number / 1000).floor().cast("int64"), number)
        return seconds.as_timestamp("s").date()
    if dates == "month/day/year":
        parts = text.split("/")
        year = parts[2].left(4)
        return (year + "-" + parts[0].lpad(2, "0") + "-" + parts[1].lpad(2, "0")).try_cast("date")
    if dates == "year-month":
        digits = text.replace("-", "")
        return (digits.left(4) + "-" + digits.substr(4, 2) + "-01").try_cast("date")
    return _in_utc(text)


def _in_utc(text: ir.StringValue) -> ir.DateValue:
    """Day of RFC 3339, with a space or without a zone too: what names no zone is UTC."""
    day = text.left(10).try_cast("date")
    sign = ibis.ifelse(text.length() > 16, text.right(6).left(1), "")
    offset = text.right(5).left(2).try_cast("int32") * 60 + text.right(2).try_cast("int32")
    local = text.substr(11, 2).try_cast("int32") * 60 + text.substr(14, 2).try_cast("int32")
    return ibis.cases(
        ((sign == "+") & (local < offset), day - ibis.interval(days=1)),
        ((sign == "-") & (local + offset >= 24 * 60), day + ibis.interval(days=1)),
        else_=day,
    ).cast("date")


__all__ = ["NULLS", "UNREADABLE", "checked_lines", "columns_of", "lines", "unreadable"]

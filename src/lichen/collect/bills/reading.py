# SPDX-License-Identifier: Apache-2.0
"""The expressions that read cells of a line from the columns of a file, after the rules of its format.

They are Ibis expressions that DuckDB and Spark both run; both must be in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, Final

import ibis
import ibis.expr.datatypes as dt

from lichen.collect.bills.line import DECIMAL
from lichen.collect.bills.rule import Columns, Dates, Format, Rule, Source

if TYPE_CHECKING:
    import ibis.expr.types as ir

NULLS: Final = ("", "NULL", "null", "Null", "None", "N/A", "n/a")
"""Texts that stand for nothing."""

_AMOUNT: Final = dt.Decimal(*DECIMAL)
_SMALL: Final = dt.Decimal(18, DECIMAL[1])
_FIRST: Final = date(2000, 1, 1)
_LAST: Final = date(2199, 12, 31)
"""No cloud has billed a day before the first; what tells a day after the last means "for ever"."""
_PLAIN: Final = len("2026-03-31 23:59:59")
_PAIR: Final = dt.Struct({"key": dt.string, "value": dt.string})


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def to_json(value) -> str:  # type: ignore[no-untyped-def, empty-body]
    """The function of this name, which DuckDB and Spark both have."""


@ibis.udf.scalar.builtin(signature=((dt.Array(_PAIR),), dt.Map(dt.string, dt.string)))
def map_from_entries(pairs):  # type: ignore[no-untyped-def]
    """The function of this name, which DuckDB and Spark both have."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def substr(text: str, first: int, length: int) -> str:  # type: ignore[empty-body]
    """The function of this name, which DuckDB and Spark both have; signs count from 1. Ibis's own repeats the text thrice."""


@ibis.udf.scalar.builtin(name="hash")  # type: ignore[untyped-decorator]
def fingerprint(value) -> dt.uint64:  # type: ignore[no-untyped-def]
    """64 bits of a value, of DuckDB: of numbers and digests, for it tells texts apart badly. Ibis's own goes by way of bits."""


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


class Reader:
    """The expressions of one table.

    Attributes:
        checks: by cell that may be unreadable: whether a line's is, and its text.
    """

    def __init__(self, table: ir.Table, one: Format, columns: Columns | None = None) -> None:
        self._table = table
        self._rules = one.rules
        self._columns = columns or Columns(columns_of(table.schema()))
        self.checks: dict[str, tuple[ir.BooleanValue, ir.StringValue]] = {}

    @property
    def columns(self) -> Columns:
        """Names under which values are found."""
        return self._columns

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
        wrong = (wrong.cast("int8") for wrong, _ in self.checks.values())
        return reduce(lambda total, one: total + one, wrong, ibis.literal(0, "int8"))

    def key(self, name: str, *, day: Dates | None = None) -> ir.Value:
        """A column as lines are first summed by it: unread, but for days, whose hours would keep lines apart."""
        column = self._column(name)
        kind = column.type()
        if kind.is_timestamp():
            return column.date()
        if day is not None and kind.is_string():
            return _without_hours(column) if day == "iso" else _parsed(cleaned(column), day)
        return column if kind.is_string() or kind.is_array() else cleaned(column)

    def is_text(self, name: str) -> bool:
        """Whether a column is a text, and no number or day already."""
        return bool(self._column(name).type().is_string())

    def number(self, name: str) -> ir.DecimalValue:
        """A column as an amount; null where it is none."""
        column = self._column(name)
        if column.type().is_string():
            # Most amounts are below a thousand, and ten times as fast to read as a number of 64 bits.
            return ibis.coalesce(column.try_cast(_SMALL), column.try_cast(_AMOUNT))
        # True is no amount, though engines take it for 1.
        return (column.cast("string") if column.type().is_boolean() else column).try_cast(_AMOUNT)

    def is_null(self, name: str) -> ir.BooleanValue:
        """Whether a column holds nothing."""
        return self._column(name).isnull()

    def no_number(self, name: str) -> ir.StringValue:
        """What stands where an amount should, empty for nothing; null where there is one."""
        column = self._column(name)
        text = column if column.type().is_string() else column.cast("string")
        return ibis.ifelse(self.number(name).isnull(), ibis.coalesce(text, ""), ibis.null("string"))

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
        columns = [self._column(name) for name in rule.named if self._has(name)]
        if not columns:
            return ibis.null("date")
        # Texts that stand for nothing are no days by themselves.
        texts = [column if column.type().is_string() else cleaned(column) for column in columns]
        days = [
            column.cast("date")
            if column.type().is_date() or column.type().is_timestamp()
            else _parsed(text, rule.dates)
            for column, text in zip(columns, texts, strict=True)
        ]
        text = ibis.coalesce(*(cleaned(column) for column in columns))
        found = ibis.coalesce(*days)
        found = ibis.ifelse(found.between(ibis.literal(_FIRST), ibis.literal(_LAST)), found, ibis.null("date"))
        self.checks[rule.cell] = found.isnull() if rule.required else found.isnull() & text.notnull(), text
        return found

    def _amount(self, rule: Rule) -> ir.DecimalValue:
        if not rule.given(self._columns):
            return ibis.null(_AMOUNT)
        found = self._chosen(rule, self._amount_of, ibis.null(_AMOUNT))
        for name in rule.named:
            if not self._has(name):
                continue
            column = self._column(name)
            # Whole numbers and decimals are amounts by themselves.
            if not column.type().is_integer() and not column.type().is_decimal():
                text = cleaned(column)
                told = text if column.type().is_string() else column
                wrong = told.notnull() & self.number(name).isnull()
                before = self.checks.get(rule.cell)
                self.checks[rule.cell] = (
                    (wrong, text) if before is None else (before[0] | wrong, ibis.ifelse(wrong, text, before[1]))
                )
        return -found if rule.negate else found

    def _chosen(self, rule: Rule, read: Callable[[Source], ir.Value], nothing: ir.Value) -> ir.Value:
        """The value of the first source whose condition holds."""
        branches: list[tuple[ir.BooleanValue, ir.Value]] = []
        for source in rule.sources:
            if not source.given(self._columns):
                continue
            value = read(source)
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
            terms = [(self.number(name), factor) for name, factor in source.sum if self._has(name)]
            known = [value if factor == "1" else _times(value, factor) for value, factor in terms]
            total = reduce(lambda one, other: one + other, (ibis.coalesce(one, _zero()) for one in known))
            unknown = reduce(lambda one, other: one & other, (one.isnull() for one in known))
            return ibis.ifelse(unknown, ibis.null(_AMOUNT), total.cast(_AMOUNT))
        if source.columns:
            found = [self.number(name) for name in source.columns if self._has(name)]
            return found[0] if len(found) == 1 else ibis.coalesce(*found)
        return self._text_of(source).try_cast(_AMOUNT)

    def _text_of(self, source: Source) -> ir.StringValue:
        if source.const is not None:
            return ibis.literal(source.const)
        if source.columns:
            found = [cleaned(self._column(name)) for name in source.columns if self._has(name)]
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
        pattern = f'"{re.escape(key)}"\\s*:\\s*"?([^",}}]*)'
        return self._needed(column).re_extract(pattern, 1).nullif("")

    @staticmethod
    def _rest(name: str, prefixes: tuple[str, ...]) -> str:
        for prefix in prefixes:
            if name.casefold().startswith(prefix.casefold()):
                return name[len(prefix) :]
        return name

    def _has(self, name: str) -> bool:
        return self._columns.actual(name) is not None

    def _needed(self, name: str) -> ir.StringValue:
        return cleaned(self._column(name)) if self._has(name) else ibis.null("string")

    def _column(self, name: str) -> ir.Value:
        """A column that the file has."""
        actual = self._columns.actual(name) or name
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


def cleaned(column: ir.Value) -> ir.StringValue:
    """A column as text, null where it holds nothing."""
    kind = column.type()
    if kind.is_string():
        return ibis.ifelse(column.isin(NULLS), ibis.null("string"), column)
    if isinstance(kind, dt.Array) and kind.value_type.is_struct() and {"key", "value"} <= set(kind.value_type.names):
        return "" + to_json(map_from_entries(column.cast(dt.Array(_PAIR))))
    if kind.is_nested() or kind.is_json():
        return as_json(column)
    return column.cast("string")


def as_json(column: ir.Value) -> ir.StringValue:
    """A list or a structure as text, null where there is none."""
    return "" + to_json(column)


def _is(text: ir.StringValue, wanted: str) -> ir.BooleanValue:
    return text.startswith(wanted[:-1]) if wanted.endswith("*") else text == wanted


def _zero() -> ir.DecimalValue:
    return ibis.literal(0).cast(_AMOUNT)


def _times(amount: ir.DecimalValue, factor: str) -> ir.DecimalValue:
    """An amount times a factor. A product has 38 digits in any engine: with 9 more decimals, 14 are left before the point."""
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


def as_day(moment: ir.Value) -> ir.DateValue:
    """A day of its own type: DuckDB makes timestamps of days that are truncated or moved, and Ibis does not know."""
    return moment.cast("timestamp").date()


def _parsed(text: ir.StringValue, dates: Dates) -> ir.DateValue:
    """The day that a text tells, null where it tells none."""
    if dates == "epoch":
        number = text.try_cast("int64")
        seconds = ibis.ifelse(number > 100_000_000_000, (number / 1000).floor().cast("int64"), number)
        return seconds.as_timestamp("s").date()
    if dates == "written":
        return text.left(10).try_cast("date")
    if dates == "month/day/year":
        parts = text.split("/")
        american = parts[2].left(4) + "-" + parts[0].lpad(2, "0") + "-" + parts[1].lpad(2, "0")
        return ibis.coalesce(american.try_cast("date"), text.left(10).try_cast("date"))
    if dates == "year-month":
        digits = text.replace("-", "")
        return (digits.left(4) + "-" + digits.substr(4, 2) + "-01").try_cast("date")
    return _in_utc(text)


def _without_hours(text: ir.StringValue) -> ir.StringValue:
    """A moment as its day where that is the day of UTC; as it is where an offset may say otherwise."""
    plain = (text.length() == _PLAIN) & (substr(text, 14, 1) == ":")
    return ibis.ifelse(text.endswith("Z") | text.endswith("UTC") | plain, substr(text, 1, 10), text)


def _in_utc(text: ir.StringValue) -> ir.DateValue:
    """Day of RFC 3339, with a space or without a zone too: what names no zone is UTC."""
    day = substr(text, 1, 10).try_cast("date")
    sign = ibis.ifelse(text.length() > 16, substr(text.right(6), 1, 1), "")
    offset = substr(text.right(5), 1, 2).try_cast("int32") * 60 + text.right(2).try_cast("int32")
    local = substr(text, 12, 2).try_cast("int32") * 60 + substr(text, 15, 2).try_cast("int32")
    moved = ibis.cases(
        ((sign == "+") & (local < offset), day - ibis.interval(days=1)),
        ((sign == "-") & (local + offset >= 24 * 60), day + ibis.interval(days=1)),
        else_=day,
    )
    return as_day(moved)

# SPDX-License-Identifier: Apache-2.0
"""Formats of bills: which one a file has, and that its lines say what its columns say."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from pathlib import Path
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lichen.collect.bills.engine import DuckEngine
from lichen.collect.bills.format import formats, named, recognise
from lichen.collect.bills.line import AMOUNTS, CELLS, KEYS, ROW
from lichen.collect.bills.lines import COUNT, NULLS, UNREADABLE, checked_lines, lines, summed_lines, unreadable
from lichen.collect.bills.opening import sniff
from lichen.collect.bills.rule import Format
from lichen.errors import StorageError, UsageError

CLOUD: Final = Path(__file__).parents[3] / "shared" / "data" / "cloud"
STEP: Final = Decimal("1e-15")
SAMPLES: Final = {
    "aws_cur_legacy_anonymised.csv": (
        "aws-cur",
        "lineItem/UnblendedCost",
        "lineItem/UsageAmount",
        "lineItem/UsageStartDate",
    ),
    "azure_ea_export_anonymised_27.csv": ("azure", "CostInBillingCurrency", "Quantity", "Date"),
    "focus_1_0_real_anonymised.csv": ("focus", "BilledCost", "ConsumedQuantity", "ChargePeriodStart"),
    "focus_1_2_generated_aws_300.csv": ("focus", "BilledCost", "ConsumedQuantity", "ChargePeriodStart"),
    "focus_1_2_generated_azure_300.csv": ("focus", "BilledCost", "ConsumedQuantity", "ChargePeriodStart"),
    "focus_1_2_generated_gcp_300.csv": ("focus", "BilledCost", "ConsumedQuantity", "ChargePeriodStart"),
    "focus_1_3_generated_aws_300.csv": ("focus", "BilledCost", "ConsumedQuantity", "ChargePeriodStart"),
    "oci_cost_report.csv": ("oci", "cost/myCost", "usage/billedQuantity", "lineItem/intervalUsageStart"),
}
"""File: format, and columns of the billed cost, of the quantity (where it is told) and of the day."""

Rows = list[dict[str, Any]]


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    with DuckEngine(tmp_path / "spool", threads=1) as found:
        yield found


def _rows(engine: DuckEngine, table: Any) -> Rows:
    return [row for batch in engine.arrow(table) for row in batch.to_pylist()]


def _read(engine: DuckEngine, path: Path) -> Rows:
    opened = sniff(path)
    return _rows(engine, checked_lines(engine.read(opened), recognise(opened.columns, formats())))


def _exact(text: str) -> Decimal | None:
    return None if text in NULLS else Decimal(text).quantize(STEP, rounding=ROUND_HALF_UP)


def _file(folder: Path, text: str, name: str = "bill.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_file_adds_up_to_what_its_columns_add_up_to(name: str, engine: DuckEngine) -> None:
    path = CLOUD / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    wanted, cost, quantity, start = SAMPLES[name]
    with path.open(encoding="utf-8-sig", newline="") as file:
        raw = list(csv.DictReader(file))
    assert recognise(sniff(path).columns, formats()).name == wanted
    found = _read(engine, path)
    assert len(found) == len(raw)
    assert sum(row[UNREADABLE] for row in found) == 0
    assert sum(row["billed_cost"] for row in found) == sum(_exact(row[cost]) or 0 for row in raw)
    told = [row for row in raw if _exact(row[quantity]) is not None]
    assert len(told) > len(raw) / 3
    if quantity == "ConsumedQuantity":  # where it is not told, the quantity that is priced stands for it
        rest = [row for row in raw if _exact(row[quantity]) is None]
        assert sum(row["quantity"] or 0 for row in found) == (
            sum(_exact(row[quantity]) or 0 for row in told) + sum(_exact(row["PricingQuantity"]) or 0 for row in rest)
        )
    else:
        assert sum(row["quantity"] for row in found) == sum(_exact(row[quantity]) or 0 for row in raw)
    assert Counter(row["day"] for row in found) == Counter(_day(row[start]) for row in raw)


def _day(text: str) -> dt.date:
    if "/" in text:
        return dt.datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=dt.UTC).date()
    return dt.date.fromisoformat(text[:10])


@pytest.mark.parametrize("numbered", [False, True], ids=["as it is", "as Parquet"])
@pytest.mark.parametrize("name", SAMPLES)
def test_lines_summed_first_are_the_lines_summed_after(
    name: str, numbered: bool, engine: DuckEngine, tmp_path: Path
) -> None:
    path = CLOUD / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    if numbered:
        packed = tmp_path / "bill.parquet"
        pq.write_table(_all_texts(path), packed)
        path = packed
    opened = sniff(path)
    one, table = recognise(opened.columns, formats()), engine.read(opened)
    assert (ROW in table.columns) is numbered
    _check_sums(engine, table, one)


def _all_texts(path: Path) -> pa.Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return pa.Table.from_pylist(list(csv.DictReader(file)))


def _check_sums(engine: DuckEngine, table: ir.Table, one: Format) -> None:
    before: Counter[tuple[Any, ...]] = Counter()
    counts: Counter[tuple[Any, ...]] = Counter()
    for row in _rows(engine, lines(table, one)):
        counts[_key(row)] += 1
        for amount in AMOUNTS:
            before[_key(row), amount] += row[amount] or 0
    after: Counter[tuple[Any, ...]] = Counter()
    for row in _rows(engine, summed_lines(table, one)):
        counts[_key(row)] -= row[COUNT]
        assert row[UNREADABLE] == 0
        for amount in AMOUNTS:
            after[_key(row), amount] += row[amount] or 0
    assert dict(after) == dict(before)
    assert set(counts.values()) == {0}


_ODD: Final = (None, "", "NULL", "~", "a", "a~", "A", "é", "e\u0301", "\x00", "a\x00", " ", "[]", "0", "𝄞")


@given(
    texts=st.lists(st.tuples(*[st.sampled_from(_ODD)] * 3, st.sampled_from([None, 0.0, 0.1, -2.5])), max_size=60),
    own=st.booleans(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_are_told_apart_by_their_texts_whatever_these_are(
    texts: list[tuple[Any, ...]], own: bool, engine: DuckEngine, tmp_path: Path
) -> None:
    names = ("ResourceId", "ResourceName", "Tags", "EffectiveCost")
    always = {
        "ChargePeriodStart": dt.date(2026, 5, 1), "ProviderName": "AWS", "ServiceName": "S3", "ChargeCategory": "Usage",
        "BillingCurrency": "EUR", "BilledCost": 0.1,
    }  # fmt: skip
    rows = [{**always, **dict(zip(names, line, strict=True))} for line in [("r", "n", "{}", 1.0), *texts]]
    path = tmp_path / "bill.parquet"
    # A column that is called as the engine calls the number of a row is the file's own.
    pq.write_table(pa.Table.from_pylist([{**row, "File_Row_Number": 7} for row in rows] if own else rows), path)
    table = engine.read(sniff(path))
    assert (ROW in table.columns) is not own
    _check_sums(engine, table, named("focus", formats()))


@pytest.mark.parametrize(
    "name", ["server-{}-volume{}-disk-0{}", "i-{}000000{}000000{}", "{}{}{}", "arn:aws:ec2:eu-west-3:1:{}/{}/{}"]
)
@pytest.mark.parametrize("tagged", [False, True], ids=["text", "list"])
def test_names_that_differ_in_few_places_are_told_apart(
    name: str, tagged: bool, engine: DuckEngine, tmp_path: Path
) -> None:
    """An engine's own hash of a text gives a seventh of these the fingerprint of another."""
    names = [name.format(*signs) for signs in product("0123456789abcdef", repeat=3)]
    always = {
        "ChargePeriodStart": dt.date(2026, 5, 1), "ProviderName": "AWS", "ServiceName": "S3", "ChargeCategory": "Usage",
        "BillingCurrency": "EUR", "BilledCost": 1.0,
    }  # fmt: skip
    told = [{"Tags": [{"key": "name", "value": one}]} if tagged else {"ResourceId": one} for one in names]
    path = tmp_path / "bill.parquet"
    pq.write_table(pa.Table.from_pylist([{**always, **one} for one in told]), path)
    found = _rows(engine, summed_lines(engine.read(sniff(path)), named("focus", formats())))
    assert Counter(row[COUNT] for row in found) == {1: len(names)}
    cell = "tags" if tagged else "resource"
    assert sorted(json.loads(row[cell])["name"] if tagged else row[cell] for row in found) == sorted(names)


def test_a_column_that_is_called_as_ours_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, "ChargePeriodStart,Lichen_Row\n2026-05-01,x\n")
    with pytest.raises(StorageError, match=r"has a column 'Lichen_Row', which Lichen makes itself\.") as refused:
        sniff(path)
    assert refused.value.repair == "Give it another name."


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    """Keys of a line, and which of its amounts are told."""
    return (*(row[name] for name in KEYS), *(row[name] is None for name in AMOUNTS))


@pytest.mark.parametrize("one", formats(), ids=lambda one: one.name)
def test_each_format_compiles_for_both_engines_to_the_columns_of_a_line(one: Any) -> None:
    columns = {name: "string" for rule in one.rules.values() for name in rule.named if "[]" not in name}
    table = ibis.table(columns, name="bill")
    found = lines(table, one)
    assert tuple(found.columns) == tuple(cell.name for cell in CELLS)
    kinds = {cell.name: cell.kind for cell in CELLS}
    for name, kind in found.schema().items():
        wanted = {"text": "string", "day": "date", "amount": "decimal(38, 15)"}[kinds[name]]
        assert str(kind).removeprefix("!") == wanted, name
    for dialect in ("duckdb", "pyspark"):
        for expression in (found, summed_lines(table, one), unreadable(table, one)):
            assert "SELECT" in ibis.to_sql(expression, dialect=dialect)


@pytest.mark.parametrize("one", formats(), ids=lambda one: one.name)
def test_each_format_says_what_is_lost_in_both_languages_and_is_found_by_its_own_columns(one: Any) -> None:
    for rule in one.rules.values():
        assert bool(rule.lost) == bool(rule.lost_fr), rule.cell
        assert not (rule.required and rule.lost), f"{rule.cell} is required: a file without it is refused"
    sources = [source for rule in one.rules.values() for source in rule.sources]
    columns = [name for source in sources for name in (*source.named, *(f"{prefix}team" for prefix in source.prefixes))]
    assert recognise(columns, formats()) is one
    assert one.missing(columns) == ()


def test_texts_that_stand_for_nothing_are_empty_and_never_null(tmp_path: Path, engine: DuckEngine) -> None:
    path = _file(
        tmp_path,
        "ChargePeriodStart,ProviderName,ServiceName,ChargeCategory,BillingCurrency,BilledCost,RegionId,SubAccountId,ConsumedQuantity\n"
        '2026-05-03T10:00:00Z,AWS,S3,Usage,EUR,1.5,NULL,"None",N/A\n'
        "2026-05-03T10:00:00Z,AWS,S3,,EUR,NULL,,null,0\n",
    )
    first, second = _read(engine, path)
    assert (first["region"], first["account"], first["quantity"], first["billed_cost"]) == (
        "",
        "",
        None,
        Decimal("1.5"),
    )
    assert (second["charge"], second["quantity"], second["billed_cost"]) == ("other", Decimal(0), None)
    assert first["period"] == dt.date(2026, 5, 1)
    assert first["effective_cost"] == Decimal("1.5")
    assert first[UNREADABLE] == second[UNREADABLE] == 0


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-31", dt.date(2026, 3, 31)),
        ("2026-03-31 23:30:00", dt.date(2026, 3, 31)),
        ("2026-03-31T23:30:00.000Z", dt.date(2026, 3, 31)),
        ("2026-03-31T23:30Z", dt.date(2026, 3, 31)),
        ("2026-03-31 23:30:00 UTC", dt.date(2026, 3, 31)),
        ("2026-03-31T23:30:00+02:00", dt.date(2026, 3, 31)),
        ("2026-04-01T01:30:00+02:00", dt.date(2026, 3, 31)),
        ("2026-03-31T23:30:00-01:00", dt.date(2026, 4, 1)),
        ("2026-02-30", None),
        ("yesterday", None),
        ("2000-01-01", dt.date(2000, 1, 1)),
        ("1999-12-31", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T00:00:00Z", None),
    ],
)
def test_a_day_is_that_of_utc(written: str, day: dt.date | None, tmp_path: Path, engine: DuckEngine) -> None:
    head = "ChargePeriodStart,ProviderName,ServiceName,ChargeCategory,BillingCurrency,BilledCost\n"
    path = _file(tmp_path, f"{head}{written},AWS,S3,Usage,EUR,1\n")
    (row,) = _read(engine, path)
    assert row["day"] == day
    assert row[UNREADABLE] == (0 if day else 1)


@pytest.mark.parametrize("written", ["9999-12-01", "0001-01-01"])
def test_a_period_that_no_cloud_bills_is_refused_and_named(written: str, tmp_path: Path, engine: DuckEngine) -> None:
    head = "BillingPeriodStart,ChargePeriodStart,ProviderName,ServiceName,ChargeCategory,BillingCurrency,BilledCost\n"
    opened = sniff(_file(tmp_path, f"{head}{written},2026-05-03,AWS,S3,Usage,EUR,1\n"))
    table, one = engine.read(opened), named("focus", formats())
    assert [row[UNREADABLE] for row in _rows(engine, summed_lines(table, one))] == [1]
    (found,) = _rows(engine, unreadable(table, one))
    assert (found["cell"], found["column"], found["example"]) == ("period", "BillingPeriodStart", written)


def test_what_cannot_be_read_is_counted_and_named(tmp_path: Path, engine: DuckEngine) -> None:
    head = "ChargePeriodStart,ProviderName,ServiceName,ChargeCategory,BillingCurrency,BilledCost,ConsumedQuantity\n"
    path = _file(
        tmp_path,
        f'{head}2026-05-01,AWS,S3,Usage,EUR,"1,5",1\n2026-05-01,AWS,S3,Usage,EUR,1,many\n,AWS,S3,Usage,EUR,1,1\n'
        "2026-05-01,AWS,S3,Usage,EUR,2.3E-9,1\n",
    )
    opened = sniff(path)
    table, one = engine.read(opened), named("focus", formats())
    assert [row[UNREADABLE] for row in _rows(engine, checked_lines(table, one))] == [1, 1, 1, 0]
    assert sum(row[UNREADABLE] for row in _rows(engine, summed_lines(table, one))) == 3
    found = {
        row["cell"]: (row["column"], row["example"], row["lines"]) for row in _rows(engine, unreadable(table, one))
    }
    assert found == {
        "day": ("ChargePeriodStart", None, 1),
        "quantity": ("ConsumedQuantity, PricingQuantity", "many", 1),
        "billed_cost": ("BilledCost", "1,5", 1),
    }


def test_numbers_that_no_amount_can_hold_are_counted_and_named(tmp_path: Path, engine: DuckEngine) -> None:
    """Floats in Parquet may be no numbers, endless, or beyond 23 digits; what is not told is none of these."""
    always = {
        "ChargePeriodStart": dt.date(2026, 5, 1), "ProviderName": "AWS", "ServiceName": "S3", "ChargeCategory": "Usage",
        "BillingCurrency": "EUR",
    }  # fmt: skip
    costs = [1.0, None, float("nan"), float("inf"), 1e23, -4.0]
    path = tmp_path / "bill.parquet"
    pq.write_table(pa.Table.from_pylist([{**always, "BilledCost": cost, "ListCost": 1e30} for cost in costs]), path)
    opened = sniff(path)
    table, one = engine.read(opened), named("focus", formats())
    assert [row[UNREADABLE] for row in _rows(engine, checked_lines(table, one))] == [1, 1, 2, 2, 2, 1]
    summed = _rows(engine, summed_lines(table, one))
    assert sum(row[UNREADABLE] for row in summed) == 9
    assert sum(row["billed_cost"] or 0 for row in summed) == -3
    assert {row["cell"]: row["lines"] for row in _rows(engine, unreadable(table, one))} == {
        "billed_cost": 3,
        "list_cost": 6,
    }


def test_the_unit_is_that_of_the_quantity_that_is_told(tmp_path: Path, engine: DuckEngine) -> None:
    head = "ChargePeriodStart,ProviderName,ServiceName,ChargeCategory,BillingCurrency,BilledCost,"
    path = _file(
        tmp_path,
        f"{head}ConsumedQuantity,ConsumedUnit,PricingQuantity,PricingUnit\n"
        "2026-05-01,AWS,S3,Usage,EUR,1,7200,Seconds,2,Hours\n2026-05-01,AWS,S3,Usage,EUR,1,,Seconds,2,Hours\n"
        "2026-05-01,AWS,S3,Usage,EUR,1,3,,3,Hours\n",
    )
    found = [(row["quantity"], row["unit"]) for row in _read(engine, path)]
    assert found == [(Decimal(7200), "Seconds"), (Decimal(2), "Hours"), (Decimal(3), "Hours")]
    opened = sniff(path)
    summed = _rows(engine, summed_lines(engine.read(opened), named("focus", formats())))
    assert sorted((row["unit"], row["quantity"]) for row in summed) == [
        ("Hours", Decimal(2)), ("Hours", Decimal(3)), ("Seconds", Decimal(7200)),
    ]  # fmt: skip


def test_no_format_and_two_formats_are_refused_in_one_sentence() -> None:
    with pytest.raises(StorageError) as refused:
        recognise(["ChargePeriodStart", "ServiceName", "Amount"], formats(), "bill.csv")
    assert refused.value.problem == (
        "bill.csv is no bill that Lichen knows: its columns are ChargePeriodStart, ServiceName, Amount. Nearest: focus lacks "
        "'ServiceProviderName or ProviderName' and 'ChargeCategory' and 'BillingCurrency' and 'BilledCost'."
    )
    assert "add-a-bill-format.md" in refused.value.repair
    one = named("oci", formats())
    with pytest.raises(StorageError, match=r"may be a bill in the format oci or oci\.") as refused:
        recognise([name for rule in one.rules.values() for name in rule.named], [one, one], "bill.csv")
    assert refused.value.repair == "Say which with --format."
    with pytest.raises(UsageError, match="There is no format 'focsu'") as unknown:
        named("focsu", formats())
    assert unknown.value.repair == "Did you mean 'focus'?"

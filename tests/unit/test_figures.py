# SPDX-License-Identifier: Apache-2.0
"""`lichen.evaluate`: the same figures from rows, arrays, pandas, Polars and Arrow; bad columns are refused by their row."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lichen
from lichen.errors import LichenError, UsageError
from lichen.model.columns import activities_of, as_columns
from lichen.nomenclature import load

TERMS = load()
COLUMNS: dict[str, list[Any]] = {
    "entity": ["shop/browser", "shop/api", "shop/browser", "loan/api", "shop/api"],
    "quantity": ["screen_time", "cpu_time", "screen_time", "cpu_time", "cpu_time"],
    "value": [60.0, 2.0, 30.0, 5.0, 0.5],
    "tier": ["device", "server", "device", "server", "server"],
    "zone": ["FR", "FR", "FR", None, "FR"],
}


def rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    lines = (dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True))
    return [{k: v for k, v in line.items() if v is not None or k == "value"} for line in lines]


def totals(activities: Any, **options: Any) -> list[tuple[Any, ...]]:
    table = lichen.evaluate(activities, **options).totals()
    return sorted(zip(*table.values(), strict=True))


@pytest.mark.parametrize(
    "table",
    [
        COLUMNS,
        {**COLUMNS, "value": np.array(COLUMNS["value"])},
        pd.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS).astype({"entity": "category", "zone": "category"}),
        pl.DataFrame(COLUMNS),
        pl.DataFrame(COLUMNS).with_columns(pl.col("zone").cast(pl.Categorical)),
        pa.table(COLUMNS),
        pa.table({name: pa.chunked_array([pa.array(v[:2]), pa.array(v[2:])])
                       for name, v in COLUMNS.items()}),
        pa.table({"entity": pa.array(COLUMNS["entity"]).dictionary_encode(),
                       **{n: v for n, v in COLUMNS.items() if n not in ("entity", "zone")},
                       "zone": pa.array(COLUMNS["zone"]).dictionary_encode()}),
    ],
    ids=["lists", "numpy", "pandas", "pandas-category", "polars", "polars-category", "arrow", "arrow-chunks", "arrow-words"],
)  # fmt: skip
def test_every_kind_of_table_gives_the_figures_of_rows(table: Any) -> None:
    expected = totals(rows(COLUMNS))
    assert len(expected) > 10
    for mine, theirs in zip(totals(table), expected, strict=True):
        assert mine[:4] == theirs[:4]
        assert mine[4:7] == pytest.approx(theirs[4:7], rel=1e-12)


def test_the_order_of_rows_does_not_matter_to_the_last_bit() -> None:
    random = np.random.default_rng(5)
    values = random.lognormal(0, 3, 500)
    table = {"entity": np.array(["a/api"] * 500), "quantity": np.array(["cpu_time"] * 500), "value": values}
    (one,) = activities_of(as_columns(table), TERMS)
    (other,) = activities_of(as_columns({**table, "value": random.permutation(values)}), TERMS)
    assert one.value == other.value == math.fsum(values)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(("cpu_time", "requests")), st.floats(0, 1e9)),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=50, deadline=None)
def test_cells_are_sums_by_entity_and_quantity(lines: list[tuple[str, str, float]]) -> None:
    found = activities_of(dict(zip(("entity", "quantity", "value"), zip(*lines, strict=True), strict=True)), TERMS)
    cells: dict[tuple[str, str], list[float]] = {}
    for entity, quantity, value in lines:
        cells.setdefault((entity, quantity), []).append(value)
    assert {(a.entity, a.quantity): a.value for a in found} == {key: math.fsum(v) for key, v in cells.items()}


def test_units_are_converted_and_numbers_among_attributes_keep_rows_apart() -> None:
    table = {"entity": ["a", "a", "a"], "quantity": ["disk_bytes"] * 3, "value": [1.0, 2.0, 3.0],
             "unit": ["GB", "GB", "B"], "duration_s": [1.0, 1.0, math.nan]}  # fmt: skip
    found = activities_of(as_columns(table), TERMS)
    assert [(a.value, a.attribute("duration_s")) for a in found] == [(3e9, 1.0), (3.0, None)]


@pytest.mark.parametrize(
    "missing", [[1.0, None], np.array([1.0, None], dtype=object), np.ma.array([1.0, 2.0], mask=[False, True])]
)
def test_a_missing_value_makes_the_sum_unknown(missing: Any) -> None:
    table = {"entity": ["a", "a"], "quantity": ["cpu_time"] * 2, "value": missing}
    for columns in (
        table,
        pa.table({**table, "value": [1.0, None]}),
        pl.DataFrame({**table, "value": [1.0, None]}),
    ):
        (found,) = activities_of(as_columns(columns), TERMS)
        assert found.value is None


def test_what_may_be_negative_is_not_refused() -> None:
    money = {"entity": ["a", "a"], "quantity": ["cost"] * 2, "value": [10.0, -4.0], "currency": ["EUR", "EUR"]}
    (found,) = activities_of(as_columns(money), TERMS)
    assert found.value == 6.0
    with pytest.raises(LichenError, match=r"activity 3 \(a\): value of cpu_time is -1"):
        activities_of(as_columns({"entity": ["a"] * 3, "quantity": ["cost", "cost", "cpu_time"], "value": [-1.0, -2.0, -1.0],
                                  "currency": ["EUR", "EUR", None]}), TERMS)  # fmt: skip


def test_booked_by_application_by_a_function_and_altogether() -> None:
    figures = lichen.evaluate(COLUMNS)
    by = {name: figures.totals(by=name) for name in ("entity", "application", "all")}
    assert set(by["application"]["entity"]) == {"shop", "loan"}
    assert set(figures.totals(by=lambda entity: None if entity == "loan/api" else "shops")["entity"]) == {"shops"}
    energy = {
        name: math.fsum(v for v, i in zip(t["value"], t["indicator"], strict=True) if i == "energy")
        for name, t in by.items()
    }
    assert energy["entity"] == pytest.approx(energy["all"], rel=1e-12)
    assert energy["application"] == pytest.approx(energy["all"], rel=1e-12)
    with pytest.raises(UsageError, match="cannot be booked by 'team'"):
        figures.totals(by="team")
    frame = pd.DataFrame(figures.sensitivity("gwp100"))
    assert 0.5 < frame["share"].sum() <= 1.0 + 1e-9
    assert frame["share"].is_monotonic_decreasing
    assert set(pd.DataFrame(figures.impacts())["entity"]) == {"shop/browser", "shop/api", "loan/api"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": [1.0, -2.0]}, "activity 2 (b): value of cpu_time is -2, below 0"),
        ({"value": [1.0, math.nan]}, "activity 2 (b): value is nan"),
        ({"value": [math.inf, 1.0]}, "activity 1 (a): value is inf"),
        ({"value": ["1", 2.0]}, "holds '1', not a number"),
        ({"value": [True, 2.0]}, "holds True, not a number"),
        ({"value": [None, 10**400]}, "not a number"),
        ({"value": [1.0]}, "The columns differ in length: entity 2, quantity 2, value 1."),
        ({"quantity": ["cpu_time", "cpu"]}, "activity 2 (b): Quantity 'cpu' is not in the nomenclature"),
        ({"colour": ["red", "red"]}, "unknown attribute 'colour'"),
        ({"samples": [[1], [2]]}, "Columns of activities have no 'samples'"),
        ({"tier": [["device"], "server"]}, "holds a list or an object"),
        ({"entity": ["a", "a"], "quantity": ["memory_peak"] * 2}, "a has 2 rows of memory_peak, which cannot be added"),
        ({"unit": ["s", "kWh"]}, "cannot be given in 'kWh'"),
        ({"zone": "FR"}, "The column 'zone' is 'FR', not one value for each row."),
        ({"zone": 7}, "The column 'zone' is 7, not one value for each row."),
        ({"value": np.ones((2, 2))}, "The column 'value' has 2 dimensions."),
        (
            {"started_at": [np.datetime64("2026-01-01T00:00:00").item(), None]},
            "started_at is '2026-01-01T00:00:00', without a time zone.",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_row(change: dict[str, Any], words: str) -> None:
    table = {"entity": ["a", "b"], "quantity": ["cpu_time"] * 2, "value": [1.0, 2.0], **change}
    with pytest.raises(LichenError) as caught:
        lichen.evaluate(table)
    assert words in caught.value.sentence()


@pytest.mark.parametrize("on", ["2026-01-01", datetime(2026, 1, 1, tzinfo=UTC), 7])
def test_a_day_is_a_date(on: Any) -> None:
    with pytest.raises(UsageError, match="not a day"):
        lichen.evaluate(COLUMNS, on=on)


def test_a_context_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(LichenError, match=r"The context is \[1\], not an object"):
        lichen.evaluate(COLUMNS, context=[1])  # type: ignore[arg-type]


def test_moments_as_tables_hold_them() -> None:
    table = {"entity": ["a/browser"] * 2, "quantity": ["screen_time"] * 2, "value": [60.0, 60.0], "zone": ["FR"] * 2}
    instants = ["2019-06-01T00:00:00+00:00", "2023-06-01T00:00:00+00:00"]
    said = lichen.evaluate({**table, "started_at": instants}).totals()["value"]
    moments = pd.to_datetime(pd.Series(instants))
    assert lichen.evaluate(pd.DataFrame({**table, "started_at": moments})).totals()["value"] == said
    assert (
        lichen.evaluate({**table, "started_at": [moment.to_pydatetime() for moment in moments]}).totals()["value"]
        == said
    )
    lacking = lichen.evaluate(pd.DataFrame({**table, "started_at": pd.Series([moments[0], pd.NaT])}))
    assert lacking.totals()["value"] == lichen.evaluate({**table, "started_at": [instants[0], None]}).totals()["value"]


@pytest.mark.parametrize("table", [None, 7, "rows", {"entity": ["a"], "value": [1.0]}])
def test_what_is_no_table_is_refused(table: Any) -> None:
    with pytest.raises(LichenError):
        lichen.evaluate(table)


def test_no_rows_give_no_figures() -> None:
    assert lichen.evaluate({"entity": [], "quantity": [], "value": []}).totals()["value"] == []
    assert lichen.evaluate([]).totals()["value"] == []

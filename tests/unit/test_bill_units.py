# SPDX-License-Identifier: Apache-2.0
"""Units of bills: what each way of writing one means, worked out by hand, and what holds for every unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.collect.bills.units import BillUnit, parse_unit

GIB = 2.0**30
HOUR = 3600.0


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        ("Hrs|Hours|hours|hour|Hourly|h|1 Hour|per hour|Instance-Hours|Node-Hours|1/Hour", BillUnit("time", HOUR)),
        ("10 Hours", BillUnit("time", 10 * HOUR)),
        ("100 Hours|100 hrs", BillUnit("time", 100 * HOUR)),
        ("Seconds|seconds|Second|s|sec", BillUnit("time", 1.0)),
        ("minutes|Min|1 Minute", BillUnit("time", 60.0)),
        ("Days|1/Day|1 Day", BillUnit("time", 86400.0)),
        ("Months|month|1/Month|Mo|User-Mo|Obj-Month", BillUnit("time", 1.0, monthly=True)),
        (
            "GB-Mo|GB-Month|GB-Months|GB/Month|1 GB/Month|GB-month|GB-Mp|Gigabyte Storage Capacity Per Month|GBy.mo",
            BillUnit("byte_time", 1e9, monthly=True, power=3),
        ),
        ("GiBy.mo|gibibyte month|GiB-Months|1 GiB/Month", BillUnit("byte_time", GIB, monthly=True)),
        ("TB-Mo|TB/Month", BillUnit("byte_time", 1e12, monthly=True, power=4)),
        ("GB Hours|GB-Hours|Gigabyte Per Hour|GBy.h|GB-Hrs|1 GB Hour", BillUnit("byte_time", 3.6e12, power=3)),
        ("GiB-hours|gibibyte hour|1 GiB Hour|1 GiB HOURS MEMORY", BillUnit("byte_time", GIB * HOUR)),
        ("GB-Seconds|Lambda-GB-Second|1 GB Second|GB-Second", BillUnit("byte_time", 1e9, power=3)),
        ("ByteHrs|Byte-Hrs|byte-hours", BillUnit("byte_time", HOUR)),
        ("Byte-seconds|By.s|byte-second", BillUnit("byte_time", 1.0)),
        ("GB|gigabytes|1 GB|GBy|GB Of Data Transferred", BillUnit("bytes", 1e9, power=3)),
        ("GiB|gibibyte|GiBy", BillUnit("bytes", GIB)),
        ("MB", BillUnit("bytes", 1e6, power=2)),
        ("TB|Terabytes", BillUnit("bytes", 1e12, power=4)),
        ("Bytes|By|B", BillUnit("bytes", 1.0)),
        (
            "Requests|API Requests|Request|Queries|Events|Keys|Metrics|Alarms|Count|Quantity|Security Checks|Operations|1",
            BillUnit("count", 1.0, thing="count"),
        ),
        ("1K requests|1,000 Requests|1000 requests|1K", BillUnit("count", 1e3, thing="count")),
        ("10K|10,000 Transactions|10K Operations", BillUnit("count", 1e4, thing="count")),
        ("1M|1M Operations|1 million requests|1000000 NONE NONE DATAPOINTS", BillUnit("count", 1e6, thing="count")),
        ("64K-Chunks", BillUnit("count", 1.0, thing="count")),
        ("100 Requests", BillUnit("count", 100.0, thing="count")),
        ("Units|ReadRequestUnits|ReplicatedWriteRequestUnits", BillUnit("count", 1.0, thing="unit")),
        ("IOs|I/Os", BillUnit("count", 1.0, thing="io")),
        ("vCPU-Hours|vCPU Hours|1 vCPU Hour|VCPU-hrs", BillUnit("unit_time", HOUR, thing="vcpu")),
        ("OCPU Hours|1 NONE HOURS OCPUS|OCPU Per Hour", BillUnit("unit_time", HOUR, thing="ocpu")),
        ("ACU-Hr|ACU-Hours", BillUnit("unit_time", HOUR, thing="acu")),
        ("DPU-Hour|DPU-Hours", BillUnit("unit_time", HOUR, thing="dpu")),
        ("LCU-Hours|LCU-Hrs", BillUnit("unit_time", HOUR, thing="lcu")),
        ("NCU-Hours", BillUnit("unit_time", HOUR, thing="ncu")),
        ("WriteCapacityUnit-Hrs|ReadCapacityUnit-Hours", BillUnit("unit_time", HOUR, thing="unit")),
        ("IOPS-Mo|IOPS-Months", BillUnit("unit_time", 1.0, monthly=True, thing="iops")),
        ("GiB/Second-Months|MiBps-Months", BillUnit("unit_time", 1.0, monthly=True, thing="throughput")),
    ],
)
def test_what_units_mean(texts: str, meant: BillUnit) -> None:
    """Months count the bytes or pieces alone: their seconds are the calendar's."""
    for text in texts.split("|"):
        assert parse_unit(text) == meant, text


@pytest.mark.parametrize(
    "text",
    ["", " ", "furlongs", "USD", "GB GB", "GB-GiB", "-5 GB", "0 Hours", "GB²", "hour-minutes", "kW", "💾", "x" * 5000],
)
def test_what_is_no_unit(text: str) -> None:
    assert parse_unit(text) is None


def test_gigabytes_that_a_provider_counts_by_powers_of_two() -> None:
    """A gigabyte-month of 2^30 bytes; units that are binary already, or no bytes, stay."""
    month, tera, hours = parse_unit("GB-Mo"), parse_unit("TB"), parse_unit("Hrs")
    assert month is not None
    assert tera is not None
    assert hours is not None
    assert month.binary().scale == pytest.approx(GIB, rel=1e-15)
    assert tera.binary().scale == pytest.approx(2.0**40, rel=1e-15)
    assert month.binary().binary() == month.binary()
    assert hours.binary() == hours


WORDS = st.sampled_from(["GB", "GiB", "MB", "vCPU", "Requests", "ACU", "IOPS", "Keys", "Gigabyte", "LCU", "Units"])
TIMES = st.sampled_from(["", "Hours", "Month", "Seconds", "Days", "Minutes"])
SEPARATORS = st.sampled_from(["-", " ", "/", " per "])
NUMBERS = st.one_of(st.integers(1, 999), st.sampled_from([1000, 10000, 1000000]))


@given(word=WORDS, time=TIMES, separator=SEPARATORS, number=NUMBERS)
def test_letter_case_separators_and_plurals_say_nothing(word: str, time: str, separator: str, number: int) -> None:
    """And a number in front multiplies, however it is written."""
    plain = parse_unit(f"{word}-{time}" if time else word)
    assert plain is not None
    text = f"{word}{separator}{time}" if time else word
    for written in (text, text.lower(), text.upper(), text + "s" if not text.endswith("s") else text):
        assert parse_unit(written) == plain, written
    assert plain.scale > 0
    for count in (f"{number} {text}", f"{number:,} {text}"):
        several = parse_unit(count)
        assert several is not None
        assert several.scale == pytest.approx(plain.scale * number, rel=1e-12)
        assert (several.dimension, several.monthly, several.thing) == (plain.dimension, plain.monthly, plain.thing)


@given(st.text(max_size=60))
def test_any_text_is_a_unit_or_none(text: str) -> None:
    found = parse_unit(text)
    assert found is None or (found.scale > 0 and found.scale < float("inf"))

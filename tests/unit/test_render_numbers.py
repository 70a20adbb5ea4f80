# SPDX-License-Identifier: Apache-2.0
"""Numbers: languages, sizes of units, and the digits that an interval supports."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.render.numbers import Numbers, last_place
from lichen.service.result import Counter

EN, FR = Numbers("en"), Numbers("fr")
NARROW, NO_BREAK = "\u202f", "\u00a0"


def _significant(number: str) -> str:
    """Digits that carry information: no leading zeros, no power of ten."""
    return re.sub(r"\D", "", number.split("×", maxsplit=1)[0]).lstrip("0")


def _value(number: str) -> float:
    """The number that an English text stands for."""
    mantissa, _, exponent = number.replace(",", "").partition("\u00a0×\u00a010")
    return float(mantissa) * 10.0 ** int(exponent.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)


def test_the_interval_decides_the_digits() -> None:
    assert EN.amount(0.2137, "gCO2e", low=0.15, high=0.31).full == f"0.21{NO_BREAK}gCO₂e (0.15 to 0.31)"
    assert (
        FR.amount(0.2137, "gCO2e", low=0.15, high=0.31).full == f"0,21{NARROW}g{NO_BREAK}éq.{NO_BREAK}CO₂ (0,15 à 0,31)"
    )


@pytest.mark.parametrize(
    ("value", "half_width", "place"),
    [
        (1.2345, 0.03, -2),  # 1.23 ± 0.03
        (1.2345, 0.3, -2),  # a half-width that starts with 3 carries two digits: 1.23 ± 0.30
        (1.2345, 0.4, -1),  # 1.2 ± 0.4
        (1.2345, 0.0355, -2),
        (1.2345, 0.0354, -2),  # would be -3, but three digits are the most
        (123.45, 1.5, 0),  # would be -1, but three digits are the most
        (1234.5, 0.5, 1),
        (5.0, 300.0, 0),  # one digit of the value remains, however wide the interval
        (1.2345, 0.0, -2),
        (1.2345, None, -1),
    ],
)
def test_last_place_follows_the_rounding_rule(value: float, half_width: float | None, place: int) -> None:
    assert last_place(value, half_width) == place


@pytest.mark.parametrize(
    ("value", "unit", "english", "french"),
    [
        (1.234e-9, "gCO2e", "0.0012 µgCO₂e", "0,0012 µg éq. CO₂"),
        (3.4e-6, "gCO2e", "3.4 µgCO₂e", "3,4 µg éq. CO₂"),
        (0.0213, "gCO2e", "21 mgCO₂e", "21 mg éq. CO₂"),
        (0.13, "gCO2e", "0.13 gCO₂e", "0,13 g éq. CO₂"),
        (45_000.0, "gCO2e", "45 kgCO₂e", "45 kg éq. CO₂"),
        (7.2e6, "gCO2e", "7.2 tCO₂e", "7,2 t éq. CO₂"),
        (2.4e-9, "gSbe", "2.4 ngSbe", "2,4 ng éq. Sb"),
        (4e-6, "kWh", "4.0 mWh", "4,0 mWh"),
        (4e-4, "kWh", "0.40 Wh", "0,40 Wh"),
        (12.0, "kWh", "12 kWh", "12 kWh"),
        (640.0, "B", "640 B", "640 o"),
        (1.84e6, "B", "1.8 MB", "1,8 Mo"),
        (3.1e9, "B", "3.1 GB", "3,1 Go"),
        (0.005, "s", "5.0 ms", "5,0 ms"),
        (139.0, "s", "140 s", "140 s"),
        (1800.0, "s", "30 min", "30 min"),
        (9000.0, "s", "2.5 h", "2,5 h"),
        (0.0042, "L", "4.2 mL", "4,2 mL"),
        (1.2e-5, "MJ", "12 J", "12 J"),
        (4.0, "furlong", "4.0 furlong", "4,0 furlong"),
    ],
)
def test_units_have_the_right_size_and_language(value: float, unit: str, english: str, french: str) -> None:
    spaces = str.maketrans({NARROW: " ", NO_BREAK: " "})
    assert EN.amount(value, unit).text.translate(spaces) == english
    assert FR.amount(value, unit).text.translate(spaces) == french


@pytest.mark.parametrize("unit", ["gCO2e", "gSbe", "kWh", "L", "MJ", "B", "s", "B.s", "W"])
def test_twenty_four_decades_keep_their_value_and_three_digits(unit: str) -> None:
    for power in range(-12, 13):
        for mantissa in (1.0, 2.499, 5.005, 9.994, 9.996):
            value = mantissa * 10.0**power
            number = EN.amount(value, unit, half_width=0.0).number
            assert math.isclose(_value(number) * EN.rung(value, unit).factor, value, rel_tol=0.005), (value, number)
            assert len(_significant(number).rstrip("0")) <= 3, (value, number)


@pytest.mark.parametrize("numbers", [EN, FR])
def test_zero_is_a_measurement_and_none_is_unknown(numbers: Numbers) -> None:
    assert numbers.amount(0.0, "s").number == "0"
    assert numbers.amount(0.0, "B", half_width=0.0).number == "0"
    assert numbers.amount(None, "s").text == numbers.unknown
    assert numbers.counter(None).text == numbers.unknown
    assert numbers.indicator(None).text == numbers.unknown


def test_the_word_for_unknown_is_translated() -> None:
    assert (EN.unknown, FR.unknown) == ("unknown", "inconnu")


def test_a_value_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown is None"):
        EN.amount(math.nan, "s")


def test_exact_counters_are_whole_numbers_with_their_unit() -> None:
    counter = Counter(quantity="network_bytes", value=1_843_221.0, unit="B", half_width=0.0, exact=True)
    assert EN.counter(counter).text == f"1,843,221{NO_BREAK}B"
    assert FR.counter(counter).text == f"1{NARROW}843{NARROW}221{NARROW}o"
    requests = Counter(quantity="requests", value=1234.0, unit="1", half_width=0.0, exact=True)
    assert FR.counter(requests).text == f"1{NARROW}234"


@pytest.mark.parametrize(
    ("half_width", "english", "french"),
    [
        (0.042, "±\u00a03.4%", "±\u00a03,4\u202f%"),
        (0.3, "±\u00a024%", "±\u00a024\u202f%"),
        (0.0005, "less than 0.1%", "moins de 0,1\u202f%"),
        (4.0, "over ±\u00a0100%", "plus de ±\u00a0100\u202f%"),
        (0.0, "±\u00a00%", "±\u00a00\u202f%"),
    ],
)
def test_repeatability_is_a_share_of_the_value(half_width: float, english: str, french: str) -> None:
    counter = Counter(quantity="cpu_time", value=1.2345, unit="s", half_width=half_width)
    assert (EN.counter(counter).repeat, FR.counter(counter).repeat) == (english, french)


def test_repeatability_is_not_told_where_it_is_unknown_or_has_no_measure() -> None:
    assert EN.amount(1.0, "s").repeat == ""
    assert EN.amount(0.0, "s", half_width=0.1).repeat == ""


def test_a_column_has_one_last_digit() -> None:
    rung = EN.rung(1.48e6, "B")
    finest = EN.finest(1.48e6, rung)
    cells = [
        EN.amount(v, "B", half_width=0.0, rung=rung, finest=finest).number for v in (1.48e6, 912_345.0, 1200.0, 0.0)
    ]
    assert cells == ["1.48", "0.91", "<0.01", "0"]


def test_percents_follow_the_language() -> None:
    assert [EN.percent(x) for x in (0.62, 0.0213, 0.03, 0.0001, 0.0, None)] == [
        "62%", "2.1%", "3%", "<0.1%", "0%", "unknown",
    ]  # fmt: skip
    assert FR.percent(0.021) == f"2,1{NARROW}%"
    assert [EN.whole_percent(x) for x in (0.0, 0.004, 0.621, 1.0)] == ["0%", "<1%", "62%", "100%"]


def test_moments_are_in_utc() -> None:
    assert EN.moment("2026-11-22T04:57:38+01:00") == f"November 22, 2026, 03:57{NO_BREAK}UTC"
    assert FR.moment("2026-11-22T03:57:38.123Z") == f"22 novembre 2026, 03:57{NO_BREAK}UTC"


@given(
    value=st.floats(1e-9, 1e9),
    relative=st.floats(1e-6, 3.0),
    unit=st.sampled_from(["gCO2e", "kWh", "B", "s"]),
)
def test_the_shown_value_lies_within_half_of_its_interval(value: float, relative: float, unit: str) -> None:
    half = relative * value
    amount = EN.amount(value, unit, half_width=half)
    shown = _value(amount.number) * EN.rung(value, unit).factor
    assert abs(shown - value) <= max(half / 2, 0.0051 * value)
    assert 1 <= len(_significant(amount.number).rstrip("0")) <= 3


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (123_800.0, "123,800", "123\u202f800"),
        (1.23456789, "1.23457", "1,23457"),
        (0.0, "0", "0"),
        (3.6e6, "3,600,000", "3\u202f600\u202f000"),
        (4.25e-9, "4.25\u00a0×\u00a010⁻⁹", "4,25\u00a0×\u00a010⁻⁹"),
        (-0.5, "-0.5", "-0,5"),
    ],
)
def test_raw_values_keep_six_digits(value: float, english: str, french: str) -> None:
    assert (EN.raw(value), FR.raw(value)) == (english, french)

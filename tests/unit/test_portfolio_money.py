# SPDX-License-Identifier: Apache-2.0
"""Money of a portfolio: exact sums, currencies apart, unallocated visible, returns with their range or with why there is none."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.errors import UsageError
from lichen.portfolio.carbon_price import carbon_cost
from lichen.portfolio.estimate import UNKNOWN, Estimate, certain
from lichen.portfolio.money import Line, Money, Statement, add, statements, total
from lichen.portfolio.ratios import ratios
from lichen.portfolio.roi import MoneyRange, Return, roi

amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=6)
positive = st.decimals(min_value="0.01", max_value=10**12, places=6)
names = st.one_of(st.none(), st.text(max_size=3))
lines = st.builds(Line, application=names, money=st.builds(Money, amounts, st.sampled_from(["EUR", "USD"])))


def euros(amount: str, low: str | None = None, high: str | None = None) -> MoneyRange:
    return MoneyRange(
        amount=Decimal(amount), currency="EUR", low=None if low is None else Decimal(low),
        high=None if high is None else Decimal(high),
    )  # fmt: skip


def test_lines_by_hand() -> None:
    found = statements(
        [
            Line(application="shop", money=Money(Decimal("0.10"), "EUR")),
            Line(application="shop", money=Money(Decimal("0.20"), "EUR")),
            Line(application=None, money=Money(Decimal(5), "EUR")),
            Line(application="shop", money=Money(Decimal(7), "USD")),
        ]
    )
    assert found == (
        Statement(currency="EUR", by_application={"shop": Decimal("0.30")}, unallocated=Decimal(5)),
        Statement(currency="USD", by_application={"shop": Decimal(7)}, unallocated=Decimal(0)),
    )
    assert found[0].total == Decimal("5.30")


@given(st.lists(lines, max_size=30), st.randoms())
def test_lines_equal_totals_exactly_in_any_order(rows: list[Line], random: object) -> None:
    found = statements(rows)
    for statement in found:
        exact = sum(Fraction(row.money.amount) for row in rows if row.money.currency == statement.currency)
        assert Fraction(statement.total) == exact
        shown = sum(map(Fraction, statement.by_application.values())) + Fraction(statement.unallocated)
        assert shown == exact
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert {row.currency: row.total for row in statements(rows)} == {row.currency: row.total for row in found}


def test_currencies_are_never_added() -> None:
    with pytest.raises(UsageError, match="EUR and USD cannot be added"):
        total([Money(Decimal(1), "EUR"), Money(Decimal(1), "USD")])
    assert total([]) is None
    assert total([Money(Decimal(1), "EUR")] * 3) == Money(Decimal(3), "EUR")


@pytest.mark.parametrize("text", ["NaN", "Infinity"])
def test_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        Money(Decimal(text), "EUR")


def test_a_million_small_amounts_lose_nothing() -> None:
    assert add([Decimal("0.000001")] * 1000 + [Decimal(10) ** 12]) == Decimal("1000000000000.001000")


def test_a_return_by_hand() -> None:
    """Worth 900 (600 to 1,200) for 400 (300 to 500): 1.25; at worst 600 for 500, 0.2; at best 1,200 for 300, 3."""
    found = roi(euros("900", "600", "1200"), euros("400", "300", "500"))
    assert (found.ratio.value, found.ratio.low, found.ratio.high) == (1.25, 0.2, 3.0)
    assert not found.unknown_because


def test_a_loss_has_its_range_the_right_way_round() -> None:
    """A value below 0 is worst where the cost is smallest."""
    found = roi(euros("-100", "-200", "50"), euros("100", "50", "200"))
    assert (found.ratio.low, found.ratio.value, found.ratio.high) == (-5.0, -2.0, 0.0)


@pytest.mark.parametrize(
    ("value", "cost", "why"),
    [
        (None, euros("1"), "no_value"),
        (euros("1"), None, "no_cost"),
        (euros("1"), euros("0"), "cost_not_positive"),
        (euros("1"), euros("-3"), "cost_not_positive"),
        (euros("1"), euros("3", "0", "5"), "cost_not_positive"),
        (MoneyRange(amount=Decimal(1), currency="USD"), euros("3"), "currencies"),
    ],
)
def test_no_return_has_its_reason(value: MoneyRange | None, cost: MoneyRange | None, why: str) -> None:
    assert roi(value, cost) == Return(UNKNOWN, why)


def test_no_value_is_not_a_value_of_zero() -> None:
    assert roi(euros("0"), euros("5")).ratio == certain(-1.0)


@given(positive, positive, positive)
def test_a_return_does_not_depend_on_the_unit_of_money(value: Decimal, cost: Decimal, factor: Decimal) -> None:
    first = roi(euros(str(value)), euros(str(cost))).ratio.value
    second = roi(euros(str(value * factor)), euros(str(cost * factor))).ratio.value
    assert first is not None
    assert second == pytest.approx(first, rel=1e-12, abs=1e-12)


def test_ratios_by_hand() -> None:
    """500 kg (400 to 700) for 2,000 EUR, 10,000 visits of 250 users."""
    found = ratios(
        carbon=Estimate(value=5e5, low=4e5, high=7e5), cost=Money(Decimal(2000), "EUR"), visits=10_000, users=250
    )
    assert (found.carbon_per_money.low, found.carbon_per_money.value, found.carbon_per_money.high) == (200, 250, 350)
    assert found.carbon_per_visit.value == 50
    assert found.carbon_per_user.value == 2000
    assert (found.cost_per_visit, found.cost_per_user, found.currency) == (0.2, 8.0, "EUR")


@pytest.mark.parametrize("nothing", [None, 0])
def test_nothing_to_divide_by_is_unknown(nothing: float | None) -> None:
    money = None if nothing is None else Money(Decimal(nothing), "EUR")
    found = ratios(carbon=certain(5.0), cost=money, visits=nothing, users=nothing)
    assert [found.carbon_per_money, found.carbon_per_visit, found.carbon_per_user] == [UNKNOWN] * 3
    assert (found.cost_per_visit, found.cost_per_user) == (None, None)


def test_a_credit_has_no_carbon_per_euro() -> None:
    found = ratios(carbon=certain(5.0), cost=Money(Decimal(-10), "EUR"), visits=10, users=None)
    assert found.carbon_per_money == UNKNOWN
    assert found.cost_per_visit == -1.0


def test_the_price_of_carbon_is_a_column_of_its_own() -> None:
    """1.5 t (1 to 3 t) at 120.50 EUR a tonne."""
    found = carbon_cost(Estimate(value=1.5e6, low=1e6, high=3e6), Money(Decimal("120.50"), "EUR"))
    assert (found.value, found.low, found.high) == (Decimal("180.75"), Decimal("120.5"), Decimal("361.5"))
    unknown = carbon_cost(UNKNOWN, Money(Decimal(100), "EUR"))
    assert (unknown.value, unknown.currency) == (None, "EUR")
    assert carbon_cost(certain(0.0), Money(Decimal(100), "EUR")).value == 0

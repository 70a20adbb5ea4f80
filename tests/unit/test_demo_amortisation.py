# SPDX-License-Identifier: Apache-2.0
"""The schedule, against figures worked out by hand and against what must always hold."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.demo.amortisation import Instalment, Terms, schedule


def terms(**changes: object) -> Terms:
    values = {
        "amount_cents": 120_000,
        "term_months": 3,
        "deferral_months": 0,
        "rate_annual_percent": Decimal(12),
        "fee_annual_percent": Decimal(0),
        "guarantee_share_percent": Decimal(90),
    }
    return Terms(**(values | changes))


def test_three_months_at_one_percent() -> None:
    # EUR 1,200 at 1 % a month: annuity 1200 x 0.01 / (1 - 1.01^-3) = 408.0265..., rounded to 408.03.
    # Month 1: interest 12.00, principal 396.03, balance 803.97. Month 2: 8.0397 -> 8.04, 399.99, 403.98.
    # Month 3: 4.0398 -> 4.04, principal 403.98.
    assert schedule(terms()) == [
        Instalment(1, 39_603, 1_200, 0, 80_397),
        Instalment(2, 39_999, 804, 0, 40_398),
        Instalment(3, 40_398, 404, 0, 0),
    ]


def test_deferral_pays_interest_and_fee_only() -> None:
    # Fee: 90 % of EUR 1,200 x 0.5 % / 12 = 0.45 a month; no rate, so two repayments of 600.
    rows = schedule(terms(deferral_months=1, rate_annual_percent=Decimal(0), fee_annual_percent=Decimal("0.5")))
    assert [row.principal_cents for row in rows] == [0, 60_000, 60_000]
    assert [row.fee_cents for row in rows] == [45, 45, 23]  # last: 90 % x 600 x 0.5 % / 12 = 0.225, half up
    assert rows[0].payment_cents == 45


@pytest.mark.parametrize("changes", [{"amount_cents": 0}, {"deferral_months": 3}, {"deferral_months": -1}])
def test_a_schedule_without_repayment_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one month"):
        schedule(terms(**changes))


@given(
    amount_cents=st.integers(100, 500_000_000),
    term_months=st.integers(1, 120),
    share=st.integers(0, 100),
    rate=st.decimals(0, 20, places=2),
    data=st.data(),
)
def test_capital_is_repaid_exactly(
    amount_cents: int, term_months: int, share: int, rate: Decimal, data: st.DataObject
) -> None:
    deferral_months = data.draw(st.integers(0, term_months - 1))
    rows = schedule(
        terms(
            amount_cents=amount_cents,
            term_months=term_months,
            deferral_months=deferral_months,
            rate_annual_percent=rate,
            fee_annual_percent=Decimal("0.5"),
            guarantee_share_percent=Decimal(share),
        )
    )
    assert len(rows) == term_months
    assert sum(row.principal_cents for row in rows) == amount_cents
    assert rows[-1].balance_cents == 0
    balances = [amount_cents, *(row.balance_cents for row in rows)]
    assert all(after <= before for before, after in pairwise(balances))
    assert all(row.principal_cents == 0 for row in rows[:deferral_months])

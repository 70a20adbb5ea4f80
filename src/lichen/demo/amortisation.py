# SPDX-License-Identifier: Apache-2.0
"""The repayment schedule of a loan with a deferred start of repayment and a guarantee fee.

Constant instalments after an interest-only period: with monthly rate i, balance B and n instalments,
each one is ``B * i / (1 - (1 + i) ** -n)`` (annuity-immediate, any textbook of financial mathematics).
Money is in whole cents, so that the columns add up exactly; the last instalment absorbs the rounding.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

MONTHS_PER_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Instalment:
    """One month of a schedule; every amount in cents of euro.

    Attributes:
        month: 1 for the first month after the loan is paid out.
        principal_cents: capital repaid; zero while repayment is deferred.
        interest_cents: interest on the balance at the start of the month.
        fee_cents: guarantee fee on the guaranteed part of that balance.
        balance_cents: capital still owed at the end of the month.
    """

    month: int
    principal_cents: int
    interest_cents: int
    fee_cents: int
    balance_cents: int

    @property
    def payment_cents(self) -> int:
        """What the company pays this month: principal, interest and fee, in cents."""
        return self.principal_cents + self.interest_cents + self.fee_cents


@dataclass(frozen=True, slots=True)
class Terms:
    """What a schedule depends on.

    Attributes:
        amount_cents: capital lent, in cents of euro, above zero.
        term_months: duration, deferral included.
        deferral_months: months at the start without repayment of capital, below `term_months`.
        rate_annual_percent: nominal annual rate in percent; one twelfth applies each month.
        fee_annual_percent: annual guarantee fee in percent of the guaranteed balance.
        guarantee_share_percent: share of the balance that the State guarantees, in percent.
    """

    amount_cents: int
    term_months: int
    deferral_months: int
    rate_annual_percent: Decimal
    fee_annual_percent: Decimal
    guarantee_share_percent: Decimal


def schedule(terms: Terms) -> list[Instalment]:
    """Compute the whole schedule.

    Args:
        terms: the loan.

    Returns:
        One instalment a month; the principals sum to the amount, the last balance is zero.

    Raises:
        ValueError: no month is left for repayment, or an amount is not positive.
    """
    repayments = terms.term_months - terms.deferral_months
    if terms.amount_cents <= 0 or repayments <= 0 or terms.deferral_months < 0:
        raise ValueError("a schedule needs a positive amount and at least one month of repayment")
    with localcontext() as context:
        context.prec = 34
        monthly_rate = terms.rate_annual_percent / 100 / MONTHS_PER_YEAR
        monthly_fee = terms.fee_annual_percent * terms.guarantee_share_percent / 10_000 / MONTHS_PER_YEAR
        annuity_cents = _annuity_cents(terms.amount_cents, monthly_rate, repayments)
        rows: list[Instalment] = []
        balance_cents = terms.amount_cents
        for month in range(1, terms.term_months + 1):
            interest_cents = _round(balance_cents * monthly_rate)
            fee_cents = _round(balance_cents * monthly_fee)
            if month <= terms.deferral_months:
                principal_cents = 0
            elif month == terms.term_months:
                principal_cents = balance_cents
            else:
                principal_cents = min(annuity_cents - interest_cents, balance_cents)
            balance_cents -= principal_cents
            rows.append(Instalment(month, principal_cents, interest_cents, fee_cents, balance_cents))
        return rows


def _annuity_cents(amount_cents: int, monthly_rate: Decimal, repayments: int) -> int:
    if monthly_rate == 0:
        return _round(Decimal(amount_cents) / repayments)
    return _round(amount_cents * monthly_rate / (1 - (1 + monthly_rate) ** -repayments))


def _round(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))

# SPDX-License-Identifier: Apache-2.0
"""Pages open to everybody: home, simulator, sign-in."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lichen.demo import amortisation, forms, rules
from lichen.demo.amortisation import Instalment, Terms
from lichen.demo.forms import Submission
from lichen.demo.passwords import verify_password
from lichen.demo.products import Product
from lichen.demo.seed import ADVISER_EMAIL, DEMO_PASSWORD
from lichen.demo.site import SESSION_COOKIE, account_of, open_session, page, see, site_of

STORIES: Final = ("bakery", "greenhouse", "harbour")
GALLERY: Final = ("bridge", "street", "forest", "vineyard", "rails", "solar")
_CENTS_PER_EURO: Final = 100


async def home(request: Request) -> Response:
    """Show the products, stories of borrowers and how it works."""
    return page(request, "home.html", products=site_of(request).products.values(), stories=STORIES, gallery=GALLERY)


async def simulator(request: Request) -> Response:
    """Show the form and, once amount and term are given, the whole schedule."""
    product = site_of(request).products.get(request.path_params["product"])
    if product is None:
        return not_found(request)
    asked = "amount_eur" in request.query_params
    form = dict(request.query_params) if asked else defaults(product)
    fields = (*forms.loan_fields(product.loan), *product.simulator_fields)
    # A simulation binds nobody: what is left empty is simply unknown to the adjustments of the rate.
    optional = [field.model_copy(update={"required": False}) for field in product.simulator_fields]
    submission = forms.read_loan(product.loan, optional, form)
    if not asked:
        submission.errors = {}
    return page(
        request,
        "simulator.html",
        product=product,
        fields=fields,
        submission=submission,
        result=simulate(product, submission) if asked and submission.valid else None,
    )


def defaults(product: Product) -> dict[str, str]:
    """Return what the loan questions are filled with at first."""
    loan = product.loan
    return {
        "amount_eur": str(loan.amount_default_eur),
        "term_months": str(loan.term_default_months),
        "deferral_months": str(loan.deferral_default_months),
    }


def simulate(product: Product, submission: Submission) -> dict[str, Any]:
    """Compute what the simulator shows: terms, schedule, totals in cents and the series of the chart."""
    values = submission.values
    terms = terms_of(product, values)
    rows = amortisation.schedule(terms)
    return {
        "terms": terms,
        "rows": rows,
        "years": _by_year(rows),
        "payment_cents": rows[terms.deferral_months].payment_cents,
        "interest_cents": sum(row.interest_cents for row in rows),
        "fee_cents": sum(row.fee_cents for row in rows),
        "chart": {
            "balance": [row.balance_cents / _CENTS_PER_EURO for row in rows],
            "principal": [row.principal_cents / _CENTS_PER_EURO for row in rows],
            "interest": [row.interest_cents / _CENTS_PER_EURO for row in rows],
            "fee": [row.fee_cents / _CENTS_PER_EURO for row in rows],
        },
    }


def terms_of(product: Product, values: Mapping[str, Any]) -> Terms:
    """Return the terms of a loan for accepted answers."""
    return Terms(
        amount_cents=int(values["amount_eur"]) * _CENTS_PER_EURO,
        term_months=int(values["term_months"]),
        deferral_months=int(values["deferral_months"]),
        rate_annual_percent=rules.rate_annual_percent(product, values),
        fee_annual_percent=product.guarantee.fee_annual_percent,
        guarantee_share_percent=Decimal(rules.guarantee_share_percent(product, values)),
    )


def _by_year(rows: list[Instalment]) -> list[dict[str, int]]:
    """Sum the schedule by year of the loan; the balance is that of the year's end."""
    years = []
    for start in range(0, len(rows), amortisation.MONTHS_PER_YEAR):
        part = rows[start : start + amortisation.MONTHS_PER_YEAR]
        years.append(
            {
                "year": start // amortisation.MONTHS_PER_YEAR + 1,
                "payment_cents": sum(row.payment_cents for row in part),
                "principal_cents": sum(row.principal_cents for row in part),
                "interest_cents": sum(row.interest_cents for row in part),
                "fee_cents": sum(row.fee_cents for row in part),
                "balance_cents": part[-1].balance_cents,
            }
        )
    return years


async def sign_in_form(request: Request) -> Response:
    """Show the sign-in form with the demonstration account."""
    return _sign_in_page(request, refused=False)


async def sign_in(request: Request) -> Response:
    """Check the password and open a session."""
    form = await request.form()
    email, password = str(form.get("email", "")).strip().lower(), str(form.get("password", ""))
    row = site_of(request).database.row("SELECT id, password FROM account WHERE email = ?", [email])
    if row is None or not verify_password(password, row["password"]):
        return _sign_in_page(request, refused=True)
    response = see("/applications")
    open_session(request, response, int(row["id"]))
    return response


async def sign_out(request: Request) -> Response:
    """End the session."""
    site_of(request).database.change("DELETE FROM session WHERE token = ?", [request.cookies.get(SESSION_COOKIE, "")])
    response = see("/")
    response.delete_cookie(SESSION_COOKIE)
    return response


def _sign_in_page(request: Request, *, refused: bool) -> Response:
    if account_of(request) is not None and not refused:
        return see("/applications")
    return page(
        request,
        "sign_in.html",
        status_code=401 if refused else 200,
        refused=refused,
        demo_email=ADVISER_EMAIL,
        demo_password=DEMO_PASSWORD,
    )


def not_found(request: Request) -> Response:
    """Say that there is no such page."""
    return page(request, "notice.html", status_code=404, notice="not_found", retry=None)


ROUTES: Final = [
    Route("/", home),
    Route("/simulate/{product}", simulator),
    Route("/sign-in", sign_in_form, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]

# SPDX-License-Identifier: Apache-2.0
"""Expressions, rules, forms and documents of the loan portal."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.demo import documents, forms, rules
from lichen.demo.expressions import ExpressionError, parse
from lichen.demo.products import Product, load_all

PDF = b"%PDF-1.4\nbody\n%%EOF\n"
TREASURY = {
    "amount_eur": 200_000,
    "term_months": 60,
    "deferral_months": 12,
    "turnover_eur": 2_400_000,
    "employees": 14,
    "payroll_eur": 560_000,
    "young_company": False,
    "in_proceedings": False,
    "sector": "industry",
    "cash_months": 2.5,
}
HELD = {"accounts", "cash-plan"}


@pytest.fixture(scope="module")
def treasury() -> Product:
    return load_all()["treasury-guarantee"]


@pytest.fixture(scope="module")
def green() -> Product:
    return load_all()["green-investment"]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("1 + 2 * 3 - 4 / 8", {}, 6.5),
        ("-a", {"a": 2}, -2),
        ("1 < a <= 3", {"a": 3}, True),
        ("1 < a <= 3", {"a": 1}, False),
        ('s in ("x", "y")', {"s": "y"}, True),
        ('s not in ("x", "y")', {"s": "y"}, False),
        ("max(a, 0.25 * b)", {"a": 1, "b": 8}, 2.0),
        ("a if c else b", {"a": 1, "b": 2, "c": False}, 2),
        ("a + 1", {"a": None}, None),
        ("a / b", {"a": 1, "b": 0}, None),
        ("a and b", {"a": None, "b": False}, False),
        ("a and b", {"a": None, "b": True}, None),
        ("a or b", {"a": None, "b": True}, True),
        ("a or b", {"a": None, "b": False}, None),
        ("not a", {"a": None}, None),
        ('a < "x"', {"a": 1}, None),
    ],
)
def test_expressions_compute_and_unknown_propagates(text: str, values: dict, expected: object) -> None:
    assert parse(text).evaluate(values) == expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "a.b",
        "a[0]",
        "2 ** 9999",
        "lambda: 1",
        "[x for x in a]",
        "f'{a}'",
        "min()",
        "abs(1, 2)",
        "min(a, key=b)",
        "a is b",
        "(1, 2)",
        "s in x",
        "a :=",
        "",
        "1 + " * 200 + "1",
    ],
)
def test_anything_outside_the_language_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


@given(st.text(max_size=40))
def test_no_text_does_more_than_fail_to_parse(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError:
        return
    assert expression.evaluate(dict.fromkeys(expression.names)) in (None, expression.evaluate({}))


def test_a_sound_application_is_approved_with_every_point(treasury: Product) -> None:
    assessment = rules.assess(treasury, TREASURY, HELD)
    # 200,000 <= 0.15 x 2,400,000 (40) + less than six months of cash (30) + 200,000 / 14 <= 60,000 (30)
    assert (assessment.decision, assessment.score, assessment.score_max) == ("approved", 100, 100)
    assert assessment.ceiling_eur == pytest.approx(600_000)
    assert assessment.guarantee_share_percent == 90


@pytest.mark.parametrize(
    ("change", "held", "decision"),
    [
        ({"amount_eur": 600_001}, HELD, "refused"),
        ({"amount_eur": 600_000}, HELD, "approved"),
        ({"sector": "finance"}, HELD, "refused"),
        ({"in_proceedings": True}, set(), "refused"),
        ({}, {"accounts"}, "documents_requested"),
        ({"amount_eur": 500_000, "cash_months": 8.0}, HELD, "in_review"),
        ({"turnover_eur": 20_000_000, "amount_eur": 3_000_001, "employees": 400}, HELD, "in_review"),
        ({"turnover_eur": None}, HELD, "in_review"),
    ],
)
def test_decisions(treasury: Product, change: dict, held: set, decision: str) -> None:
    assert rules.assess(treasury, TREASURY | change, held).decision == decision


def test_a_young_company_borrows_on_its_payroll(treasury: Product) -> None:
    values = TREASURY | {"young_company": True, "turnover_eur": 100_000}
    assert rules.ceiling_eur(treasury, values) == pytest.approx(1_120_000)


@pytest.mark.parametrize(("turnover_eur", "share"), [(10**9, 90), (2 * 10**9, 80), (6 * 10**9, 70)])
def test_guarantee_falls_with_size(treasury: Product, turnover_eur: int, share: int) -> None:
    assert rules.guarantee_share_percent(treasury, TREASURY | {"turnover_eur": turnover_eur}) == share


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        ({}, "3.20"),
        ({"co2e_avoided_t_per_year": 50.0}, "2.80"),
        ({"co2e_avoided_t_per_year": 60.0, "project_kind": "renewables", "own_funds_percent": 30.0}, "2.60"),
        ({"co2e_avoided_t_per_year": None}, "3.20"),
    ],
)
def test_the_rate_falls_with_carbon_avoided(green: Product, values: dict, rate: str) -> None:
    assert rules.rate_annual_percent(green, values) == Decimal(rate)


def test_unknown_carbon_goes_to_an_analyst(green: Product) -> None:
    values = {
        "amount_eur": 400_000,
        "turnover_eur": 5_000_000,
        "age_years": 9,
        "project_cost_eur": 600_000,
        "own_funds_percent": 25.0,
        "co2e_avoided_t_per_year": None,
    }
    assert rules.assess(green, values, {"quote", "accounts"}).decision == "in_review"


@pytest.mark.parametrize(
    ("digits", "valid"),
    [("732829320", True), ("732829321", False), ("12345678", False), ("٧٣٢٨٢٩٣٢٠", False), ("", False)],
)
def test_siren_check_digit(digits: str, valid: bool) -> None:
    assert forms.is_siren(digits) is valid


@pytest.mark.parametrize(
    ("typed", "value", "problem"),
    [
        ("150 000", 150_000, None),
        ("150\u202f000", 150_000, None),
        ("", None, "error.required"),
        ("12,5", None, "error.whole"),
        ("nan", None, "error.whole"),
        ("4999", None, "error.minimum"),
        ("5000001", None, "error.maximum"),
    ],
)
def test_amounts_as_people_type_them(treasury: Product, typed: str, value: int | None, problem: str | None) -> None:
    form = {"amount_eur": typed, "term_months": "60", "deferral_months": "12"}
    submission = forms.read_loan(treasury.loan, (), form)
    assert submission.values.get("amount_eur") == value
    assert submission.errors.get("amount_eur", (None,))[0] == problem


def test_the_deferral_leaves_a_month_for_repayment(treasury: Product) -> None:
    form = {"amount_eur": "10000", "term_months": "12", "deferral_months": "12"}
    assert forms.read_loan(treasury.loan, (), form).errors == {"deferral_months": ("error.deferral", None)}


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (PDF, "accepted"),
        (b"", "empty"),
        (b"GIF89a", "type"),
        (b"\x89PNG\r\n\x1a\n", "type"),
        (b"%PDF-1.4\nhalf", "truncated"),
        (b"%PDF-1.4" + b"x" * 2_000_000 + b"%%EOF", "too_large"),
    ],
)
def test_documents_are_judged_by_their_content(treasury: Product, content: bytes, verdict: str) -> None:
    spec = treasury.document("accounts")
    assert spec is not None
    assert documents.check(content, spec).verdict == verdict


def test_a_document_changed_after_reception_is_found(treasury: Product) -> None:
    spec = treasury.document("accounts")
    assert spec is not None
    received = documents.check(PDF, spec).sha256
    assert documents.check(PDF, spec, expected_sha256=received).accepted
    assert documents.check(PDF + b"%%EOF", spec, expected_sha256=received).verdict == "mismatch"

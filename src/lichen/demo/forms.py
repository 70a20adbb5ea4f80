# SPDX-License-Identifier: Apache-2.0
"""Reading submitted forms: the server parses and checks each field, whatever the browser did."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lichen.demo.expressions import Value
from lichen.demo.products import FieldSpec, Loan, Text

_SPACES = str.maketrans("", "", " \u00a0\u202f\t")
"""Spaces that people type inside numbers: ordinary, no-break, narrow no-break."""


@dataclass
class Submission:
    """A form as read: parsed values, and the key of a message for each refused field.

    Attributes:
        values: field name to value; None where an optional field was left empty.
        errors: field name to the message key, with the numbers that the message quotes.
        raw: what was typed, shown again beside the errors.
    """

    values: dict[str, Value] = field(default_factory=dict)
    errors: dict[str, tuple[str, float | None]] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether every field was accepted."""
        return not self.errors


def loan_fields(loan: Loan) -> tuple[FieldSpec, ...]:
    """Return the three questions on the loan itself, with the limits of the product."""
    return (
        _loan_field("amount_eur", "money", loan.amount_min_eur, loan.amount_max_eur),
        _loan_field("term_months", "integer", loan.term_min_months, loan.term_max_months),
        _loan_field("deferral_months", "integer", 0, loan.deferral_max_months),
    )


def _loan_field(name: str, kind: str, minimum: float, maximum: float) -> FieldSpec:
    label, help_text = _LOAN_TEXTS[name]
    return FieldSpec.model_validate(
        {
            "name": name, "type": kind, "step": "project", "label": label, "help": help_text,
            "minimum": minimum, "maximum": maximum,
        }
    )  # fmt: skip


_LOAN_TEXTS = {
    "amount_eur": (
        Text(en="Amount of the loan", fr="Montant du prêt"),
        Text(en="In whole euros.", fr="En euros entiers."),
    ),
    "term_months": (
        Text(en="Term in months", fr="Durée en mois"),
        Text(en="Deferred start included.", fr="Différé compris."),
    ),
    "deferral_months": (
        Text(en="Deferred start in months", fr="Différé en mois"),
        Text(en="Months without repayment of capital.", fr="Mois sans remboursement du capital."),
    ),
}

COMPANY_FIELDS = (
    FieldSpec(
        name="siren",
        type="text",
        step="company",
        max_length=11,
        label=Text(en="SIREN number", fr="Numéro SIREN"),
        help=Text(en="Nine digits, on every invoice of the company.", fr="Neuf chiffres, sur chaque facture."),
    ),
    FieldSpec(
        name="company_name",
        type="text",
        step="company",
        max_length=80,
        label=Text(en="Company name", fr="Raison sociale"),
        help=Text(en="As registered.", fr="Telle qu'elle est immatriculée."),
    ),
)
"""Questions on the identity of the company, the same for every product."""


def read(fields: Iterable[FieldSpec], form: Mapping[str, str]) -> Submission:
    """Parse and check a form.

    Args:
        fields: the questions that were asked; anything else in the form is ignored.
        form: name to what was typed.

    Returns:
        The submission, with an error for each field that is missing, malformed or out of its limits.
    """
    submission = Submission()
    for spec in fields:
        text = form.get(spec.name, "").strip()
        submission.raw[spec.name] = text
        value, problem = _parse(spec, text)
        if problem is None:
            submission.values[spec.name] = value
        else:
            submission.errors[spec.name] = problem
    return submission


def read_loan(loan: Loan, extra: Iterable[FieldSpec], form: Mapping[str, str]) -> Submission:
    """Parse the questions on the loan and `extra` ones; the deferral must leave a month for repayment."""
    submission = read((*loan_fields(loan), *extra), form)
    term, deferral = submission.values.get("term_months"), submission.values.get("deferral_months")
    if isinstance(term, int) and isinstance(deferral, int) and deferral >= term:
        submission.errors["deferral_months"] = ("error.deferral", None)
    return submission


def _parse(spec: FieldSpec, text: str) -> tuple[Value, tuple[str, float | None] | None]:
    if spec.type == "boolean":
        return text in {"on", "true", "1"}, None
    if not text:
        return None, ("error.required", None) if spec.required else None
    if spec.type == "choice":
        known = any(choice.value == text for choice in spec.choices)
        return (text, None) if known else (None, ("error.choice", None))
    if spec.type == "text":
        return _parse_text(spec, text)
    number = _number(text, whole=spec.type != "decimal")
    if number is None:
        return None, ("error.whole" if spec.type != "decimal" else "error.number", None)
    if spec.minimum is not None and number < spec.minimum:
        return None, ("error.minimum", spec.minimum)
    if spec.maximum is not None and number > spec.maximum:
        return None, ("error.maximum", spec.maximum)
    return number, None


def _parse_text(spec: FieldSpec, text: str) -> tuple[Value, tuple[str, float | None] | None]:
    if spec.name == "siren":
        digits = text.translate(_SPACES)
        return (digits, None) if is_siren(digits) else (None, ("error.siren", None))
    if len(text) > spec.max_length:
        return None, ("error.length", float(spec.max_length))
    return text, None


def _number(text: str, *, whole: bool) -> float | int | None:
    """Read a number typed with a point or a comma and with spaces between thousands."""
    plain = text.translate(_SPACES).replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        return None
    if not math.isfinite(number) or (whole and not number.is_integer()):
        return None
    return int(number) if whole else number


def is_siren(digits: str) -> bool:
    """Say whether nine digits carry a valid Luhn check digit (ISO/IEC 7812-1), as a SIREN number does."""
    if len(digits) != 9 or not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for position, digit in enumerate(int(character) for character in reversed(digits)):
        doubled = digit * 2 if position % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0

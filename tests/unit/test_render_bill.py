# SPDX-License-Identifier: Apache-2.0
"""What an import of bills says, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from lichen.render.bill import bill_lines

METER = {
    "provider": "aws",
    "service": "EC2",
    "meter": "Box",
    "unit": "Hrs",
    "lines": 1,
    "effective": "1.5",
    "currency": "EUR",
}


def found(**own: Any) -> dict[str, Any]:
    """What an import found: nothing but one line."""
    return {
        "unchanged": False, "dry_run": False, "duplicates": [], "left_out": [], "files": [], "periods": [], "lines": 1,
        "charges": 1, "moved_lines": 0, "money": [], "coverage": [], "unallocated": [], "nearest": [], "unknown_meters": [],
        "unknown_regions": [], "utilisation": None, "overlaps": [], "applications_made": [], "rows": 1, **own,
    }  # fmt: skip


def told(lang: str = "en", **own: Any) -> list[str]:
    """The lines between what is always there, with plain spaces."""
    first, *lines, last = (
        line.replace("\u00a0", " ").replace("\u202f", " ") for line in bill_lines(found(**own), lang)
    )
    assert (first, last) == {
        "en": ("1 line, 1 charge", "written: 1 row of the ledger"),
        "fr": ("1 ligne, 1 poste", "écrit : 1 ligne du registre"),
    }[lang]
    return lines


def test_numbers_have_their_noun() -> None:
    lines = list(bill_lines(found(lines=1200, charges=0, rows=2), "en"))
    assert (lines[0], lines[-1]) == ("1,200 lines, 0 charges", "written: 2 rows of the ledger")
    assert next(bill_lines(found(charges=0), "fr")) == "1 ligne, 0 poste"
    overlap = {"source": "bill:a4", "other": "bill:b", "period": "2026-10-01", "accounts": ["4"]}
    assert told(overlaps=[overlap]) == [
        "bill:a4 and bill:b have 1 account in common in 2026-10: their money may be counted twice"
    ]
    assert "ont 2 comptes en commun en 2026-10" in told("fr", overlaps=[{**overlap, "accounts": ["4", "5"]}])[0]


def test_a_unit_that_is_not_read_is_no_lack_of_a_rule() -> None:
    meters = [{**METER, "reason": "no_rule"}, {**METER, "unit": "GB-Fortnight", "reason": "unknown_unit"}]
    assert told(unknown_meters=meters) == [
        "no rule knows EC2, Box (Hrs): 1.50 EUR, 1 line",
        "unit GB-Fortnight of EC2, Box is not read: 1.50 EUR, 1 line",
    ]
    assert "l’unité GB-Fortnight de « EC2, Box » n’est pas lue" in told("fr", unknown_meters=meters)[1]


def test_what_would_read_alike_is_said_once() -> None:
    meters = [{**METER, "reason": "no_rule", "effective": amount} for amount in ("0.1", None, "0.2")]
    assert told(unknown_meters=[*meters, {**METER, "reason": "no_rule", "currency": "USD"}]) == [
        "no rule knows EC2, Box (Hrs): 0.30 EUR, 3 lines",
        "no rule knows EC2, Box (Hrs): 1.50 USD, 1 line",
    ]
    assert told(unknown_meters=[{**METER, "reason": "no_rule", "effective": None}])[0].endswith(
        "(Hrs): unknown, 1 line"
    )
    near = [{**METER, "unit": unit, "nearest": "aws:m5.large"} for unit in ("Hrs", "Hours")]
    assert told(nearest=near) == ["Box: aws:m5.large stands for it, 2 lines"]


def test_long_names_are_cut() -> None:
    (line,) = told(unknown_meters=[{**METER, "meter": "x" * 600, "reason": "no_rule"}])
    assert line == f"no rule knows EC2, {'x' * 79}… (Hrs): 1.50 EUR, 1 line"
    many = [{**METER, "meter": str(number), "reason": "no_rule"} for number in range(7)]
    assert told(unknown_meters=many)[5:] == ["2 more: --json lists them"]


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "unknown region moon-1 (AWS): no grid is taken for it"),
        ("fr", "région inconnue moon-1 (AWS) : aucun réseau électrique n’en tient lieu"),
    ],
)
def test_providers_have_names(lang: str, sentence: str) -> None:
    assert told(lang, unknown_regions=[["aws", "moon-1"], ["acme", "x"]])[0] == sentence
    assert "(acme)" in told(lang, unknown_regions=[["acme", "x"]])[0]


def test_money_without_a_currency_is_told() -> None:
    money = {"currency": "", "effective": "3", "covered": None, "covered_list": None}
    assert told(money=[money]) == ["cost: 3.00 (no currency told)"]
    assert told("fr", money=[money]) == ["coût : 3,00 (monnaie non dite)"]


def test_measured_loads_that_the_bill_lacks_are_named() -> None:
    absent = [f"i-{number}" for number in range(7)]
    assert told(utilisation={"resources": 1200, "absent": absent}) == [
        "measured loads: 1,193 of 1,200 resources in this bill on days that were measured",
        *(f"  not in this bill: i-{number}" for number in range(5)),
        "  2 more: --json lists them",
    ]
    assert told("fr", utilisation={"resources": 1, "absent": []}) == [
        "charges mesurées : 1 sur 1 ressource dans cette facture, aux jours mesurés"
    ]


def test_files_that_are_no_bill_are_named() -> None:
    lines = list(bill_lines(found(left_out=["exports/notes.txt"]), "en"))
    assert lines[0] == "exports/notes.txt is no bill: left out"

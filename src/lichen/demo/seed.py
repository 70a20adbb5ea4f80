# SPDX-License-Identifier: Apache-2.0
"""The deterministic data set: 60 companies, 400 applications with documents, events and messages."""

import hashlib
import json
import random
import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from lichen.demo import BUSINESS_DATE, rules
from lichen.demo.database import SCHEMA
from lichen.demo.expressions import Value
from lichen.demo.forms import is_siren
from lichen.demo.passwords import hash_password
from lichen.demo.products import PRODUCTS_DIR, Product, load_all

COMPANIES: Final = 60
APPLICATIONS: Final = 400
HISTORY_DAYS: Final = 360
_SEED: Final = 20_250_630

DEMO_PASSWORD: Final = "lichen-demo"  # noqa: S105  # public on the sign-in page of a sample application
ADVISER_EMAIL: Final = "adviser@portal.example"
COMPANY_EMAIL: Final = "company@portal.example"

_FIRST: Final = (
    "Atelier", "Boulangerie", "Menuiserie", "Transports", "Imprimerie", "Domaine", "Fonderie", "Chantier",
    "Laiterie", "Garage", "Filature", "Verrerie",
)  # fmt: skip
_SECOND: Final = ("du Lac", "des Aulnes", "Saint-Rémi", "de la Plaine", "Corbières")
_CITIES: Final = (
    "Lyon", "Nantes", "Lille", "Brest", "Annecy", "Pau", "Reims", "Tours", "Metz", "Nîmes", "Limoges",
    "Dijon", "Rouen", "Bastia", "Le Mans",
)  # fmt: skip
_SECTORS: Final = ("industry", "construction", "trade", "hospitality", "services", "farming")

_COURSES: Final[dict[str, tuple[str, ...]]] = {
    "approved": ("submitted", "scored", "approved"),
    "paid": ("submitted", "scored", "approved", "paid"),
    "refused": ("submitted", "scored", "refused"),
    "in_review": ("submitted", "scored", "in_review"),
    "documents_requested": ("submitted", "scored", "documents_requested"),
}
_WEIGHTS: Final = {"approved": 22, "paid": 38, "refused": 12, "in_review": 16, "documents_requested": 12}
_DOCUMENTS: Final = {
    "treasury-guarantee": ("accounts", "cash-plan", "registration"),
    "green-investment": ("quote", "accounts"),
}
_MESSAGES: Final = (
    (
        "Thank you, your file is complete. An analyst reads it this week.",
        "Merci, votre dossier est complet. Un analyste le lit cette semaine.",
    ),
    (
        "Could you tell us which suppliers are paid first?",
        "Pouvez-vous nous dire quels fournisseurs sont payés en premier ?",
    ),
    (
        "The guarantee is registered; the funds arrive within five working days.",
        "La garantie est enregistrée ; les fonds arrivent sous cinq jours ouvrés.",
    ),
)


@dataclass(frozen=True, slots=True)
class _Company:
    company_id: int
    sector: str
    turnover_eur: int
    employees: int


def build(path: Path) -> None:
    """Write the seed database.

    Args:
        path: a file that does not exist yet; the same bytes of data on every call.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        connection.execute("BEGIN")
        # Reproducible sample data, nothing secret.
        source = random.Random(_SEED)  # noqa: S311
        companies = _companies(connection, source)
        _accounts(connection)
        products = load_all(PRODUCTS_DIR)
        for number in range(1, APPLICATIONS + 1):
            _application(connection, source, number, companies, products)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _companies(connection: sqlite3.Connection, source: random.Random) -> list[_Company]:
    names = [f"{first} {second}" for second in _SECOND for first in _FIRST]
    companies = []
    for number, name in enumerate(names[:COMPANIES], start=1):
        employees = int(2 + source.paretovariate(1.1) * 6)
        turnover_eur = employees * source.randrange(60, 240) * 1000
        company = _Company(number, source.choice(_SECTORS), turnover_eur, employees)
        siren = _siren(320_000_00 + number * 7919)
        connection.execute(
            "INSERT INTO company VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, siren, name, source.choice(_CITIES), company.sector, turnover_eur, employees),
        )
        companies.append(company)
    return companies


def _siren(stem: int) -> str:
    """Complete eight digits with the check digit that makes a SIREN number valid."""
    return next(f"{stem}{digit}" for digit in range(10) if is_siren(f"{stem}{digit}"))


def _accounts(connection: sqlite3.Connection) -> None:
    """Two people: an adviser who follows every company, and the owner of the first one."""
    for number, (email, name, company_id) in enumerate(
        ((ADVISER_EMAIL, "Camille Roussel", None), (COMPANY_EMAIL, "Sacha Berger", 1)), start=1
    ):
        salt = hashlib.sha256(email.encode()).digest()[:16]
        connection.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?)",
            (number, email, name, hash_password(DEMO_PASSWORD, salt), company_id),
        )


def _answers(source: random.Random, product: str, company: _Company) -> dict[str, Value]:
    """Return what an applicant of this company would answer, mostly within the ceiling of the product."""
    answers: dict[str, Value] = {"deferral_months": 12, "turnover_eur": company.turnover_eur}
    if product == "treasury-guarantee":
        amount_eur = round(company.turnover_eur * source.uniform(0.05, 0.26), -3)
        return answers | {
            "amount_eur": int(min(max(amount_eur, 5_000), 5_000_000)),
            "term_months": source.choice((36, 48, 60, 72)),
            "employees": company.employees,
            "payroll_eur": company.employees * 38_000,
            "young_company": False,
            "in_proceedings": source.random() < 0.03,
            "sector": company.sector,
            "purpose": "Wages, suppliers and rent until the season starts.",
            "cash_months": round(source.uniform(0.5, 9), 1),
        }
    cost_eur = round(min(max(company.turnover_eur * source.uniform(0.1, 0.5), 30_000), 3_500_000), -3)
    share = source.uniform(0.5, 0.82)
    return answers | {
        "amount_eur": int(round(max(cost_eur * share, 20_000), -3)),
        "term_months": source.choice((60, 84, 96, 120)),
        "age_years": source.randrange(2, 40),
        "project_kind": source.choice(("renovation", "heat", "transport", "renewables")),
        "project_cost_eur": int(cost_eur),
        "own_funds_percent": round(100 * (1 - share), 1),
        "co2e_avoided_t_per_year": round(cost_eur / source.randrange(6_000, 30_000), 1),
    }


def _application(
    connection: sqlite3.Connection,
    source: random.Random,
    number: int,
    companies: list[_Company],
    products: dict[str, Product],
) -> None:
    product = source.choices(tuple(_DOCUMENTS), weights=(3, 2))[0]
    # Older files first, so that identifiers grow with time as in a real register.
    age_days = HISTORY_DAYS - (number * HISTORY_DAYS) // (APPLICATIONS + 1)
    submitted = BUSINESS_DATE - timedelta(days=age_days)
    status = source.choices(tuple(_WEIGHTS), weights=tuple(_WEIGHTS.values()))[0]
    if age_days > 60 and status in {"in_review", "documents_requested"}:
        status = "paid"
    if age_days <= 12 and status == "paid":
        status = "approved"
    company = companies[source.randrange(COMPANIES)]
    answers = _answers(source, product, company)
    assessment = rules.assess(products[product], answers, _DOCUMENTS[product])
    if assessment.decision == "refused":
        status = "refused"
    dates = _dates(source, submitted, len(_COURSES[status]))
    decided_on = dates[2].isoformat() if status in {"approved", "paid", "refused"} else None
    connection.execute(
        "INSERT INTO application VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, company.company_id, product, status, answers["amount_eur"], answers["term_months"],
            answers["deferral_months"], submitted.isoformat(), decided_on, assessment.score,
            assessment.score_max, str(assessment.rate_annual_percent), str(assessment.guarantee_share_percent),
            json.dumps(answers),
            json.dumps([[finding.rule_id, finding.outcome] for finding in assessment.findings]), None,
        ),
    )  # fmt: skip
    for kind, occurred in zip(_COURSES[status], dates, strict=True):
        actor = {"submitted": "applicant", "scored": "engine"}.get(kind, "analyst")
        _insert(connection, "event", "application_id, occurred_on, kind, actor", (number, occurred, kind, actor))
    for kind in _DOCUMENTS[product]:
        lacking = status == "documents_requested" and kind == "accounts"
        if not lacking:
            _document(connection, source, number, kind, submitted)
    for body_en, body_fr in _MESSAGES[: source.randrange(0, 4)]:
        columns = "application_id, sent_on, sender, body_en, body_fr"
        _insert(connection, "message", columns, (number, dates[1], "analyst", body_en, body_fr))


def _document(connection: sqlite3.Connection, source: random.Random, number: int, kind: str, received: date) -> None:
    filename = f"{kind}-{received.year}-{number:04d}.pdf"
    digest = hashlib.sha256(filename.encode()).hexdigest()
    columns = "application_id, kind, filename, media_type, size_bytes, sha256, verdict, received_on"
    size_bytes = source.randrange(40_000, 900_000)
    _insert(
        connection,
        "document",
        columns,
        (number, kind, filename, "application/pdf", size_bytes, digest, "accepted", received),
    )


def _dates(source: random.Random, start: date, count: int) -> list[date]:
    """Return `count` days from `start` on, never after the business date."""
    days = [start]
    for _ in range(count - 1):
        days.append(min(days[-1] + timedelta(days=source.randrange(0, 6)), BUSINESS_DATE))
    return days


def _insert(
    connection: sqlite3.Connection, table: str, columns: str, values: tuple[str | int | date | None, ...]
) -> None:
    marks = ", ".join("?" * len(values))
    plain = tuple(value.isoformat() if isinstance(value, date) else value for value in values)
    connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", plain)

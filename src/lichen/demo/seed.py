# SPDX-License-Identifier: Apache-2.0
"""The deterministic data set: 60 companies, 400 applications with documents, events and messages."""

import hashlib
import json
import random
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from lichen.demo import BUSINESS_DATE
from lichen.demo.database import SCHEMA
from lichen.demo.forms import is_siren
from lichen.demo.passwords import hash_password

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
        _companies(connection, source)
        _accounts(connection)
        for number in range(1, APPLICATIONS + 1):
            _application(connection, source, number)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _companies(connection: sqlite3.Connection, source: random.Random) -> None:
    names = [f"{first} {second}" for second in _SECOND for first in _FIRST]
    for number, name in enumerate(names[:COMPANIES], start=1):
        employees = int(2 + source.paretovariate(1.1) * 6)
        connection.execute(
            "INSERT INTO company VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                _siren(320_000_00 + number * 7919),
                name,
                source.choice(_CITIES),
                source.choice(_SECTORS),
                employees * source.randrange(60, 240) * 1000,
                employees,
            ),
        )


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


def _application(connection: sqlite3.Connection, source: random.Random, number: int) -> None:
    product = source.choices(tuple(_DOCUMENTS), weights=(3, 2))[0]
    # Older files first, so that identifiers grow with time as in a real register.
    age_days = HISTORY_DAYS - (number * HISTORY_DAYS) // (APPLICATIONS + 1)
    submitted = BUSINESS_DATE - timedelta(days=age_days)
    status = source.choices(tuple(_WEIGHTS), weights=tuple(_WEIGHTS.values()))[0]
    if age_days > 60 and status in {"in_review", "documents_requested"}:
        status = "paid"
    if age_days <= 12 and status == "paid":
        status = "approved"
    amount_eur = source.randrange(10, 400) * (1_000 if product == "treasury-guarantee" else 3_000)
    term_months = source.choice((36, 48, 60, 72) if product == "treasury-guarantee" else (60, 84, 96, 120))
    score = {"refused": source.randrange(0, 40)}.get(status, source.randrange(45, 101))
    dates = _dates(source, submitted, len(_COURSES[status]))
    decided_on = dates[2].isoformat() if status in {"approved", "paid", "refused"} else None
    answers = {"amount_eur": amount_eur, "term_months": term_months, "deferral_months": 12}
    connection.execute(
        "INSERT INTO application VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, source.randrange(1, COMPANIES + 1), product, status, amount_eur, term_months, 12,
            submitted.isoformat(), decided_on,
            score, 100, "2.10" if product == "treasury-guarantee" else "3.20",
            "90" if product == "treasury-guarantee" else "50",
            json.dumps(answers), "[]", None,
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

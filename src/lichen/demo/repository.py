# SPDX-License-Identifier: Apache-2.0
"""The queries of portal and back office on their shared database."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lichen.demo import BUSINESS_DATE
from lichen.demo.database import Database
from lichen.demo.expressions import Value
from lichen.demo.rules import Assessment

STATUSES: Final = ("in_review", "documents_requested", "approved", "paid", "refused")
PAGE_ROWS: Final = 40
_MONTHS_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in; `company_id` is None for an adviser, who follows every company."""

    account_id: int
    name: str
    email: str
    company_id: int | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to; an empty text does not narrow."""

    status: str = ""
    product: str = ""
    company: str = ""

    def where(self, account: Account) -> tuple[str, list[str | int]]:
        """Return the condition and its parameters, never wider than what the account may see."""
        clauses, parameters = ["application.status <> 'draft'"], list[str | int]()
        if account.company_id is not None:
            clauses.append("application.company_id = ?")
            parameters.append(account.company_id)
        for column, value in (("status", self.status), ("product", self.product)):
            if value:
                clauses.append(f"application.{column} = ?")
                parameters.append(value)
        if self.company:
            clauses.append("instr(lower(company.name), lower(?)) > 0")
            parameters.append(self.company)
        return " AND ".join(clauses), parameters


_FROM: Final = "FROM application JOIN company ON company.id = application.company_id"


def count(database: Database, account: Account, filters: Filters) -> int:
    """Return how many applications the filters keep."""
    where, parameters = filters.where(account)
    row = database.row(f"SELECT count(*) AS n {_FROM} WHERE {where}", parameters)
    return 0 if row is None else int(row["n"])


def listing(database: Database, account: Account, filters: Filters, page: int) -> list[sqlite3.Row]:
    """Return one page of applications, latest first, with what the list shows: one statement."""
    where, parameters = filters.where(account)
    return database.rows(
        "SELECT application.*, company.name AS company_name, company.city AS company_city,"
        " (SELECT count(*) FROM document WHERE application_id = application.id) AS documents,"
        " (SELECT max(occurred_on) FROM event WHERE application_id = application.id) AS last_event_on"
        f" {_FROM} WHERE {where} ORDER BY submitted_on DESC, application.id DESC LIMIT ? OFFSET ?",
        [*parameters, PAGE_ROWS, (page - 1) * PAGE_ROWS],
    )


def listing_row_by_row(
    database: Database, account: Account, filters: Filters, page: int
) -> list[dict[str, str | int | None]]:
    """Return the same page as `listing` the careless way: four statements for each row."""
    where, parameters = filters.where(account)
    found = database.rows(
        f"SELECT application.id {_FROM} WHERE {where} ORDER BY submitted_on DESC, application.id DESC LIMIT ? OFFSET ?",
        [*parameters, PAGE_ROWS, (page - 1) * PAGE_ROWS],
    )
    rows: list[dict[str, str | int | None]] = []
    for key in (row["id"] for row in found):
        row = dict(database.rows("SELECT * FROM application WHERE id = ?", [key])[0])
        company = database.rows("SELECT * FROM company WHERE id = ?", [row["company_id"]])[0]
        held = database.rows("SELECT * FROM document WHERE application_id = ?", [key])
        history = database.rows("SELECT * FROM event WHERE application_id = ? ORDER BY occurred_on", [key])
        row |= {"company_name": company["name"], "company_city": company["city"]}
        row |= {"documents": len(held), "last_event_on": history[-1]["occurred_on"] if history else None}
        rows.append(row)
    return rows


def counts_by_status(database: Database, account: Account) -> dict[str, int]:
    """Return the number of applications in each status, zero included."""
    where, parameters = Filters().where(account)
    rows = database.rows(f"SELECT status, count(*) AS n {_FROM} WHERE {where} GROUP BY status", parameters)
    found = {row["status"]: int(row["n"]) for row in rows}
    return {status: found.get(status, 0) for status in STATUSES}


def amounts_by_month(database: Database, account: Account) -> list[tuple[str, int]]:
    """Return (month, euros asked) for the last twelve months that have applications, oldest first."""
    where, parameters = Filters().where(account)
    rows = database.rows(
        f"SELECT substr(submitted_on, 1, 7) AS month, sum(amount_eur) AS total {_FROM} WHERE {where}"
        " GROUP BY month ORDER BY month DESC LIMIT ?",
        [*parameters, _MONTHS_SHOWN],
    )
    return [(row["month"], int(row["total"])) for row in reversed(rows)]


def application(database: Database, application_id: int) -> sqlite3.Row | None:
    """Return one application with its company, or None."""
    return database.row(
        "SELECT application.*, company.name AS company_name, company.city AS company_city, company.siren AS siren"
        " FROM application LEFT JOIN company ON company.id = application.company_id WHERE application.id = ?",
        [application_id],
    )


def parts(database: Database, table: str, application_id: int) -> list[sqlite3.Row]:
    """Return the rows of `document`, `event` or `message` that belong to an application, in order."""
    if table not in {"document", "event", "message"}:
        raise ValueError(table)
    return database.rows(f"SELECT * FROM {table} WHERE application_id = ? ORDER BY id", [application_id])


def add_event(database: Database, application_id: int, kind: str, actor: str) -> None:
    """Record that something happened to an application on the business date."""
    database.change(
        "INSERT INTO event (application_id, occurred_on, kind, actor) VALUES (?, ?, ?, ?)",
        [application_id, BUSINESS_DATE.isoformat(), kind, actor],
    )


def company_for(database: Database, siren: str, name: str, answers: Mapping[str, Value]) -> int:
    """Return the company with this SIREN number, registered now when it is new."""
    known = database.row("SELECT id FROM company WHERE siren = ?", [siren])
    if known is not None:
        return int(known["id"])
    sector, turnover, employees = answers.get("sector"), answers.get("turnover_eur"), answers.get("employees")
    return database.change(
        "INSERT INTO company (siren, name, city, sector, turnover_eur, employees) VALUES (?, ?, ?, ?, ?, ?)",
        [
            siren,
            name,
            "–",
            sector if isinstance(sector, str) else "services",
            turnover if isinstance(turnover, int) else 0,
            employees if isinstance(employees, int) else 0,
        ],
    )


def save_answers(database: Database, application_id: int, values: Mapping[str, Value]) -> None:
    """Merge answers into a draft."""
    row = application(database, application_id)
    merged = (json.loads(row["answers"]) if row is not None else {}) | dict(values)
    database.change(
        "UPDATE application SET answers = ?, amount_eur = ?, term_months = ?, deferral_months = ? WHERE id = ?",
        [
            json.dumps(merged),
            *(merged.get(name) for name in ("amount_eur", "term_months", "deferral_months")),
            application_id,
        ],
    )


def save_assessment(database: Database, application_id: int, assessment: Assessment) -> None:
    """Record the decision of the engine with its findings and events."""
    today = BUSINESS_DATE.isoformat()
    decided = assessment.decision in {"approved", "refused"}
    findings = [[finding.rule_id, finding.outcome] for finding in assessment.findings]
    database.change(
        "UPDATE application SET status = ?, submitted_on = coalesce(submitted_on, ?), decided_on = ?, score = ?,"
        " score_max = ?, rate_annual_percent = ?, guarantee_share_percent = ?, findings = ? WHERE id = ?",
        [
            assessment.decision,
            today,
            today if decided else None,
            assessment.score,
            assessment.score_max,
            str(assessment.rate_annual_percent),
            str(assessment.guarantee_share_percent),
            json.dumps(findings),
            application_id,
        ],
    )
    for kind, actor in (("scored", "engine"), (assessment.decision, "engine")):
        add_event(database, application_id, kind, actor)


def decide(database: Database, application_id: int, status: str) -> None:
    """Record an analyst's decision."""
    database.change(
        "UPDATE application SET status = ?, decided_on = ? WHERE id = ?",
        [status, BUSINESS_DATE.isoformat(), application_id],
    )
    add_event(database, application_id, status, "analyst")


def statuses(database: Database, identifiers: Sequence[int]) -> list[sqlite3.Row]:
    """Return identifier, status, score and submission date of several applications."""
    marks = ", ".join("?" * len(identifiers))
    return database.rows(
        f"SELECT id, status, score, score_max, submitted_on FROM application WHERE id IN ({marks}) ORDER BY id",
        list(identifiers),
    )

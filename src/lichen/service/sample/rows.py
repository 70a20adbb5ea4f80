# SPDX-License-Identifier: Apache-2.0
"""Rows of the sample portfolio, from a seed: the same day gives the same portfolio."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np

from lichen.ledger import runfile
from lichen.service.sample import names, runs
from lichen.store.models import new_id
from lichen.store.queries.sample import SOURCE

SEED: Final = 636
MONTHS: Final = 13
"""Months of history, the running one included."""
_RUNS_DAYS_AGO: Final = (250, 110, 9)
_RUNS_AROUND: Final = (-75, -50, -25, 3, 15, 30)
"""Days of the runs around an action whose effect was looked for."""
_FOLLOWED: Final = 3
"""One application of so many is measured around what was done about it."""
_STARTED_BEFORE: Final = 20
"""Days that an action takes."""
_FROM_RUN_TO_RUN: Final = 0.015
"""Coefficient of variation of what an application takes, from one day to another."""
_UNMEASURED: Final = 14
"""Applications without any run: a roll-out is never complete."""
_OWNED: Final = 0.9
"""Share of the applications that have a business owner."""
_DEPLOYMENTS_A_WEEK: Final = 40
_PARTS: Final[Mapping[str, str]] = {"browser": "browser", "web": "portal", "services": "backoffice"}
"""Parts of an application, and the measured part that each is made of; some have the first two alone."""
_KINDS: Final = ("custom", "custom", "custom", "package", "customised package", "SaaS")
_LIFECYCLES: Final = ("run", "run", "run", "build", "retiring")


@dataclass(slots=True)
class Rows:
    """Rows by table, and the contents of the runs."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    contents: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def add(self, table: str, **columns: Any) -> str:
        """Adds a row with an id of its own; the id."""
        row_id = new_id()
        self.tables.setdefault(table, []).append({"id": row_id, **columns})
        return row_id

    def ids(self, table: str) -> list[str]:
        """Ids of the rows of a table."""
        return [row["id"] for row in self.tables.get(table, ())]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Application:
    """An application under way.

    Attributes:
        size: visits a day. footprint: factors on work, weight and time. improves: day and factor of what was done about it.
    """

    application_id: str
    code: str
    name: str
    journeys: Mapping[str, str]
    parts: Mapping[str, str]
    size: float
    footprint: tuple[float, float, float]
    improves: tuple[date, float] | None
    measured: bool


def make(today: date, method: Mapping[str, str]) -> Rows:
    """The whole portfolio up to a day.

    Args:
        method: id, version and hash of the factors that runs say they were measured under.
    """
    random = np.random.default_rng(SEED)
    rows = Rows()
    months = [_month(today, back) for back in reversed(range(MONTHS))]
    applications = list(_applications(rows, today, random))
    for number, application in enumerate(applications):
        _traffic(rows, application, months[0], today, random)
        _money(rows, application, months, random)
        if application.measured:
            _runs(rows, application, _days(application, number, today), method, random)
    for month in months:
        rows.add(
            "cost", application_id=None, period=month, amount=Decimal(int(random.integers(18_000, 24_000))), currency="EUR",
            kind="shared network and support", source=SOURCE,
        )  # fmt: skip
    _deployments(rows, applications, months[0], today, random)
    _actions(rows, applications, random)
    return rows


def _month(today: date, back: int) -> date:
    number = today.year * 12 + today.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _applications(rows: Rows, today: date, random: np.random.Generator) -> Iterator[_Application]:
    total = sum(len(listed) for _, listed in names.TEAMS.values())
    unmeasured = set(random.choice(total, _UNMEASURED, replace=False).tolist())
    number = 0
    for team, (domain, listed) in names.TEAMS.items():
        code = _code(team)
        team_id = rows.add(
            "team", code=code, name=team, cost_centre=f"CC-{random.integers(1000, 9999)}", slack_channel=f"#{code}",
            contact=f"{code}@example.org",
        )  # fmt: skip
        for name in listed:
            yield _application(rows, (team_id, domain, name), number not in unmeasured, today, random)
            number += 1


def _code(name: str) -> str:
    return names.PREFIX + name.lower().replace(" ", "-")


def _application(
    rows: Rows, place: tuple[str, str, str], measured: bool, today: date, random: np.random.Generator
) -> _Application:
    team_id, domain, name = place
    code = f"{_code(name)}-app" if name in names.TEAMS else _code(name)
    kind = str(random.choice(_KINDS))
    size = float(np.exp(random.normal(6.3, 1.4)))
    person_days = int(np.exp(random.normal(5.2, 0.8)))
    owner = str(random.choice(names.OWNERS)) if random.random() < _OWNED else None
    application_id = rows.add(
        "application", code=code, team_id=team_id, name=name, domain=domain, kind=kind,
        lifecycle=str(random.choice(_LIFECYCLES)), business_owner=owner,
        technical_owner=str(random.choice(names.OWNERS)), criticality=int(random.integers(1, 5)),
        complexity=int(random.integers(1, 6)), maturity=str(random.choice(("agile", "formal"))), users=int(size * 3) + 5,
        person_days_per_year=float(person_days), tags=["sample"], repository=f"https://git.example.org/{code}",
        description=f"{name}: an application that nobody runs, for the sample portfolio.", public_key=None,
        created_at=datetime.combine(_month(today, MONTHS - 1), time(), UTC),
    )  # fmt: skip
    parts = dict(list(_PARTS.items())[: int(random.integers(2, len(_PARTS) + 1))])
    for part in parts:
        tier = "device" if part == "browser" else "server"
        rows.add("part", application_id=application_id, code=part, name=part, tier=tier)
    hosting = "SaaS" if kind == "SaaS" else str(random.choice(("cloud", "cloud", "own site")))
    for environment in ("production", "test"):
        rows.add(
            "environment", application_id=application_id, code=environment, kind=environment, region="eu-west-3", hosting=hosting
        )  # fmt: skip
    sources = runs.journeys()
    chosen = random.permutation(len(sources))[: int(random.integers(1, len(sources) + 1))]
    action_day = today - timedelta(days=int(random.integers(40, 330)))
    return _Application(
        application_id=application_id,
        code=code,
        name=name,
        journeys={sources[index]: sources[index] for index in sorted(chosen.tolist())},
        parts=parts,
        size=size,
        footprint=tuple(float(x) for x in np.exp(random.normal(0.0, (0.5, 0.7, 0.3)))),  # type: ignore[arg-type]
        improves=(action_day, float(random.choice((0.75, 0.85, 0.9, 1.15)))) if random.random() < 0.6 else None,
        measured=measured,
    )


def _traffic(rows: Rows, application: _Application, first: date, today: date, random: np.random.Generator) -> None:
    """Visits by day: fewer at weekends and in August, a slow growth, and noise."""
    days = (today - first).days
    count = np.arange(days)
    weekday = (first.weekday() + count) % 7
    month = np.array([(first + timedelta(days=int(day))).month for day in count])
    shape = np.where(weekday >= 5, 0.35, 1.0) * np.where(month == 8, 0.7, 1.0)
    growth = (1 + random.normal(0.08, 0.2)) ** (count / 365)
    for position, journey in enumerate(application.journeys):
        journey_id = rows.add(
            "journey", application_id=application.application_id, code=journey, name=journey.capitalize(),
            expected_saving=round(float(random.uniform(0.05, 0.3)), 2) if random.random() < 0.5 else None,
        )  # fmt: skip
        visits = np.round(application.size / (position + 1) * shape * growth * np.exp(random.normal(0, 0.12, days)))
        rows.tables.setdefault("traffic", []).extend(
            {
                "application_id": application.application_id, "journey_id": journey_id, "day": first + timedelta(days=day),
                "visits": one, "page_views": one * 4, "users": None, "source": SOURCE,
            }
            for day, one in enumerate(visits.tolist())
        )  # fmt: skip


def _money(rows: Rows, application: _Application, months: Sequence[date], random: np.random.Generator) -> None:
    """Cost of every month, and what it brings where its owner said so."""
    cloud = 250 + 14 * math.sqrt(application.size) * float(np.exp(random.normal(0, 0.5)))
    people = float(random.uniform(2000, 30000))
    worth = float(np.exp(random.normal(0.35, 0.6))) if random.random() < 0.6 else None
    for number, month in enumerate(months):
        share = 1.0 if number < len(months) - 1 else 0.6
        for kind, amount in (("cloud", cloud * (1 + 0.01 * number)), ("people", people)):
            rows.add(
                "cost", application_id=application.application_id, period=month, amount=_cents(amount * share), currency="EUR",
                kind=kind, source=SOURCE,
            )  # fmt: skip
        if worth is not None:
            brought = (cloud + people) * worth * share
            rows.add(
                "value", application_id=application.application_id, period=month, amount=_cents(brought),
                low=_cents(brought * 0.7), high=_cents(brought * 1.4), currency="EUR", kind="avoided cost",
                owner=names.OWNERS[len(application.code) % len(names.OWNERS)], confidence=0.6, source=SOURCE,
            )  # fmt: skip


def _cents(amount: float) -> Decimal:
    return Decimal(round(amount * 100)).scaleb(-2)


def _days(application: _Application, number: int, today: date) -> list[date]:
    """When an application was measured."""
    days = {today - timedelta(days=ago) for ago in _RUNS_DAYS_AGO}
    if application.improves is not None and number % _FOLLOWED == 0:
        days |= {application.improves[0] + timedelta(days=away) for away in _RUNS_AROUND}
    return sorted(days)


def _runs(
    rows: Rows, application: _Application, days: Sequence[date], method: Mapping[str, str], random: np.random.Generator
) -> None:
    for day in days:
        moment = datetime.combine(day, time(9, int(random.integers(0, 60))), UTC)
        lighter = application.improves[1] if application.improves and day >= application.improves[0] else 1.0
        work, weight, seconds = (one * float(random.normal(1.0, _FROM_RUN_TO_RUN)) for one in application.footprint)
        recipe = runs.Recipe(
            code=application.code, journeys=application.journeys,
            parts=application.parts,
            work=work * lighter, weight=weight * lighter, time=seconds * lighter,
        )  # fmt: skip
        content = runs.content(recipe, moment, method, random)
        run_id = runfile.run_id(content)
        rows.contents[run_id] = content
        body = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 1, mtime=0)
        rows.tables.setdefault("ingest_journal", []).append(
            {
                "key": f"{names.PREFIX}{run_id}", "body_sha256": hashlib.sha256(body).hexdigest(), "run_id": run_id,
                "application_code": application.code, "received_at": moment, "token_id": None, "body": body,
                "state": "landed", "landed_at": moment,
            }
        )  # fmt: skip
        rows.tables.setdefault("run", []).append(
            {
                "run_id": run_id, "application_id": application.application_id, "journeys": list(application.journeys),
                "measured_at": moment, "received_at": moment, "samples": runs.SAMPLES * len(application.journeys),
                "host": "sample", "browser": "sample", "lichen_version": content["lichen_version"], "evidence": None,
            }
        )  # fmt: skip


def _deployments(
    rows: Rows, applications: Sequence[_Application], first: date, today: date, random: np.random.Generator
) -> None:
    """Some forty a week; what made an application lighter or heavier is one of them."""
    marks = [(application, application.improves[0]) for application in applications if application.improves]
    for week in range((today - first).days // 7):
        monday = first + timedelta(days=week * 7)
        for _ in range(_DEPLOYMENTS_A_WEEK):
            chosen = applications[int(random.integers(len(applications)))]
            marks.append((chosen, monday + timedelta(days=int(random.integers(0, 5)))))
    versions: dict[str, int] = {}
    for application, day in sorted(marks, key=lambda mark: (mark[1], mark[0].code)):
        if not first <= day < today:
            continue
        versions[application.code] = versions.get(application.code, 0) + 1
        commit = hashlib.sha256(f"{application.code}{day}{versions[application.code]}".encode()).hexdigest()[:12]
        rows.add(
            "deployment", application_id=application.application_id, environment="production",
            version=f"1.{versions[application.code]}", commit=commit,
            at=datetime.combine(day, time(14, 0), UTC), author=str(random.choice(names.OWNERS)),
            link=f"https://git.example.org/{application.code}/commit/{commit}",
        )  # fmt: skip


def _actions(rows: Rows, applications: Sequence[_Application], random: np.random.Generator) -> None:
    """What teams did about their applications, what they will do, and a few weights."""
    for number, application in enumerate(applications):
        title, saving = names.ACTIONS[number % len(names.ACTIONS)]
        done = application.improves is not None and application.improves[1] < 1
        if done or number % 5 == 0:
            day = application.improves[0] if application.improves else None
            rows.add(
                "action", application_id=application.application_id, title=title, description=None,
                owner=str(random.choice(names.OWNERS)), status="done" if done else "planned",
                started_on=day - timedelta(days=_STARTED_BEFORE) if done and day else None, done_on=day if done else None,
                indicator="gwp100", before_value=None, after_value=None, expected_saving=saving, tags=["sample"],
            )  # fmt: skip
        if number % 9 == 0:
            rows.add(
                "weight", application_id=application.application_id, weight=float(random.choice((0.5, 2.0, 3.0))),
                reason="strategic" if number % 2 else "to be retired", valid_from=date(2020, 1, 1),
            )  # fmt: skip

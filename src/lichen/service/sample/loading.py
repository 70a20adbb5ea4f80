# SPDX-License-Identifier: Apache-2.0
"""Puts the sample portfolio into a store, and takes it out again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np

from lichen.errors import UsageError
from lichen.service.board import figures
from lichen.service.context import ServiceContext
from lichen.service.sample import bills, names, rows
from lichen.store.models import new_id
from lichen.store.queries import landing
from lichen.store.queries import sample as queries

_YEARS_BACK, _YEARS_TO_GO, _REDUCTION = 2, 4, 0.3
_SAVED_SO_FAR: Final = 0.06
"""Reduction since the base year: behind the path, so that there is something to see."""
_CARBON_PRICE: Final = Decimal(90)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the sample brought."""

    applications: int
    teams: int
    runs: int


def is_loaded(context: ServiceContext) -> bool:
    """Whether the sample portfolio is there."""
    with context.store.reading() as session:
        return landing.setting(session, queries.MARK) is not None


def fill(context: ServiceContext) -> bool:
    """Puts the sample portfolio into a store without any application; whether it is there now.

    Raises:
        StorageError: the store cannot be written.
    """
    if is_loaded(context):
        return True
    with context.store.reading() as session:
        if queries.has_applications(session):
            return False
    load(context)
    return True


def load(context: ServiceContext) -> Loaded:
    """Puts the sample portfolio in, with its figures. Nothing of somebody's own is touched.

    Raises:
        UsageError: it is there already.
        StorageError: the store or the ledger cannot be written.
    """
    if is_loaded(context):
        raise UsageError("The sample portfolio is there already.", repair="Remove it first.", culprit="sample")
    stamp = figures.stamp_of(context)
    method_id, _, version = stamp.method.partition(" ")
    today = context.clock().date()
    made = rows.make(today, {"id": method_id, "version": version, "factors_hash": stamp.factors_hash})
    bills.replace(context.ledger, bills.facts(_billed(made)))
    with context.store.session() as session:
        organisation = None
        if queries.organisation(session) is None:
            organisation = queries.add_organisation(
                session, name=names.ORGANISATION, currency="EUR", internal_carbon_price=_CARBON_PRICE,
                base_year=today.year - _YEARS_BACK,
            )  # fmt: skip
        queries.add(session, made.tables)
        mark = {
            "applications": made.ids("application"),
            "codes": [row["code"] for row in made.tables["application"]],
            "teams": made.ids("team"),
            "targets": [],
            "organisation": organisation,
        }
        landing.put_setting(session, queries.MARK, mark)
    figures.refresh(
        context, made.ids("application"), contents=lambda run_ids: {one: made.contents[one] for one in run_ids}
    )
    _aim(context, mark, today)
    return Loaded(len(made.ids("application")), len(made.ids("team")), len(made.contents))


def _billed(made: rows.Rows) -> dict[str, dict[date, Decimal]]:
    """Cloud cost of the applications that have a bill, by code and month, and of nobody."""
    codes = {row["id"]: row["code"] for row in made.tables["application"][:: bills.ONE_OF]}
    found: dict[str, dict[date, Decimal]] = {code: {} for code in ("", *codes.values())}
    for row in made.tables["cost"]:
        if row["kind"] == "cloud" and row["application_id"] in codes:
            found[codes[row["application_id"]]][row["period"]] = row["amount"]
            found[""][row["period"]] = bills.OF_NOBODY
    return found


def _aim(context: ServiceContext, mark: dict[str, list[str] | str | None], today: date) -> None:
    """Targets of -30 % against two years ago: the organisation's, each team's, and those of every other application."""
    random = np.random.default_rng(rows.SEED)
    with context.store.session() as session:
        found = queries.yearly(session, "gwp100", today.replace(day=1))
        taken = queries.has_target(session)
        targets = []
        own = {*mark["teams"], *mark["applications"]} if mark["teams"] and mark["applications"] else set()
        # Ids are random: the order in which things were made is the same for every store.
        made = {ref: number for number, ref in enumerate([*(mark["teams"] or ()), *(mark["applications"] or ())])}
        listed = sorted(found.items(), key=lambda item: (item[0][0], made.get(item[0][1], -1)))
        for number, ((scope, ref), year) in enumerate(listed):
            whole = scope == "organisation"
            if (whole and taken) or (not whole and ref not in own) or (scope == "application" and number % 2):
                continue
            saved = _SAVED_SO_FAR if whole else float(random.normal(_SAVED_SO_FAR, 0.08))
            targets.append(
                {
                    "id": new_id(), "scope": scope, "scope_id": ref or None, "indicator": "gwp100",
                    "base_year": today.year - _YEARS_BACK, "base_value": year / (1 - saved),
                    "horizon_year": today.year + _YEARS_TO_GO, "reduction": _REDUCTION, "path": {"kind": "linear"},
                    "valid_from": date(today.year - _YEARS_BACK, 1, 1),
                }
            )  # fmt: skip
        queries.add(session, {"target": targets})
        landing.put_setting(session, queries.MARK, {**mark, "targets": [target["id"] for target in targets]})


def remove(context: ServiceContext) -> bool:
    """Takes the sample portfolio out, with everything that belongs to it.

    Returns:
        Whether it was there.
    """
    with context.store.session() as session:
        mark = landing.setting(session, queries.MARK)
        if mark is None:
            return False
        queries.remove(
            session, mark["applications"], mark["codes"], mark["teams"], mark["targets"], mark["organisation"]
        )
    bills.replace(context.ledger, ())
    figures.refresh(context)
    return True

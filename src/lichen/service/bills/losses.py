# SPDX-License-Identifier: Apache-2.0
"""What a bill would take from the bills that are there, since an import replaces whole billing periods of its source.

Days and accounts that its files do not tell, and days of another period of the same source, which overlaps: all of it is refused
and named before anything is written. Where the user says that it may go, manifests say no more than the ledger still has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from lichen.collect.bills.pipeline import Cost
from lichen.errors import UsageError
from lichen.ledger import Selection
from lichen.service.bills.manifests import Manifests, Period, end_of, figures, name_of, some

if TYPE_CHECKING:
    from lichen.collect.bills.pipeline import Told
    from lichen.ledger import Ledger


def check_losses(manifests: Manifests, told: Told) -> None:
    """Nothing that is there is lost.

    Raises:
        UsageError: files tell fewer days or accounts of a period than an import before, or take days of another period.
    """
    for period, days in told.days.items():
        if (before := manifests.of(period)) is not None:
            _check_days(period, days, before)
            _check_accounts(period, told.accounts[period], before)
    for other, period, lost in _taken(manifests, told):
        raise UsageError(
            f"The period {period[1]} of {period[0]} overlaps its period {other['period']}, from {_files(other)}, which these "
            f"files do not tell: {some(lost)} of it would be lost.",
            repair="Give the files of both periods at once, keep this bill apart with --source NAME, or add --replace if those "
            "days are not to be kept.",
            culprit=period[0],
        )


def cut_manifests(manifests: Manifests, ledger: Ledger, told: Told) -> None:
    """Makes manifests of other periods say what the ledger still has of them, once the rows of a bill are in it."""
    for before, _, _ in list(_taken(manifests, told)):
        period = before["source"], date.fromisoformat(before["period"])
        days = [date.fromisoformat(day) for day in before["days"]]
        kept = [day for day in days if not any(_holds(other, day) for other in told.days if other[0] == period[0])]
        if kept:
            ledger.documents.put(name_of(period), _cut(before, ledger, kept))
        else:
            ledger.documents.remove(name_of(period))


def _check_days(period: Period, days: Sequence[date], before: Mapping[str, Any]) -> None:
    lost = sorted(set(before["days"]) - {day.isoformat() for day in days})
    if lost:
        raise UsageError(
            f"The period {period[1]} of {period[0]} has {len(before['days'])} days, from {_files(before)}, and these files "
            f"tell {len(days)}: {some(lost)} would be lost.",
            repair="Give all files of the period at once, or add --replace if those days are not to be kept.",
            culprit=period[0],
        )  # fmt: skip


def _check_accounts(period: Period, accounts: Sequence[str], before: Mapping[str, Any]) -> None:
    lost = sorted(set(before["accounts"]) - set(accounts) - {""})
    if lost:
        raise UsageError(
            f"The period {period[1]} of {period[0]} has accounts, from {_files(before)}, that these files do not tell: "
            f"{some(lost)} would be lost.",
            repair="Give the files of all accounts at once, keep them apart with --source NAME, or add --replace if those "
            "accounts are not to be kept.",
            culprit=period[0],
        )


def _taken(manifests: Manifests, told: Told) -> Iterator[tuple[Mapping[str, Any], Period, list[str]]]:
    """Manifests of periods that a bill does not tell and takes days of: the manifest, the bill's period, the days."""
    for before in manifests.all().values():
        if (before["source"], date.fromisoformat(before["period"])) in told.days:
            continue
        for period in told.days:
            lost = [day for day in before["days"] if _holds(period, date.fromisoformat(day))]
            if before["source"] == period[0] and lost:
                yield before, period, lost


def _holds(period: Period, day: date) -> bool:
    return period[1] <= day < end_of(period[1])


def _cut(before: Mapping[str, Any], ledger: Ledger, kept: Sequence[date]) -> dict[str, Any]:
    """A manifest of some of its days: money from the ledger, which does not count lines."""
    asked = Selection(
        sources=[before["source"]], first_day=kept[0], end_day=end_of(date.fromisoformat(before["period"]))
    )
    rows = [
        row
        for row in ledger.costs(("day", "account", "application", "coverage"), selection=asked)
        if row["day"] in set(kept)
    ]
    costs = [
        Cost(
            source=before["source"], period=date.fromisoformat(before["period"]), application=row["application"] or "",
            coverage=row["coverage"] or "", currency=row["currency"] or "", lines=0, effective=row["effective"],
            billed=row["billed"], listed=row["listed"],
        )
        for row in rows
    ]  # fmt: skip
    found = figures(costs)
    return {
        # It is no longer what its import left.
        **before, "import_id": "", "days": [day.isoformat() for day in kept], "lines": None,
        "accounts": sorted({row["account"] or "" for row in rows}), **found,
        "coverage": [{**one, "lines": None} for one in found["coverage"]],
    }  # fmt: skip


def _files(before: Mapping[str, Any]) -> str:
    return some([file["name"] for file in before["files"]])

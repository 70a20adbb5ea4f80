# SPDX-License-Identifier: Apache-2.0
"""Teams taken out, applications retired or taken out: what goes is told before, and noted in the audit log with the change.

The ledger keeps every run: what was measured is a fact, whoever owned it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lichen.errors import UsageError
from lichen.service.accounts import By, note
from lichen.store import Session
from lichen.store.models import Application, Team
from lichen.store.queries import declared
from lichen.store.queries import removing as queries
from lichen.store.queries.board import RETIRED

LIVE = "run"
"""Stage of life of an application that comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goes:
    """What goes with a team or an application.

    Attributes:
        code, name: of it.
        counts: rows by kind, such as ``members`` or ``runs``; of a team ``applications`` stay, and move.
        waiting: runs that were acknowledged and are on their way to the ledger; while there are some nothing is removed.
        retired: an application that lists leave out already.
    """

    code: str
    name: str
    counts: Mapping[str, int]
    waiting: int = 0
    retired: bool = False


def team_by_code(session: Session, code: str) -> Team:
    """A team; UsageError when there is none with this code."""
    found = declared.team(session, code)
    if found is None:
        raise UsageError(f"There is no team '{code[:60]}'.", repair="Give the code of one.", culprit="team")
    return found


def application_by_code(session: Session, code: str) -> Application:
    """An application; UsageError when there is none with this code."""
    found = declared.application(session, code)
    if found is None:
        raise UsageError(
            f"There is no application '{code[:60]}'.", repair="Give the code of one.", culprit="application"
        )
    return found


def goes_with_team(session: Session, team: Team) -> Goes:
    """What goes with a team."""
    return Goes(code=team.code, name=team.name, counts=queries.of_team(session, team))


def goes_with_application(session: Session, application: Application) -> Goes:
    """What goes with an application."""
    return Goes(
        code=application.code, name=application.name, counts=queries.of_application(session, application),
        waiting=queries.waiting(session, application), retired=application.lifecycle == RETIRED,
    )  # fmt: skip


def remove_team(session: Session, team: Team, *, heir: Team | None, by: By) -> Goes:
    """Takes a team out: members lose their role, its targets and tokens end, its applications move.

    Args:
        heir: the team that its applications go to; None: they are unallocated.

    Returns:
        What went.

    Raises:
        UsageError: the team would inherit from itself.
    """
    if heir is not None and heir.id == team.id:
        raise UsageError(f"'{team.code}' is the team that goes.", repair="Name another one.", culprit="heir")
    goes = goes_with_team(session, team)
    detail = {**goes.counts, "applications_to": None if heir is None else heir.code, "removed": team.code}
    note(session, by, "team.remove", "team", team.id, detail)
    session.flush()
    queries.move(session, team, heir)
    queries.remove_team(session, team)
    return goes


def retire(session: Session, application: Application, *, by: By) -> None:
    """Leaves an application out of lists from now on; the periods that count it still show it, and nothing is lost.

    Raises:
        UsageError: it is retired already.
    """
    if application.lifecycle == RETIRED:
        raise UsageError(f"'{application.code}' is retired already.", repair="Nothing is to do.", culprit="retired")
    note(session, by, "application.retire", "application", application.id, {"before": application.lifecycle})
    application.lifecycle = RETIRED


def restore(session: Session, application: Application, *, by: By) -> None:
    """Brings a retired application back into lists.

    Raises:
        UsageError: it is not retired.
    """
    if application.lifecycle != RETIRED:
        raise UsageError(f"'{application.code}' is not retired.", repair="Nothing is to do.", culprit="not_retired")
    note(session, by, "application.restore", "application", application.id)
    application.lifecycle = LIVE


def remove_application(session: Session, application: Application, *, by: By) -> Goes:
    """Takes an application out with what was decided and imported about it; its runs stay in the ledger.

    Returns:
        What went.

    Raises:
        UsageError: runs of it are on their way to the ledger, and would bring it back.
    """
    goes = goes_with_application(session, application)
    if goes.waiting:
        raise UsageError(
            f"'{application.code}' has {goes.waiting} runs that are on their way to the ledger.",
            repair="Wait until they have landed, or retire it.", culprit="waiting",
        )  # fmt: skip
    note(session, by, "application.remove", "application", application.id, {**goes.counts, "removed": application.code})
    session.flush()
    queries.remove_application(session, application)
    return goes

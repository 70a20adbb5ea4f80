# SPDX-License-Identifier: Apache-2.0
"""The page of settings: what the organisation is called and counts in, weights, targets, public links.

Everybody reads it as far as they see the applications; administrators of the organisation change all of it, those of a team
what is the team's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from lichen.errors import LichenError, UsageError
from lichen.outputs.web.access import Identity, Reader, require
from lichen.outputs.web.context import context_of
from lichen.outputs.web.forms import Form, by_of, maybe, read, value
from lichen.outputs.web.pages.rendering import show, twin
from lichen.outputs.web.pages.telling import kept, told
from lichen.outputs.web.problems import Problem
from lichen.render.i18n import LANGUAGES
from lichen.service import declaring
from lichen.service.accounts import By
from lichen.service.board.settings import Rights, settings
from lichen.service.declaring import OrganisationChange, SourceChange, TargetChange
from lichen.service.portfolio_files import kinds
from lichen.store import Session
from lichen.store.models import Application, Target
from lichen.store.queries import declared

Thing = TypeVar("Thing")
router = APIRouter(include_in_schema=False)
Fields = Annotated[Form, Depends(read)]
Changer = Annotated[Identity, Depends(require("write", persons_only=True))]
"""Parameter of a handler that changes something of a team: of which one, the handler asks."""
Number = Annotated[int, Query(ge=1, le=100_000)]
_SCOPES: Final = kinds.choice("organisation", "team", "application")
_LANGUAGE: Final = kinds.choice(*LANGUAGES)
_TIER: Final = kinds.choice("device", "network", "server")
_SOURCE: Final = kinds.choice("meter", "bill", "journeys")
_WEIGHT: Final = kinds.number(0, 1000)
_BASE_VALUE: Final = kinds.number(0)
_PERCENT: Final = kinds.number(0, 100)


@router.get("/settings.json")
def settings_json(request: Request, caller: Reader, page: Number = 1) -> Response:
    """The same as data."""
    return twin(settings(context_of(request), caller.visibility(), rights=_rights(caller), page=page))


@router.get("/settings")
def show_settings(
    request: Request, caller: Reader, page: Number = 1, application: str = "", done: str = ""
) -> Response:
    """What is set, and the forms of those who may change it; ``application`` is filled into the forms."""
    return _page(request, caller, page=page, application=application, done=done)


@router.post("/settings")
def change_settings(request: Request, caller: Changer, form: Fields) -> Response:
    """Changes one part of what is set and goes back to it; what is wrong stands on the page."""
    part = form.one("part")
    if part not in _CHANGES:
        raise Problem(422, f"'{part[:40]}' is no part of the settings.", repair="Use the page.", culprit="part")
    asked = _Asked(request=request, caller=caller, form=form, by=by_of(request, caller.actor))
    try:
        with context_of(request).store.session() as session:
            _CHANGES[part](session, asked)
    except UsageError as error:
        return _page(request, caller, problem=error, form=form)
    done = part.removesuffix("-end")
    return RedirectResponse(f"/settings?done={done}{kept(request)}#{done}", 303)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A change that somebody asks for."""

    request: Request
    caller: Identity
    form: Form
    by: By


def _change_organisation(session: Session, asked: _Asked) -> None:
    _permitted(asked.caller, None, None)
    form = asked.form
    wanted = OrganisationChange(
        name=value(form, "name", kinds.LINE), currency=value(form, "currency", kinds.CURRENCY),
        lang=value(form, "lang", _LANGUAGE), internal_carbon_price=maybe(form, "price", kinds.MONEY),
        base_year=maybe(form, "base_year", kinds.YEAR),
    )  # fmt: skip
    declaring.set_organisation(session, wanted, by=asked.by)


def _change_weight(session: Session, asked: _Asked) -> None:
    application = _own(session, asked.caller, asked.form.one("application"))
    weight, reason = value(asked.form, "weight", _WEIGHT), maybe(asked.form, "reason", kinds.PROSE) or ""
    declaring.set_weight(session, application, weight, reason, by=asked.by)


def _change_source(session: Session, asked: _Asked) -> None:
    application, form = _own(session, asked.caller, asked.form.one("application")), asked.form
    wanted = SourceChange(
        tier=value(form, "tier", _TIER), source=value(form, "source", _SOURCE), reason=maybe(form, "reason", kinds.PROSE) or "",
    )  # fmt: skip
    declaring.set_tier_source(session, application, wanted, by=asked.by)


def _change_target(session: Session, asked: _Asked) -> None:
    form = asked.form
    scope = value(form, "scope", _SCOPES)
    wanted = TargetChange(
        scope=scope, scope_id=_scope_id(session, asked.caller, scope, form.one("of")),
        indicator=_indicator(asked.request, form), base_year=value(form, "base_year", kinds.YEAR),
        base_value=maybe(form, "base_value", _BASE_VALUE), horizon_year=value(form, "horizon_year", kinds.YEAR),
        reduction=value(form, "reduction", _PERCENT) / 100,
    )  # fmt: skip
    declaring.set_target(session, wanted, by=asked.by)


def _end_target(session: Session, asked: _Asked) -> None:
    row = session.get(Target, asked.form.one("target"))
    if row is None or not _rights(asked.caller)(_team_of(session, row)):
        raise UsageError("There is no such target.", repair="Choose one of the page.", culprit="target")
    declaring.end_target(session, row, by=asked.by)


def _make_link(session: Session, asked: _Asked) -> None:
    declaring.publish(session, _own(session, asked.caller, asked.form.one("application")), by=asked.by)


def _end_link(session: Session, asked: _Asked) -> None:
    declaring.withdraw(session, _own(session, asked.caller, asked.form.one("application")), by=asked.by)


_CHANGES: Final[Mapping[str, Callable[[Session, _Asked], None]]] = {
    "organisation": _change_organisation, "weights": _change_weight, "sources": _change_source, "targets": _change_target,
    "targets-end": _end_target, "links": _make_link, "links-end": _end_link,
}  # fmt: skip
"""By the value of the form's button."""
_DONE: Final = (*_CHANGES, "teams", "applications")
"""What may have been changed when the page is shown; teams and applications are taken out on pages of their own."""


def _page(
    request: Request, caller: Identity, *, page: int = 1, application: str = "", done: str = "",
    problem: LichenError | None = None, form: Form | None = None,
) -> Response:  # fmt: skip
    context = context_of(request)
    view = settings(context, caller.visibility(), rights=_rights(caller), page=page)
    return show(
        request, "pages/settings.html.j2", status=200 if problem is None else 422, place="settings", frame=view.frame,
        has_twin=True, view=view, application=application[: kinds.LINE_MAX],
        languages=LANGUAGES, tiers=_TIER.choices, sources=_SOURCE.choices,
        given=(form or Form({})).one, done=done if done in _DONE else "",
        problem=told(request, problem, "web.settings.problem."), this_year=context.clock().year,
    )  # fmt: skip


def _rights(caller: Identity) -> Rights:
    """What a person may change; programs change nothing here."""

    def rights(team_id: str | None) -> bool:
        if team_id is None:
            return caller.is_admin and caller.is_person
        return caller.is_person and caller.may_administer(team_id)

    return rights


def _own(session: Session, caller: Identity, code: str) -> Application:
    """An application of which the caller may change what is set.

    Raises:
        UsageError: there is none with this code, or it is not seen.
        Problem: 403: it is seen, and others administer it.
    """
    found = declared.application(session, code.strip())
    if found is None or not caller.may_read(found):
        raise UsageError("There is no such application.", repair="Give the code of one.", culprit="application")
    return _permitted(caller, found.team_id, found)


def _permitted(caller: Identity, team_id: str | None, thing: Thing) -> Thing:
    """The thing; 403 when the caller does not administer whose it is."""
    if not _rights(caller)(team_id):
        raise Problem(
            403, "Only administrators of the team or the organisation change this.", repair="Ask one of them.",
            key="administrators",
        )  # fmt: skip
    return thing


def _scope_id(session: Session, caller: Identity, scope: str, code: str) -> str | None:
    """The id of what a target is of; None for the organisation."""
    if scope == "application":
        return _own(session, caller, code).id
    if scope == "organisation":
        return _permitted(caller, None, None)
    team = declared.team(session, code.strip())
    if team is None or not caller.may_see_team(team.id):
        raise UsageError("There is no such team.", repair="Give the code of one.", culprit="team")
    return _permitted(caller, team.id, team.id)


def _team_of(session: Session, row: Target) -> str | None:
    """Whose target it is; None: the organisation's, and that of what is gone or has no team."""
    if row.scope == "application":
        application = session.get(Application, row.scope_id)
        return None if application is None else application.team_id
    return row.scope_id


def _indicator(request: Request, form: Form) -> str:
    name = form.one("indicator")
    nomenclature = context_of(request).workspace.nomenclature
    if name not in nomenclature.names("indicator") or not nomenclature.indicator(name).additive:
        raise UsageError(f"'{name[:40]}' has no target.", repair="Choose one of the page.", culprit="indicator")
    return name

# SPDX-License-Identifier: Apache-2.0
"""What to change in a run's journeys, and a button that plans it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from lichen.outputs.web.access import Identity, Reader, not_found, require
from lichen.outputs.web.context import context_of
from lichen.outputs.web.forms import Form, by_of, read
from lichen.outputs.web.pages.addresses import segment
from lichen.outputs.web.pages.answers import HOME, answer, found
from lichen.outputs.web.pages.rendering import language_of, twin
from lichen.outputs.web.pages.telling import kept
from lichen.outputs.web.problems import Problem
from lichen.render.advice import AdviceText
from lichen.service import register
from lichen.service.advice import Advice, JourneyAdvice
from lichen.service.advice.advise import SHOWN
from lichen.service.board.advice import advice
from lichen.store.queries import declared

router: Final = APIRouter(include_in_schema=False)
Changer = Annotated[Identity, Depends(require("write", persons_only=True))]
Fields = Annotated[Form, Depends(read)]
_SHOWN: Final = 8
_TITLE_MAX: Final = 200


@router.get("/runs/{run_id}/advice")
@router.get("/runs/{run_id}/advice.json")
def show_advice(request: Request, caller: Reader, run_id: str) -> Response:
    """Advice for each journey of a run."""
    view = found(advice(context_of(request), run_id, caller.visibility()), "This run")
    if request.url.path.endswith(".json"):
        return twin(view.document())
    with context_of(request).store.reading() as session:
        mine = declared.applications(session, [view.run.application.code])
    code, name = view.run.application.code, view.run.application.name
    crumbs = [
        HOME,
        (name or code, f"/applications/{segment(code)}"),
        (view.run.run_id[:12], f"/runs/{view.run.run_id[:12]}"),
    ]
    texts = [(one, AdviceText(one, language_of(request))) for one in view.journeys]
    return answer(
        request, view, "advice", place="portfolio", crumbs=crumbs, texts=texts, shown=_SHOWN,
        may_plan=caller.is_person and any(caller.may_write(one) for one in mine),
    )  # fmt: skip


@router.post("/runs/{run_id}/advice")
def plan(request: Request, caller: Changer, run_id: str, form: Fields) -> Response:
    """Writes a piece of advice into the register of actions and shows it there."""
    context = context_of(request)
    view = found(advice(context, run_id, caller.visibility()), "This run")
    journey, one = _asked(view.journeys, form)
    with context.store.session() as session:
        application = declared.application(session, view.run.application.code)
        if application is None:
            raise not_found("This run")
        if not caller.may_write(application):
            raise Problem(403, "Only editors of its team change this.", repair="Ask one of them.", key="editors")
        told = _action(journey, one, AdviceText(journey, language_of(request)), caller.name)
        action = register.add(session, application, told, by=by_of(request, caller.actor))
        action_id = action.id
    return RedirectResponse(f"/actions/{action_id}?done=save{kept(request)}", 303)


def _asked(journeys: tuple[JourneyAdvice, ...], form: Form) -> tuple[JourneyAdvice, Advice]:
    for journey in journeys:
        for one in journey.advice:
            asked = form.one("journey"), form.one("rule"), form.one("step")
            if (journey.journey, one.rule.rule_id, one.finding.step) == asked:
                return journey, one
    raise Problem(422, "The run gives no such advice.", repair="Use the page.", culprit="rule")


def _action(journey: JourneyAdvice, one: Advice, text: AdviceText, owner: str) -> dict[str, Any]:
    """An action as the register keeps it: what was measured is its reason, what it would save is what is expected."""
    line = text.line(one)
    saving = one.savings.get(SHOWN[0])
    share = None if saving is None or saving.share is None else min(1.0, saving.share)
    saved = f"{text.saves(line)}. " if line.savings else ""
    return {
        "title": f"{line.title} ({journey.journey})"[:_TITLE_MAX],
        "description": f"{line.reason}. {saved}{line.marks}.",
        "owner": owner,
        "expected_saving": share,
        "tags": [one.rule.rule_id, journey.journey],
    }

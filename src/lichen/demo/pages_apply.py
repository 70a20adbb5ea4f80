# SPDX-License-Identifier: Apache-2.0
"""The application form: company, project, documents, recap, answer. A draft is kept at each step."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lichen.demo import BUSINESS_DATE, documents, forms, repository
from lichen.demo.backoffice_client import BackOfficeAwayError
from lichen.demo.datadir import UPLOADS_NAME
from lichen.demo.forms import Submission
from lichen.demo.pages_public import defaults, not_found, simulate
from lichen.demo.products import FieldSpec, Product
from lichen.demo.site import open_session, page, see, session_token, site_of

STEPS: Final = ("company", "project", "documents", "recap")
_MAX_PARTS: Final = 20
_FILENAME_LENGTH: Final = 80


@dataclass(frozen=True)
class Draft:
    """An application that the visitor may still change."""

    draft_id: int
    product: Product
    row: sqlite3.Row
    answers: dict[str, Any]


async def begin(request: Request) -> Response:
    """Show the first step, or create the draft from it."""
    product = site_of(request).products.get(request.path_params["product"])
    if product is None:
        return not_found(request)
    fields = _fields(product, "company")
    if request.method == "GET":
        return _form(request, product, "company", fields, Submission())
    submission = forms.read(fields, await _typed(request))
    if not submission.valid:
        return _form(request, product, "company", fields, submission)
    database = site_of(request).database
    response = see("")
    token = session_token(request) or open_session(request, response, None)
    with database.transaction():
        draft_id = database.change(
            "INSERT INTO application (product, status, session_token) VALUES (?, 'draft', ?)",
            [product.key, token],
        )
        repository.save_answers(database, draft_id, submission.values)
    response.headers["location"] = f"/drafts/{draft_id}/project"
    return response


async def company(request: Request) -> Response:
    """Change the answers on the company."""
    draft = _draft(request)
    if draft is None:
        return not_found(request)
    fields = _fields(draft.product, "company")
    if request.method == "GET":
        return _form(request, draft.product, "company", fields, _kept(draft), draft)
    submission = forms.read(fields, await _typed(request))
    return _keep(request, draft, "company", fields, submission, "project")


async def project(request: Request) -> Response:
    """Ask for the loan and the project."""
    draft = _draft(request)
    if draft is None:
        return not_found(request)
    fields = _fields(draft.product, "project")
    if request.method == "GET":
        kept = _kept(draft)
        kept.raw = defaults(draft.product) | kept.raw
        return _form(request, draft.product, "project", fields, kept, draft)
    submission = forms.read_loan(draft.product.loan, draft.product.fields_of("project"), await _typed(request))
    return _keep(request, draft, "project", fields, submission, "documents")


async def upload(request: Request) -> Response:
    """Ask for the documents and check each one when it arrives."""
    draft = _draft(request)
    if draft is None:
        return not_found(request)
    if request.method == "GET":
        return _documents_page(request, draft, {})
    errors: dict[str, str] = {}
    largest = max((spec.max_bytes for spec in draft.product.documents), default=1)
    async with request.form(max_files=_MAX_PARTS, max_fields=_MAX_PARTS, max_part_size=largest) as form:
        for spec in draft.product.documents:
            received = form.get(spec.kind)
            if isinstance(received, UploadFile) and received.filename:
                content = await received.read(spec.max_bytes + 1)
                finding = documents.check(content, spec)
                if finding.accepted:
                    _store(request, draft, spec.kind, received.filename, content)
                else:
                    errors[spec.kind] = finding.verdict
    held = _held(request, draft)
    for spec in draft.product.documents:
        if spec.required and spec.kind not in held and spec.kind not in errors:
            errors[spec.kind] = "missing"
    return _documents_page(request, draft, errors) if errors else see(f"/drafts/{draft.draft_id}/recap")


async def recap(request: Request) -> Response:
    """Show everything once more; on POST, submit and ask the back office."""
    draft = _draft(request)
    if draft is None:
        return not_found(request)
    answered = Submission(values=draft.answers)
    missing = _first_incomplete(request, draft)
    if missing is not None:
        return see(f"/drafts/{draft.draft_id}/{missing}")
    if request.method == "GET":
        return page(
            request,
            "apply_recap.html",
            **_step(draft.product, "recap", draft),
            fields=(*_fields(draft.product, "company"), *_fields(draft.product, "project")),
            answers=draft.answers,
            held=_held(request, draft),
            result=simulate(draft.product, answered),
        )
    return await _submit(request, draft)


async def done(request: Request) -> Response:
    """Show the answer to a submitted application to the visitor who sent it."""
    row = _own(request)
    if row is None or row["status"] == "draft":
        return not_found(request)
    product = site_of(request).products[row["product"]]
    rules_by_id = {rule.id: rule.message for rule in product.rules}
    return page(
        request,
        "apply_done.html",
        product=product,
        row=row,
        findings=[(rules_by_id.get(rule_id), outcome) for rule_id, outcome in json.loads(row["findings"])],
    )


async def _submit(request: Request, draft: Draft) -> Response:
    site = site_of(request)
    answers = draft.answers
    with site.database.transaction():
        company_id = repository.company_for(site.database, str(answers["siren"]), str(answers["company_name"]), answers)
        site.database.change("UPDATE application SET company_id = ? WHERE id = ?", [company_id, draft.draft_id])
    try:
        await site.back_office.assess(draft.draft_id)
    except BackOfficeAwayError:
        return page(request, "notice.html", status_code=503, notice="away", retry=f"/drafts/{draft.draft_id}/recap")
    return see(f"/drafts/{draft.draft_id}/done")


def _own(request: Request) -> sqlite3.Row | None:
    """Return the application in the address when this visitor created it."""
    row = repository.application(site_of(request).database, request.path_params["draft"])
    token = session_token(request)
    return row if row is not None and token is not None and row["session_token"] == token else None


def _draft(request: Request) -> Draft | None:
    row = _own(request)
    if row is None or row["status"] != "draft":
        return None
    return Draft(row["id"], site_of(request).products[row["product"]], row, json.loads(row["answers"]))


def _fields(product: Product, step: str) -> tuple[FieldSpec, ...]:
    if step == "company":
        return (*forms.COMPANY_FIELDS, *product.fields_of("company"))
    return (*forms.loan_fields(product.loan), *product.fields_of("project"))


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _kept(draft: Draft) -> Submission:
    """Return the answers given so far, as they would be typed."""
    raw = {name: _as_typed(value) for name, value in draft.answers.items() if value is not None}
    return Submission(values=draft.answers, raw=raw)


def _as_typed(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else ""
    return str(value)


def _keep(
    request: Request,
    draft: Draft,
    step: str,
    fields: tuple[FieldSpec, ...],
    submission: Submission,
    following: str,
) -> Response:
    if not submission.valid:
        return _form(request, draft.product, step, fields, submission, draft)
    repository.save_answers(site_of(request).database, draft.draft_id, submission.values)
    return see(f"/drafts/{draft.draft_id}/{following}")


def _form(
    request: Request,
    product: Product,
    step: str,
    fields: tuple[FieldSpec, ...],
    submission: Submission,
    draft: Draft | None = None,
) -> Response:
    status_code = 200 if submission.valid else 422
    return page(
        request,
        "apply_form.html",
        status_code=status_code,
        fields=fields,
        submission=submission,
        **_step(product, step, draft),
    )


def _step(product: Product, step: str, draft: Draft | None) -> dict[str, Any]:
    return {"product": product, "step": step, "steps": STEPS, "draft_id": draft.draft_id if draft else None}


def _documents_page(request: Request, draft: Draft, errors: dict[str, str]) -> Response:
    return page(
        request,
        "apply_documents.html",
        status_code=422 if errors else 200,
        errors=errors,
        held=_held(request, draft),
        **_step(draft.product, "documents", draft),
    )


def _held(request: Request, draft: Draft) -> dict[str, sqlite3.Row]:
    rows = repository.parts(site_of(request).database, "document", draft.draft_id)
    return {row["kind"]: row for row in rows}


def _store(request: Request, draft: Draft, kind: str, filename: str, content: bytes) -> None:
    """Keep a checked document; a second one of the same kind replaces the first."""
    site = site_of(request)
    media_type, digest = documents.sniff(content), documents.digest(content)
    (site.data / UPLOADS_NAME / digest).write_bytes(content)
    with site.database.transaction():
        site.database.change("DELETE FROM document WHERE application_id = ? AND kind = ?", [draft.draft_id, kind])
        site.database.change(
            "INSERT INTO document (application_id, kind, filename, media_type, size_bytes, sha256, verdict,"
            " received_on, stored) VALUES (?, ?, ?, ?, ?, ?, 'accepted', ?, 1)",
            [
                draft.draft_id,
                kind,
                filename[-_FILENAME_LENGTH:],
                media_type,
                len(content),
                digest,
                BUSINESS_DATE.isoformat(),
            ],
        )


def _first_incomplete(request: Request, draft: Draft) -> str | None:
    """Return the first step that still lacks an answer or a document."""
    for step in ("company", "project"):
        if any(field.name not in draft.answers for field in _fields(draft.product, step)):
            return step
    held = _held(request, draft)
    lacking = any(spec.required and spec.kind not in held for spec in draft.product.documents)
    return "documents" if lacking else None


_BOTH: Final = ["GET", "POST"]
ROUTES: Final = [
    Route("/apply/{product}", begin, methods=_BOTH),
    Route("/drafts/{draft:int}/company", company, methods=_BOTH),
    Route("/drafts/{draft:int}/project", project, methods=_BOTH),
    Route("/drafts/{draft:int}/documents", upload, methods=_BOTH),
    Route("/drafts/{draft:int}/recap", recap, methods=_BOTH),
    Route("/drafts/{draft:int}/done", done),
]

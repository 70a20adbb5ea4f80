# SPDX-License-Identifier: Apache-2.0
"""Forms that people send, and where they go on to afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from fastapi import Request

from lichen.errors import UsageError
from lichen.outputs.web.context import context_of
from lichen.outputs.web.problems import Problem
from lichen.service.accounts import By
from lichen.service.portfolio_files.kinds import Kind

_FIELDS_MAX: Final = 100
_TYPE: Final = "application/x-www-form-urlencoded"
HOME: Final = "/"


class Form:
    """The fields of a form.

    Args:
        fields: values by name, in the order in which they were sent.
    """

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields: Final = fields

    def one(self, name: str) -> str:
        """The value of a field; empty when it was not sent."""
        return self._fields.get(name, [""])[0]

    def every(self, name: str) -> list[str]:
        """The values of a field that may be sent several times; empty ones are left out."""
        return [value for value in self._fields.get(name, ()) if value]

    def maybe(self, name: str) -> str | None:
        """The value of a field, trimmed; None when it is empty."""
        return self.one(name).strip() or None


def value(form: Form, name: str, kind: Kind) -> Any:
    """The value of a field; a decimal comma is a decimal point.

    Raises:
        UsageError: it is not of the kind.
    """
    text = form.one(name).strip()
    try:
        return kind.read(kind.from_cell(text.replace(",", ".") if kind.is_number else text))
    except ValueError as error:
        raise UsageError(f"{name} is '{text[:40]}'.", repair=f"Give {kind.wanted}.", culprit=name) from error


def maybe(form: Form, name: str, kind: Kind) -> Any:
    """The same; None when the field is empty."""
    return None if form.maybe(name) is None else value(form, name, kind)


def check_confirmed(form: Form, code: str) -> None:
    """UsageError when the code of what is about to go was not typed."""
    if form.one("confirm").strip() != code:
        raise UsageError("The code that was typed is another one.", repair=f"Type {code}.", culprit="confirm")


async def read(request: Request) -> Form:
    """The form in the body of a request, whose size `lichen.outputs.web.limits` bounds.

    Raises:
        Problem: 415 or 422 when the body is no form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise Problem(415, "The body is not a form.", repair=f"Send {_TYPE}.", culprit="Content-Type", key="form")
    try:
        text = (await request.body()).decode()
        return Form(parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict"))
    except ValueError as error:
        raise Problem(422, "The form cannot be read.", repair="Send it from the page.", key="form") from error


def safe_target(target: str) -> str:
    """An address of this server to go on to; the home page in place of one that would lead elsewhere.

    Browsers take ``//host``, ``/\\host`` and an address with control characters for another server's.
    """
    if not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable() or "\\" in target:
        return HOME
    try:
        parts = urlsplit(target)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else target


def by_of(request: Request, actor: str) -> By:
    """Who makes a change, when and from where, for the audit log."""
    return By(actor=actor, at=context_of(request).clock(), address=request.client.host if request.client else None)

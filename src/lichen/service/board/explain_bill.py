# SPDX-License-Identifier: Apache-2.0
"""A figure of a bill opened: what was rented, by which formula and with which factors it became a figure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from lichen.service.board import periods
from lichen.service.board.bill_facts import documents, figures, units
from lichen.service.board.bills import LEVEL, UNALLOCATED, why_of
from lichen.service.board.explain_parts import factor_rows, formula_steps, term
from lichen.service.board.reading import Look
from lichen.service.board.shapes import Figure, Missing, Named
from lichen.service.board.units import content_of
from lichen.service.board.views import ExplainView
from lichen.service.evaluation import evaluate_activities

__all__ = ["LEVEL", "explain_bill"]

_SOURCE: Final = "bill"

Rows = Sequence[Mapping[str, Any]]


def explain_bill(look: Look, ref: str) -> ExplainView | None:
    """What a bill's figure is made of; None when what it is of does not exist or is not seen.

    Args:
        ref: empty for all bills, ``/`` for what belongs to nobody, else a code, and a service after a ``/``.
    """
    found = _meant(look, ref)
    if found is None:
        return None
    named, codes, service = found
    months = look.span[0], periods.moved(look.span[1], 1)
    groups = documents(look, ("month", "service") if service else ("month",), months, codes)
    groups = {words: rows for words, rows in groups.items() if not service or words[1] == service}
    nothing = Figure(value=None, unit=look.unit, missing=Missing.NOT_COVERED)
    whole = figures(look, units(look, groups).values(), [look.indicator], why_of(look, ref))
    view = ExplainView(
        frame=look.frame(), level=LEVEL, named=named, indicator=look.indicator,
        figure=replace(whole.get(look.indicator, nothing), why=""), sources={}, steps=(), factors=(), runs=(), visits=None,
    )  # fmt: skip
    if look.period.is_month:
        return _opened(look, view, next(iter(groups.values()), []))
    steps = []
    for words, rows in groups.items():
        of_month = figures(look, units(look, {words: rows}).values(), [look.indicator], lambda _: "")
        month = periods.month(date.fromisoformat(f"{words[0]}-01"))
        if look.indicator in of_month:
            why = look.why(LEVEL, ref, period=month)
            steps.append(term(month.name, replace(of_month[look.indicator], why=why), _SOURCE))
    return replace(view, steps=tuple(steps))


def _meant(look: Look, ref: str) -> tuple[Named, Collection[str] | None, str] | None:
    """What a reference names, the applications that are asked for (None: all), and a service."""
    if ref in ("", "/"):
        is_nobody = ref == "/"
        named = Named(code="", name="") if is_nobody else Named(code="", name=look.frame().organisation)
        return None if look.seen.teams is not None else (named, [UNALLOCATED] if is_nobody else None, "")
    code, _, service = ref.partition("/")
    fact = next((one for one in look.applications if one.code == code), None)
    if fact is None:
        return None
    return Named(code=code, name=f"{fact.name} · {service}" if service else fact.name), [code], service


def _opened(look: Look, view: ExplainView, rows: Rows) -> ExplainView:
    """With formulas and factors of the month."""
    workspace = look.context.workspace
    content = content_of(workspace, LEVEL, {"activities": list(rows), "context": {}})
    evaluated = evaluate_activities(workspace, look.method, content.rows, content.context, on=look.period.start)
    called = {str(row["entity"]).partition("/")[2]: _called(row) for row in rows}
    steps = formula_steps(look, evaluated.impacts)
    return replace(
        view, steps=tuple(replace(step, label=called.get(step.label, step.label)) for step in steps),
        factors=tuple(factor_rows(look, evaluated)),
    )  # fmt: skip


def _called(row: Mapping[str, Any]) -> str:
    """What of a bill a document stands for: platform, and where."""
    told = (row.get("platform"), row.get("storage_class"), row.get("region"))
    return " · ".join(str(one) for one in told if one) or str(row["quantity"])

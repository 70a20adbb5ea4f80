# SPDX-License-Identifier: Apache-2.0
"""Methods that figures can be computed by, and the factors they use."""

from __future__ import annotations

from lichen.service.board import lists
from lichen.service.board.explain_parts import factor_row
from lichen.service.board.queries import EVERYTHING, PAGE_ROWS
from lichen.service.board.reading import Look
from lichen.service.board.rows import MethodRow
from lichen.service.board.views import FactorsMethodsView
from lichen.service.context import ServiceContext


def factors_methods(context: ServiceContext, *, search: str = "", page: int = 1) -> FactorsMethodsView:
    """The page of methods and factors; words of the search are parts of a factor's id, place or source."""
    workspace = context.workspace
    words = search.casefold().split()
    found = [
        factor
        for factor in workspace.factors
        if all(word in f"{factor.factor_id} {factor.geography} {factor.source_title}".casefold() for word in words)
    ]
    found.sort(key=lambda factor: (factor.factor_id, factor.geography, -factor.valid_from.toordinal()))
    pages, shown = lists.page_of(page, PAGE_ROWS, found)
    with context.store.reading() as session:
        frame = Look(context, session, EVERYTHING).frame()
    methods = [workspace.method(method_id) for method_id in workspace.method_ids()]
    return FactorsMethodsView(
        frame=frame,
        methods=tuple(
            MethodRow(
                method_id=one.method_id, version=one.version, title=dict(one.title), indicators=tuple(one.indicators),
                sources=tuple(one.sources), licence=one.licence, chosen=one.method_id == frame.method.method_id,
            )
            for one in methods
        ),
        factors=tuple(factor_row(factor) for factor in shown),
        search=search,
        page=pages,
    )  # fmt: skip

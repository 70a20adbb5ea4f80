# SPDX-License-Identifier: Apache-2.0
"""Parameters that several pages have in their addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from lichen.outputs.web.context import WebContext, context_of

Context = Annotated[WebContext, Depends(context_of)]
"""Parameter of a handler: what it works with."""
PeriodName = Annotated[str | None, Query(max_length=7)]
"""Of ``period``: a month or a year; None: the newest month that is over."""
PageNumber = Annotated[int, Query(ge=1, le=100_000)]
"""Of ``page``, from 1."""
SearchText = Annotated[str, Query(max_length=200)]
"""Of ``q``: words that all have to be found."""

# SPDX-License-Identifier: Apache-2.0
"""Great Britain, from the National Energy System Operator: half-hourly, direct emissions, imports included."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from lichen.factors.adapters.base import GetFactor, Piece, Question, as_json, figure, moment, strange
from lichen.factors.hourly import Interval


class Neso:
    """The Carbon Intensity API, https://carbonintensity.org.uk. What was measured counts, never the forecast."""

    name: ClassVar[str] = "neso"
    title: ClassVar[str] = "National Energy System Operator, Carbon Intensity API"
    licence: ClassVar[str] = "CC-BY-4.0"
    scope: ClassVar[str] = "direct"
    url: ClassVar[str] = "https://api.carbonintensity.org.uk"
    token_variable: ClassVar[str] = ""
    zones: ClassVar[tuple[str, ...]] = ("GB",)
    piece: ClassVar[timedelta] = timedelta(days=13)

    def question(self, piece: Piece, token: str) -> Question:
        """The request for one piece; the API names each half-hour by its end too, so one more may come."""
        del token
        start, end = (f"{instant:%Y-%m-%dT%H:%MZ}" for instant in (piece.start, piece.end))
        return Question(f"/intensity/{start}/{end}", {}, {"Accept": "application/json"})

    def intervals(self, answer: bytes, piece: Piece, factor: GetFactor) -> list[Interval]:
        """Half-hours that have an actual value."""
        del piece, factor
        document = as_json(self.name, answer)
        try:
            rows = [(row["from"], row["intensity"]["actual"]) for row in document["data"]]
        except (KeyError, TypeError):
            raise strange(self.name, "no rows with from and intensity.actual") from None
        return [
            Interval(moment(self.name, start), value)
            for start, actual in rows
            if (value := figure(self.name, actual)) is not None
        ]

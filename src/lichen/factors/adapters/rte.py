# SPDX-License-Identifier: Apache-2.0
"""France, from RTE's éCO2mix: half-hourly, direct emissions of the plants in France."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from lichen.factors.adapters.base import GetFactor, Piece, Question, as_json, figure, moment, strange
from lichen.factors.hourly import Interval

_TIME, _RATE = "date_heure", "taux_co2"
_HALF_HOURS = (0, 30)


class Rte:
    """The open-data portal of the French grid operators, https://odre.opendatasoft.com, data set eco2mix-national-tr."""

    name: ClassVar[str] = "rte"
    title: ClassVar[str] = "RTE, éCO2mix, national data in real time (open data portal ODRÉ)"
    licence: ClassVar[str] = "Licence Ouverte 2.0 (Etalab)"
    scope: ClassVar[str] = "direct"
    url: ClassVar[str] = "https://odre.opendatasoft.com"
    token_variable: ClassVar[str] = ""
    zones: ClassVar[tuple[str, ...]] = ("FR",)
    piece: ClassVar[timedelta] = timedelta(days=31)

    def question(self, piece: Piece, token: str) -> Question:
        """The request for one piece."""
        del token
        start, end = (f"{instant:%Y-%m-%dT%H:%M:%SZ}" for instant in (piece.start, piece.end))
        params = {
            "select": f"{_TIME},{_RATE}",
            "where": f"{_TIME} >= date'{start}' and {_TIME} < date'{end}'",
            "order_by": _TIME,
        }
        return Question("/api/explore/v2.1/catalog/datasets/eco2mix-national-tr/exports/json", params, {})

    def intervals(self, answer: bytes, piece: Piece, factor: GetFactor) -> list[Interval]:
        """Half-hours; the quarters between them repeat or lack the rate."""
        del piece, factor
        document = as_json(self.name, answer)
        try:
            rows = [(moment(self.name, row[_TIME]), row[_RATE]) for row in document]
        except (KeyError, TypeError):
            raise strange(self.name, f"no rows with {_TIME} and {_RATE}") from None
        return [
            Interval(start, value)
            for start, rate in rows
            if start.minute in _HALF_HOURS and (value := figure(self.name, rate)) is not None
        ]

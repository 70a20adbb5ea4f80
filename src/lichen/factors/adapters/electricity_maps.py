# SPDX-License-Identifier: Apache-2.0
"""Any zone of Electricity Maps: hourly, life cycle, imports included; with a token of one's own."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from lichen.factors.adapters.base import GetFactor, Piece, Question, as_json, figure, moment, strange
from lichen.factors.hourly import Interval

_LIFE_CYCLE = "lifecycle"


class ElectricityMaps:
    """The API of Electricity Maps, https://app.electricitymaps.com/docs. Its terms say what may be done with the file."""

    name: ClassVar[str] = "electricity-maps"
    title: ClassVar[str] = "Electricity Maps, carbon intensity of consumption"
    licence: ClassVar[str] = "terms of your contract with Electricity Maps"
    scope: ClassVar[str] = "life cycle"
    url: ClassVar[str] = "https://api.electricitymaps.com"
    token_variable: ClassVar[str] = "LICHEN_ELECTRICITY_MAPS_TOKEN"  # noqa: S105  # a name, no secret
    zones: ClassVar[tuple[str, ...]] = ()
    piece: ClassVar[timedelta] = timedelta(days=10)

    def question(self, piece: Piece, token: str) -> Question:
        """The request for one piece."""
        start, end = (f"{instant:%Y-%m-%dT%H:%M:%SZ}" for instant in (piece.start, piece.end))
        params = {"zone": piece.zone, "start": start, "end": end, "emissionFactorType": _LIFE_CYCLE}
        return Question("/v3/carbon-intensity/past-range", params, {"auth-token": token})

    def intervals(self, answer: bytes, piece: Piece, factor: GetFactor) -> list[Interval]:
        """Hours of the zone asked for; values of another scope are refused."""
        del factor
        document = as_json(self.name, answer)
        try:
            rows = [(row["datetime"], row["carbonIntensity"]) for row in document["data"]]
            zones = {row.get("zone", piece.zone) for row in document["data"]}
            scopes = {row.get("emissionFactorType", _LIFE_CYCLE) for row in document["data"]}
        except (KeyError, TypeError, AttributeError):
            raise strange(self.name, "no rows with datetime and carbonIntensity") from None
        if zones - {piece.zone} or scopes - {_LIFE_CYCLE}:
            raise strange(self.name, "rows of another zone, or not of the life cycle")
        return [
            Interval(moment(self.name, start), value)
            for start, intensity in rows
            if (value := figure(self.name, intensity)) is not None
        ]

# SPDX-License-Identifier: Apache-2.0
"""Europe, from the transparency platform of ENTSO-E: generation by type of plant, times the factors of the pack ``generation``.

The platform tells what was generated within a zone, without imports and exports, and says nothing of carbon. Each hour's mix is
multiplied by the life-cycle factors of the technologies, whose bounds give the hour's range: they are summed, not added in
quadrature, because what a technology's factor gets wrong it gets wrong everywhere.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final
from xml.etree import ElementTree as ET

from lichen.factors.adapters.base import GetFactor, Piece, Question, moment, strange
from lichen.factors.hourly import Interval

DOMAINS: Final[Mapping[str, str]] = {
    "AT": "10YAT-APG------L", "BA": "10YBA-JPCC-----D", "BE": "10YBE----------2", "BG": "10YCA-BULGARIA-R",
    "CH": "10YCH-SWISSGRIDZ", "CZ": "10YCZ-CEPS-----N", "DE": "10Y1001A1001A83F", "DK": "10Y1001A1001A65H",
    "EE": "10Y1001A1001A39I", "ES": "10YES-REE------0", "FI": "10YFI-1--------U", "FR": "10YFR-RTE------C",
    "GR": "10YGR-HTSO-----Y", "HR": "10YHR-HEP------M", "HU": "10YHU-MAVIR----U", "IE": "10YIE-1001A00010",
    "IT": "10YIT-GRTN-----B", "LT": "10YLT-1001A0008Q", "LU": "10YLU-CEGEDEL-NQ", "LV": "10YLV-1001A00074",
    "ME": "10YCS-CG-TSO---S", "MK": "10YMK-MEPSO----8", "NL": "10YNL----------L", "NO": "10YNO-0--------C",
    "PL": "10YPL-AREA-----S", "PT": "10YPT-REN------W", "RO": "10YRO-TEL------P", "RS": "10YCS-SERBIATSOV",
    "SE": "10YSE-1--------K", "SI": "10YSI-ELES-----O", "SK": "10YSK-SEPS-----K",
}  # fmt: skip
"""Energy identification codes of the zones."""

TECHNOLOGIES: Final[Mapping[str, str]] = {
    "B01": "bioenergy", "B02": "coal", "B03": "gas", "B04": "gas", "B05": "coal", "B06": "oil", "B07": "oil", "B08": "coal",
    "B09": "other", "B10": "hydro", "B11": "hydro", "B12": "hydro", "B13": "other", "B14": "nuclear", "B15": "other",
    "B16": "solar", "B17": "bioenergy", "B18": "wind", "B19": "wind",
}  # fmt: skip
"""Technology of the pack ``generation`` for each type of plant; B20 (other) has none and is left out of the mix."""

_RESOLUTION: Final = re.compile(r"PT(\d+)M")
_HOLDS_UNTIL_NEXT: Final = "A03"
_HOUR: Final = timedelta(hours=1)


class Entsoe:
    """The RESTful API of the transparency platform, https://transparency.entsoe.eu; with a token of one's own."""

    name: ClassVar[str] = "entsoe"
    title: ClassVar[str] = (
        "ENTSO-E transparency platform, actual generation by type, times the technology factors of Lichen"
    )
    licence: ClassVar[str] = "ENTSO-E terms of re-use (attribution)"
    scope: ClassVar[str] = "life cycle"
    url: ClassVar[str] = "https://web-api.tp.entsoe.eu"
    token_variable: ClassVar[str] = "LICHEN_ENTSOE_TOKEN"  # noqa: S105  # a name, no secret
    zones: ClassVar[tuple[str, ...]] = tuple(DOMAINS)
    piece: ClassVar[timedelta] = timedelta(days=31)

    def question(self, piece: Piece, token: str) -> Question:
        """The request for one piece: realised generation (A16) per type (A75)."""
        start, end = (f"{instant:%Y%m%d%H%M}" for instant in (piece.start, piece.end))
        params = {
            "securityToken": token, "documentType": "A75", "processType": "A16", "in_Domain": DOMAINS[piece.zone],
            "periodStart": start, "periodEnd": end,
        }  # fmt: skip
        return Question("/api", params, {})

    def intervals(self, answer: bytes, piece: Piece, factor: GetFactor) -> list[Interval]:
        """One interval for each hour in which something was generated."""
        del piece
        if b"<!DOCTYPE" in answer or b"<!ENTITY" in answer:
            raise strange(self.name, "a document type of its own")
        try:
            root = ET.fromstring(answer)  # noqa: S314  # without a document type, nothing can expand
        except ET.ParseError:
            raise strange(self.name, "no XML") from None
        energy: dict[datetime, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for series in _children(root, "TimeSeries"):
            technology = TECHNOLOGIES.get(_text(series, "MktPSRType", "psrType"))
            if technology is None or _text(series, "outBiddingZone_Domain.mRID"):
                continue  # another domain means consumption, such as that of pumps
            for start, hours, power_mw in self._points(series):
                energy[start.replace(minute=0)][technology] += power_mw * hours
        rows = {name: factor(f"generation.{name}.gwp100") for name in sorted(set(TECHNOLOGIES.values()))}
        found = []
        for start, mix in sorted(energy.items()):
            total = math.fsum(mix.values())
            if total > 0:
                low, value, high = (
                    math.fsum(mwh * getattr(rows[name], bound) for name, mwh in mix.items()) / total
                    for bound in ("low", "value", "high")
                )
                found.append(Interval(start, value, low, high))
        return found

    def _points(self, series: ET.Element) -> Iterator[tuple[datetime, float, float]]:
        """Start, duration [h] and power [MW] of each step; a position that is left out repeats the one before."""
        repeats = _text(series, "curveType") == _HOLDS_UNTIL_NEXT
        for period in _children(series, "Period"):
            start = moment(self.name, _text(period, "timeInterval", "start"))
            end = moment(self.name, _text(period, "timeInterval", "end"))
            resolution = _RESOLUTION.fullmatch(_text(period, "resolution"))
            if resolution is None or not 0 < int(resolution[1]) <= 60:  # minutes of an hour
                raise strange(self.name, "a resolution above an hour")
            step = timedelta(minutes=int(resolution[1]))
            try:
                told = {
                    int(_text(point, "position")): float(_text(point, "quantity"))
                    for point in _children(period, "Point")
                }
            except ValueError:
                raise strange(self.name, "a point without position and quantity") from None
            power_mw: float | None = None
            for position in range(1, (end - start) // step + 1):
                power_mw = told.get(position, power_mw if repeats else None)
                if power_mw is not None:
                    yield start + (position - 1) * step, step / _HOUR, max(power_mw, 0.0)


def _children(element: ET.Element, name: str) -> list[ET.Element]:
    return [child for child in element if child.tag.rpartition("}")[2] == name]


def _text(element: ET.Element, *path: str) -> str:
    for name in path:
        found = _children(element, name)
        if not found:
            return ""
        element = found[0]
    return (element.text or "").strip()

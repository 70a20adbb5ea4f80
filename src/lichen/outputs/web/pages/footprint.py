# SPDX-License-Identifier: Apache-2.0
"""What a page itself weighs, counted where it is made, with the same model as everything else."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

from lichen.outputs.web.pages.static import asset
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace

_SCORE, _TRANSFER = "ecoindex", "lichen-1"
"""Method of the score; method of what sending the page emits."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A page as a browser loads it for the first time.

    Attributes:
        transfer_bytes: compressed bodies of the page and of what it loads.
        requests: for them.
        elements: of the document, without what is inside drawings, as EcoIndex counts.
    """

    transfer_bytes: int
    requests: int
    elements: int


@dataclass(frozen=True, slots=True)
class Footprint:
    """A page's EcoIndex with its grade, and the climate impact of sending it once [gCO2e] with its range."""

    score: float
    grade: str
    gwp100: float
    low: float
    high: float


class _Elements(HTMLParser):
    """Counts start tags outside drawings."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._drawing = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002 - named by HTMLParser
        if not self._drawing:
            self.count += 1
        self._drawing = self._drawing or tag == "svg"

    def handle_endtag(self, tag: str) -> None:
        self._drawing = self._drawing and tag != "svg"


def weigh(html: str, assets: Iterable[str]) -> Weight:
    """The weight of a page that loads ``assets``, which are names of `lichen.outputs.web.pages.static`."""
    parser = _Elements()
    parser.feed(html)
    loaded = [len(asset(name).packed) for name in assets]
    return Weight(
        transfer_bytes=len(gzip.compress(html.encode(errors="replace"), 6)) + sum(loaded), requests=1 + len(loaded),
        elements=parser.count,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def footprint(workspace: Workspace, weight: Weight) -> Footprint:
    """EcoIndex and climate impact of a page; what somebody's screen needs while it is read is not part of it."""
    entity = "page/browser"
    rows = [
        {"entity": entity, "quantity": "network_bytes", "value": weight.transfer_bytes, "tier": "device"},
        {"entity": entity, "quantity": "requests", "value": weight.requests},
        {"entity": entity, "quantity": "dom_elements", "value": weight.elements},
    ]
    scored = evaluate_document(workspace, {"activities": rows}, [_SCORE])
    sent = evaluate_document(workspace, {"activities": rows[:1]}, [_TRANSFER])
    grade = next(one for one in scored["grades"] if one["indicator"] == _SCORE)
    climate = [one for one in sent["totals"] if one["indicator"] == "gwp100"]
    return Footprint(
        score=grade["value"], grade=grade["grade"], gwp100=sum(one["value"] for one in climate),
        low=sum(one["low"] for one in climate), high=sum(one["high"] for one in climate),
    )  # fmt: skip

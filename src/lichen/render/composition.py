# SPDX-License-Identifier: Apache-2.0
"""What the climate figure consists of and what it follows, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lichen.render.i18n import Catalogue
from lichen.render.numbers import Numbers
from lichen.service.composition import SCREEN_TIME, Composition
from lichen.service.result import JourneyResult

SMALL: Final = 0.005
"""Share of the figure below which causes are named together."""
_MOSTLY: Final = 0.5
_ADDRESSES: Final = ("http://", "https://")
_WORTH_NAMING: Final = 0.1
"""Share of a range's variance from which a factor is named."""
_OF_EQUIPMENT: Final = re.compile(r"(device|network)\.(\w+)\.(\w+)")
_OF_INDICATOR: Final = re.compile(r"embodied_\w+")


def cause_words(composition: Composition, catalogue: Catalogue, numbers: Numbers) -> str:
    """``making the device 96%, network 4%; CPU, memory <1%``: largest first."""
    large = ", ".join(
        catalogue.say("composition.piece", cause=cause, share=numbers.whole_percent(share))
        for cause, share in _large(_causes(composition, catalogue))
    )
    small = small_words(composition, catalogue, numbers)
    return catalogue.say("composition.mark").join(filter(None, (large, small)))


def small_words(composition: Composition, catalogue: Catalogue, numbers: Numbers) -> str:
    """``CPU, memory <1%``: the causes too small to be told apart; empty where there is none."""
    return "".join(
        catalogue.say("composition.piece", cause=causes, share=numbers.whole_percent(share))
        for causes, share in _together(_causes(composition, catalogue))
    )


def _causes(composition: Composition, catalogue: Catalogue) -> dict[str, float]:
    return {catalogue.word("cause", name): share for name, share in composition.by_cause().items()}


def _large(named: Mapping[str, float]) -> list[tuple[str, float]]:
    return [(name, share) for name, share in named.items() if share >= SMALL]


def _together(named: Mapping[str, float]) -> list[tuple[str, float]]:
    """One entry for all that is small, none where nothing is."""
    small = {name: share for name, share in named.items() if 0 < share < SMALL}
    return [(", ".join(small), sum(small.values()))] if small else []


def follows_words(journey: JourneyResult, catalogue: Catalogue, numbers: Numbers) -> str:
    """``97% follows screen time, which the journey declares (dwell); 2% bytes; <1% CPU time.``; empty without a figure."""
    composition = journey.composition
    if composition is None:
        return ""
    named: dict[str, float] = {}
    for name, share in composition.by_quantity().items():
        what = (
            _screen_words(journey, composition, catalogue) if name == SCREEN_TIME else catalogue.word("follows", name)
        )
        named[what] = named.get(what, 0.0) + share
    said: list[str] = []
    for what, share in (*_large(named), *_together(named)):
        key = "composition.other" if said else "composition.first"
        said.append(catalogue.say(key, share=numbers.whole_percent(share), what=what))
    return catalogue.say("composition.sentence", pieces=catalogue.say("composition.mark").join(said)) if said else ""


def _screen_words(journey: JourneyResult, composition: Composition, catalogue: Catalogue) -> str:
    """Screen time, and who decides it: it is what most of the figure follows."""
    screen = composition.by_quantity()[SCREEN_TIME]
    if composition.declared <= _MOSTLY * screen:
        return catalogue.say("composition.screen_observed")
    if journey.source.startswith(_ADDRESSES):
        return catalogue.say("composition.screen_address")
    return catalogue.say("composition.screen_declared")


def constant_words(journey: JourneyResult, catalogue: Catalogue, numbers: Numbers) -> str:
    """How much of the figure repeating cannot move, so that a small repeatability is not taken for a quality."""
    composition = journey.composition
    if composition is None or not composition.constant:
        return ""
    return catalogue.say("composition.constant", share=numbers.whole_percent(composition.constant))


def cpu_words(journey: JourneyResult, catalogue: Catalogue, numbers: Numbers) -> str:
    """How much of the figure the precision of CPU time is about."""
    composition = journey.composition
    if composition is None:
        return ""
    shares = composition.by_quantity()
    share = sum(shares.get(name, 0.0) for name in ("cpu_time", "cpu_time_share"))
    return catalogue.say("composition.cpu", share=numbers.whole_percent(share)) if share > 0 else ""


def doubt_words(journey: JourneyResult, catalogue: Catalogue, numbers: Numbers) -> str:
    """``81% of the range comes from making it (laptop), 12% from power while idle (laptop).``; empty where it has none."""
    composition = journey.composition
    doubts = composition.doubts if composition is not None else ()
    said: list[str] = []
    for factor, share in doubts:
        if share >= _WORTH_NAMING:
            key = "composition.doubt" if not said else "composition.other_doubt"
            said.append(
                catalogue.say(
                    key,
                    share=numbers.whole_percent(share),
                    what=factor_words(factor.factor_id, factor.geography, catalogue),
                )
            )
    return catalogue.say("composition.sentence", pieces=", ".join(said)) if said else ""


def factor_words(factor_id: str, geography: str, catalogue: Catalogue) -> str:
    """What a factor is, in words; its id where the catalogue has none."""
    found = _OF_EQUIPMENT.fullmatch(factor_id)
    name = f"{found[1]}.{found[3]}" if found else factor_id
    key = f"factor.{_OF_INDICATOR.sub('embodied', name)}"
    if key not in catalogue:
        return factor_id
    where = catalogue.word("equipment", found[2]) if found else geography
    return catalogue.say(key) if where == "WORLD" else catalogue.say("factor.of", what=catalogue.say(key), of=where)

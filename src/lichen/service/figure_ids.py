# SPDX-License-Identifier: Apache-2.0
"""What the id of a figure means: ``JOURNEY[/STEP[/PART]][#NAME]``, and the sentence when it means nothing."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lichen.collect.entities import BETWEEN, JourneyEntity, parse_entity
from lichen.errors import UsageError
from lichen.nomenclature import Nomenclature
from lichen.records import ID_SHOWN

HEADLINE: Final = "gwp100"
_SHOWN: Final = 12


def folded(word: str) -> str:
    """A word without case and accents, as people type it."""
    letters = unicodedata.normalize("NFKD", word.casefold().strip())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a run holds.

    Attributes:
        entities: of activities and impacts.
        indicators, quantities: names that can be opened.
        words: folded word of a table, in any language, to the name it heads.
    """

    entities: Sequence[str]
    indicators: Sequence[str]
    quantities: Sequence[str]
    words: Mapping[str, str]

    def name(self, figure_id: str, word: str) -> str:
        """The indicator or the quantity that is meant.

        Raises:
            UsageError: neither is called so.
        """
        names = (*self.indicators, *(name for name in self.quantities if name not in self.indicators))
        if not word:
            return HEADLINE
        if word in names:
            return word
        meant = self.words.get(folded(word))
        if meant in names:
            return str(meant)
        close = difflib.get_close_matches(
            folded(word), [*names, *(w for w, n in self.words.items() if n in names)], n=1
        )
        near = f"Did you mean '{close[0]}'? " if close else ""
        raise UsageError(
            f"No figure of '{figure_id}' is called '{word}'.",
            repair=f"{near}Indicators: {', '.join(self.indicators)}. Counters: {', '.join(self.quantities)}.",
            culprit=word,
        )

    def is_place(self, path: str) -> bool:
        """Whether something of the run lies at ``JOURNEY[/STEP[/PART]]``, or is this entity."""
        return any(at(entity, path) for entity in self.entities)

    def unknown_place(self, run_id: str, path: str, older: str = "") -> UsageError:
        """The sentence for a place that the run does not hold.

        Args:
            older: what ``--run`` takes for an older run that holds it; empty when none does.
        """
        journey, *rest = path.split("/")
        steps = self._steps(journey)
        if rest and steps:
            wanted, listed, kind = rest[0], steps, f"Steps of {journey}"
            problem = f"The journey '{journey}' of the run {run_id[:ID_SHOWN]} has no figure '{'/'.join(rest)}'."
            if rest[0] in steps:
                wanted, listed, kind = "/".join(rest[1:]), self._parts(journey), f"Parts of {journey}"
        else:
            wanted, listed, kind = journey, self._journeys(), "Journeys"
            problem = f"Nothing in the run {run_id[:ID_SHOWN]} is called '{path}'."
        close = difflib.get_close_matches(wanted, listed, n=1)
        near = f"Did you mean '{close[0]}'? " if close and not older else ""
        holds = f"An older run has it: add --run {older}. " if older else ""
        more = " ..." if len(listed) > _SHOWN else ""
        names = f"{kind}: {', '.join(listed[:_SHOWN])}{more}. " if listed else ""
        return UsageError(
            problem,
            repair=f"{holds}{near}{names}Give JOURNEY/STEP#NAME, or the id of an impact.",
            culprit=path,
        )

    def _parsed(self) -> Iterable[JourneyEntity]:
        return (found for entity in self.entities if (found := parse_entity(entity)))

    def _journeys(self) -> list[str]:
        return list(dict.fromkeys(entity.journey for entity in self._parsed()))

    def _steps(self, journey: str) -> list[str]:
        return list(dict.fromkeys(entity.step or BETWEEN for entity in self._parsed() if entity.journey == journey))

    def _parts(self, journey: str) -> list[str]:
        return list(dict.fromkeys(entity.part for entity in self._parsed() if entity.journey == journey))


def known(
    entities: Iterable[str], nomenclature: Nomenclature, quantities: Iterable[str], words: Mapping[str, str]
) -> Known:
    """What a run of these entities and quantities holds."""
    return Known(
        entities=tuple(dict.fromkeys(entities)),
        indicators=tuple(nomenclature.names("indicator")),
        quantities=tuple(dict.fromkeys(quantities)),
        words=words,
    )


def at(entity_path: str, path: str) -> bool:
    """Whether an entity lies at ``JOURNEY[/STEP[/PART]]``, or is it."""
    if path == entity_path:
        return True
    entity = parse_entity(entity_path)
    return entity is not None and path.split("/") in (
        [entity.journey], [entity.journey, entity.step or BETWEEN], [entity.journey, entity.step or BETWEEN, entity.part],
    )  # fmt: skip

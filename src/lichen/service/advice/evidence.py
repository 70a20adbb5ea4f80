# SPDX-License-Identifier: Apache-2.0
"""What a run file says about one journey, as rules read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lichen.collect.entities import BROWSER, JourneyEntity, parse_entity
from lichen.collect.survey import Resource, Survey, read_survey
from lichen.records import Activity


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyEvidence:
    """One journey of a run.

    Attributes:
        rows: its activities, by entity.
        survey: what a look into its pages found; None where none was taken.
    """

    name: str
    rows: Sequence[tuple[JourneyEntity, Activity]]
    survey: Survey | None

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Answers that crossed the network."""
        found = self.survey.resources if self.survey is not None else ()
        return tuple(one for one in found if not one.from_cache)

    def fetched(self, *kinds: str) -> tuple[Resource, ...]:
        """Whole answers of these kinds."""
        return tuple(one for one in self.resources if one.kind in kinds and one.status == 200)

    def bytes_of(self, url: str) -> tuple[int, str]:
        """Received bytes of an address in the whole journey, and the step that asked for it first."""
        rows = [one for one in self.resources if one.url == url]
        return sum(one.received_bytes for one in rows), rows[0].step if rows else ""

    def value(self, part: str, step: str, quantity: str) -> float | None:
        """What a part consumed in a step."""
        for entity, row in self.rows:
            if entity.part == part and entity.step == step and row.quantity == quantity:
                return row.value
        return None

    def template(self, part: str, step: str, quantity: str) -> Activity | None:
        """The row of a quantity, or of the same quantity in another step: where it was consumed, and by what."""
        same = [row for entity, row in self.rows if entity.part == part and row.quantity == quantity]
        here = [row for row in same if (entity := parse_entity(row.entity)) is not None and entity.step == step]
        return next(iter(here or same), None)

    def steps(self) -> Iterator[str]:
        """Names of its steps, without the time between them."""
        yield from dict.fromkeys(entity.step for entity, _ in self.rows if entity.step)

    def servers(self) -> list[str]:
        """Parts that run on servers."""
        return list(
            dict.fromkeys(e.part for e, row in self.rows if e.part != BROWSER and row.attribute("tier") == "server")
        )


def evidence_of(record: Mapping[str, Any], rows: Sequence[Activity]) -> JourneyEvidence:
    """The evidence of one journey's record.

    Args:
        record: of the run file's ``journeys``. rows: activities of the whole run.
    """
    found = record.get("survey")
    mine = [(e, row) for row in rows if (e := parse_entity(row.entity)) is not None and e.journey == record["name"]]
    return JourneyEvidence(name=record["name"], rows=mine, survey=None if found is None else read_survey(found))


def short_url(url: str) -> str:
    """The last segment of an address's path, or its host.

    >>> short_url("https://cdn.example.org/img/hero.png?v=3")
    'hero.png'
    >>> short_url("https://example.org/")
    'example.org'
    """
    parts = urlsplit(url)
    return parts.path.rstrip("/").rpartition("/")[2] or parts.hostname or url

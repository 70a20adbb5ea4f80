# SPDX-License-Identifier: Apache-2.0
"""Entity paths of journeys: ``project/part/journey/step``."""

from __future__ import annotations

from typing import Final, NamedTuple

from lichen.records import writable

BROWSER: Final = "browser"
BETWEEN: Final = "(between)"
"""Path segment of the time between steps, which has no name of its own."""


class JourneyEntity(NamedTuple):
    """The four segments of a path."""

    project: str
    part: str
    journey: str
    step: str

    @property
    def path(self) -> str:
        """The entity as activities carry it.

        Raises:
            ValueError: a segment contains a slash; `segment` makes one of a free name, journeys refuse such steps.
        """
        if any("/" in part for part in self):
            raise ValueError(f"a segment of {self!r} contains a slash")
        return "/".join((self.project, self.part, self.journey, self.step or BETWEEN))


def segment(name: str) -> str:
    """A name as one segment of a path: slashes would split it, and what no file can hold is escaped."""
    return writable(name).replace("/", "∕").strip() or "-"


def parse_entity(path: str) -> JourneyEntity | None:
    """The segments of a journey's entity, None for any other entity."""
    segments = path.split("/")
    if len(segments) != 4:
        return None
    project, part, journey, step = segments
    return JourneyEntity(project, part, journey, "" if step == BETWEEN else step)

# SPDX-License-Identifier: Apache-2.0
"""Places of lichen.toml: where parts run; refused before anything is measured when there is no such place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lichen.catalogue import places, regions
from lichen.collect.entities import BROWSER
from lichen.collect.rows import PartPlace
from lichen.config import Settings
from lichen.errors import ActivityError, ConfigError
from lichen.service.workspace import Workspace


def check_places(workspace: Workspace) -> None:
    """Refuses a zone or a region that does not exist: the world's electricity would stand in for a slip.

    A country without factors of its own, and a grid zone without them, are places: what stands in for them is said with the
    result. A region that a pack has rows for is one too.

    Raises:
        ConfigError: names the place and where it was set.
    """
    for key, name in _named(workspace):
        try:
            if key.endswith(".zone"):
                places.canonical(name, workspace.factors.geographies)
            elif regions.key_of(name) not in workspace.factors.geographies:
                regions.get(name)
        except ActivityError as error:
            origin = workspace.settings.origins.get(key)
            where = (origin.where or "") if origin is not None else ""
            what = "place" if key.endswith(".zone") else "region"
            raise ConfigError(
                f"There is no {what} '{name}'" + (f" ({where})." if where else "."),
                repair=error.repair,
                culprit=where or name,
            ) from None


def places_of(settings: Settings, parts: Iterable[str]) -> dict[str, PartPlace]:
    """Where the browser and the named parts run. A part that tells neither zone nor region runs where the visitors are."""
    context = settings.context
    hosts = {
        part.name: PartPlace(
            tier="server", zone=part.zone if part.zone or part.region else context.zone, region=part.region
        )
        for part in settings.parts
    }
    browser = PartPlace(tier="device", zone=context.zone, device=context.device, network=context.network)
    return {BROWSER: browser} | {name: hosts[name] for name in parts}


def _named(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Each zone and region that is set, by its key."""
    settings = workspace.settings
    named = [("context.zone", settings.context.zone)]
    for index, part in enumerate(settings.parts):
        named += [(f"part.{index}.zone", part.zone), (f"part.{index}.region", part.region)]
    return ((key, name) for key, name in named if name is not None)

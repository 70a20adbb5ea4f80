# SPDX-License-Identifier: Apache-2.0
"""A command as the subject of a measurement: what it is called, what it is compared by, what it runs on."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import psutil

from lichen import redact
from lichen.collect.entities import segment
from lichen.collect.machine import describe_host
from lichen.collect.rows import PartPlace
from lichen.config import Settings
from lichen.records import writable
from lichen.service.record import RunFacts
from lichen.service.workspace import Workspace

_WORDS_MAX: Final = 3
_NAME_MAX: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Stands where a journey stands in a run's record.

    Attributes:
        name: third segment of its entities.
        source: its words as a shell reads them, secrets masked; source_hash: SHA-256 of that.
        base_url: a command has none.
    """

    name: str
    source: str
    source_hash: str
    base_url: str | None = None

    @classmethod
    def of(cls, words: Sequence[str], name: str | None = None) -> Command:
        """A command line.

        Args:
            name: what it is called; its first words when None.
        """
        source = " ".join(shlex.quote(word) if word != redact.MASK else word for word in redact.words(words))
        digest = hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()
        return cls(name=segment(redact.text(name or short_name(words))), source=source, source_hash=digest)


def short_name(words: Sequence[str]) -> str:
    """The first words up to an option, without their folders: the same command has the same name wherever it lies.

    The ``-m`` of Python is kept, as what it runs follows.

    >>> short_name(["/usr/bin/python3", "jobs/detect.py", "--size", "640"])
    'python3 detect.py'
    >>> short_name(["npx", "playwright", "test", "checkout.spec.ts"])
    'npx playwright test'
    >>> short_name(["python", "-m", "pytest", "-q"])
    'python -m pytest'
    """
    said: list[str] = []
    for word in redact.words(words)[:_WORDS_MAX]:
        if said and word.startswith("-") and not (word == "-m" and said[-1].startswith("python")):
            break
        said.append(PurePath(word).name or word)
    return " ".join(said)[:_NAME_MAX]


def place_of_command(settings: Settings) -> PartPlace:
    """Where commands run: this machine, as ``run.tier`` says or, with ``auto``, as its battery does."""
    battery = psutil.sensors_battery() is not None
    tier = settings.run.tier if settings.run.tier != "auto" else "device" if battery else "server"
    zone = settings.context.zone
    if tier == "server":
        return PartPlace(tier=tier, zone=zone)
    return PartPlace(tier=tier, zone=zone, device="laptop" if battery else "desktop", network=settings.context.network)


def facts_of_command(workspace: Workspace, where: Mapping[str, PartPlace], *, unit_name: str) -> RunFacts:
    """What all repetitions of a command share.

    Args:
        where: where the command's trees and the parts beside it run.
        unit_name: its functional unit.
    """
    settings = workspace.settings
    method = workspace.method(settings.method.use)
    place = place_of_command(settings)
    return RunFacts(
        project=settings.project.name,
        functional_unit=writable(redact.text(unit_name)),
        method={"id": method.method_id, "version": method.version, "factors_hash": workspace.factors.hash()},
        places=where,
        host=describe_host(),
        browser={},
        settings={"tier": place.tier},
        context={"zone": place.zone, "device": place.device, "network": place.network},
        meters=settings.meters,
    )


def record_of_command(units: float, exit_codes: Sequence[int]) -> dict[str, Any]:
    """What a command's record in a run file has beside a journey's."""
    return {"kind": "command", "units": units, "exit_codes": list(exit_codes)}

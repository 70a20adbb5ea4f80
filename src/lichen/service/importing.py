# SPDX-License-Identifier: Apache-2.0
"""HTTP archives as a run: requests and bytes, and nothing that an archive cannot tell."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from lichen import __version__, redact
from lichen.collect.base import Request
from lichen.collect.browser.sites import registrable_site
from lichen.collect.entities import BROWSER, JourneyEntity, segment
from lichen.collect.journeys.har import Har, read_har
from lichen.errors import UsageError
from lichen.ledger import runfile
from lichen.records import Activity, timestamp
from lichen.service.result import Result
from lichen.service.statement import with_figures
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace

_UNKNOWN: Final = ("cpu_time", "memory_peak", "memory_byte_seconds", "disk_bytes", "screen_time")
"""What a measured journey has and an archive does not tell: unknown, so that every result says that it is not covered."""
_HOSTS_SHOWN: Final = 5
_BLOCK: Final = 1 << 20


def import_har(workspace: Workspace, paths: Sequence[Path], *, site: str | None = None) -> Result:
    """Writes one run file with a journey per archive and a step per page.

    Args:
        workspace: settings and data.
        paths: HAR files.
        site: host of the first party; that of the first document of each archive when None.

    Returns:
        The run seen through the configured method.

    Raises:
        StorageError: an archive cannot be read or is none; nothing is written.
        UsageError: two archives have one name, nothing in one crossed a network, or nothing in one went to ``site``.
    """
    names = [segment(path.name.removesuffix(".har")) for path in paths]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"Two archives are called '{name}'.", repair="Import them one by one, or rename one.", culprit=name
            )
    runfile.check_folder(workspace.settings.output.runs)
    archives = {name: (path, read_har(path, site=site)) for name, path in zip(names, paths, strict=True)}
    for path, har in archives.values():
        if not any(page.requests for page in har.pages):
            raise UsageError(
                f"{path} holds no request that crossed a network.", repair="Record a page load.", culprit=str(path)
            )
        hosts = list(dict.fromkeys(request.host for page in har.pages for request in page.requests))
        if site is not None and har.site not in [registrable_site(host) for host in hosts]:
            raise UsageError(
                f"No request of {path} goes to '{site}'.",
                repair=f"Hosts in it: {', '.join(hosts[:_HOSTS_SHOWN])}{', ...' if len(hosts) > _HOSTS_SHOWN else ''}.",
                culprit=site,
            )
    written = runfile.write(workspace.settings.output.runs, with_figures(workspace, _content(workspace, archives)))
    return summarise(workspace, written)


def _content(workspace: Workspace, archives: dict[str, tuple[Path, Har]]) -> dict[str, Any]:
    """The content of the run file: see ``docs/run-file.md``."""
    settings = workspace.settings
    context = settings.context
    method = workspace.method(settings.method.use)
    moments = [moment for _, har in archives.values() for moment in (har.started_at, har.ended_at) if moment]
    started_at, ended_at = (timestamp(min(moments)), timestamp(max(moments))) if moments else (timestamp(), timestamp())
    return {
        "schema": runfile.SCHEMA,
        "lichen_version": __version__,
        "project": settings.project.name,
        "started_at": started_at,
        "ended_at": ended_at,
        "host": {},
        "browser": {},
        "settings": {},
        "method": {"id": method.method_id, "version": method.version, "factors_hash": workspace.factors.hash()},
        "context": {
            "parts": 1, "functional_unit": context.functional_unit, "zone": context.zone, "device": context.device,
            "network": context.network,
        },
        "journeys": [_journey(name, path, har, context.functional_unit) for name, (path, har) in archives.items()],
        "activities": [
            row.to_json() for name, (_, har) in archives.items() for row in _rows(workspace, name, har)
        ],
    }  # fmt: skip


def _rows(workspace: Workspace, name: str, har: Har) -> Iterator[Activity]:
    context = workspace.settings.context
    attributes = {
        "tier": "device", "zone": context.zone, "device": context.device, "network": context.network, "basis": "per_unit",
        "functional_unit": context.functional_unit,
    }  # fmt: skip
    for page in har.pages:
        entity = JourneyEntity(segment(workspace.settings.project.name), BROWSER, name, page.name).path
        counted = [request for request in page.requests if not request.from_cache]
        values: dict[str, float | None] = {"network_bytes": _bytes(counted), "requests": float(len(counted))}
        for quantity, value in (values | dict.fromkeys(_UNKNOWN)).items():
            yield Activity(
                entity=entity,
                quantity=quantity,
                value=value,
                unit=workspace.nomenclature.quantity(quantity).unit,
                samples=(value,),
                method="modelled" if quantity == "network_bytes" and har.estimated else "measured",
                attributes=attributes,
            )


def _bytes(requests: Sequence[Request]) -> int | None:
    """Received and sent bytes; None when one request tells none."""
    sizes = [size for request in requests for size in (request.received_bytes, request.sent_bytes)]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _journey(name: str, path: Path, har: Har, functional_unit: str) -> dict[str, Any]:
    return {
        "name": name,
        "source": redact.text(str(path)),
        "source_sha256": _digest(path),
        "base_url": None,
        "functional_unit": functional_unit,
        "imported": {"format": "HAR 1.2", "creator": redact.text(har.creator)},
        "sampling": {
            "taken": 1, "discarded": 0, "primary_s": [], "kept": [0], "precision": None, "target": None, "cv": None,
            "status": "single",
        },
        "samples": [],
        "requests_of_sample": 0,
        "requests": _requests(har),
        "agent_cpu_s": None,
        "driver_cpu_s": None,
        "notes": list(_notes(har)),
    }  # fmt: skip


def _requests(har: Har) -> list[dict[str, Any]]:
    """Equal requests of a page counted together, addresses without their queries, secrets masked."""
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for page in har.pages:
        for request in page.requests:
            url, size = redact.text(request.url), _bytes([request])
            key = (request.step, url, request.kind, request.status, size is None)
            row = merged.setdefault(
                key,
                {
                    "step": request.step, "url": url, "host": request.host, "party": request.party, "kind": request.kind,
                    "status": request.status, "count": 0, "network_bytes": None if size is None else 0,
                },
            )  # fmt: skip
            row["count"] += 1
            if size is not None:
                row["network_bytes"] += size
    return sorted(merged.values(), key=lambda row: (-(row["network_bytes"] or 0), row["url"], row["step"]))


def _notes(har: Har) -> Iterator[str]:
    yield (
        "imported from an HTTP archive: it tells requests and bytes only; CPU time, memory, storage and screen time are not "
        "covered"
    )
    if har.estimated:
        yield f"bytes of {har.estimated} requests are rebuilt from their headers and contents"
    if har.unknown:
        yield f"{har.unknown} requests do not tell their bytes: the bytes of their pages are unknown"
    if har.failed:
        yield f"{har.failed} requests got no answer"
    if har.sockets:
        yield f"the messages of {har.sockets} WebSockets are not in the bytes"


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()

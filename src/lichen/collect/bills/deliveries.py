# SPDX-License-Identifier: Apache-2.0
"""Which files of an export count: providers write a growing bill anew every day, and beside each version a manifest of its files.

Read are manifests of AWS (Cost and Usage Reports: ``reportKeys``, the latest one in the folder of the period; Data Exports:
``dataFiles``, beside ``data`` in ``metadata``) and of Azure (``blobs``, one of each run). Of all versions that lie in a folder,
the last one's files count; where manifests do not say which that is, nothing is decided.

Sources: docs.aws.amazon.com/cur/latest/userguide (understanding-report-versions, dataexports-export-delivery) and
github.com/microsoft/finops-toolkit/issues/527 (a manifest of Azure). Of documentation only: no real manifest was read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from lichen.errors import StorageError

MOST_BYTES: Final = 1 << 24
"""Of a manifest: one has a line for each file."""
_ENDING: Final = "manifest.json"
_TAIL: Final = 2
"""Names of a path, from its end, by which a file is known: folders above may have been left behind when it was copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a manifest says.

    Attributes:
        path: of the manifest.
        bill: what it is a version of: another one for each export and period.
        at: when it was made; empty where the manifest does not tell.
        run: name of the folder of this version, beside those of others; empty where the manifest does not tell.
        keys: its files, by the paths that the provider gave them.
    """

    path: PurePosixPath
    bill: tuple[str, ...]
    at: str
    run: str
    keys: tuple[PurePosixPath, ...]


def is_manifest(name: str) -> bool:
    """Whether a file has the name of a manifest."""
    return name.casefold().endswith(_ENDING)


def read_delivery(path: str, content: bytes) -> Delivery | None:
    """A manifest; None for another thing of this name."""
    try:
        said = json.loads(content)
    except ValueError:
        return None
    return _delivery(PurePosixPath(path), said) if isinstance(said, dict) else None


def superseded(paths: Sequence[str], deliveries: Sequence[Delivery]) -> list[str]:
    """Files of versions that are no longer the last one.

    Args:
        paths: of all files, with all of their folders.

    Raises:
        StorageError: a last version is not whole.
    """
    if not deliveries:
        return []
    files = _Files(paths)
    bills: dict[tuple[str, ...], list[Delivery]] = {}
    for one in deliveries:
        bills.setdefault(one.bill, []).append(one)
    old: set[PurePosixPath] = set()
    kept: set[PurePosixPath] = set()
    for versions in bills.values():
        last = _last(versions)
        if last is None:
            continue
        found = {key: file for key in last.keys if (file := files.of(key, last)) is not None}
        if not found:
            continue
        if lacking := [key for key in last.keys if key not in found]:
            raise StorageError(
                f"{last.path} names {len(last.keys)} files, and {lacking[0].name} is not there: the bill is not whole.",
                repair="Fetch it, too, or name the files that are to be imported.",
                culprit=str(last.path),
            )
        chosen = set(found.values())
        old |= files.like(chosen, _scope(last, sorted(chosen)))
        kept |= chosen
    gone = old - kept
    return [path for path, file in zip(paths, files.all, strict=True) if file in gone]


class _Files:
    """The files of a place, by what manifests know of them."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.all = [PurePosixPath(path) for path in paths]
        self._named: dict[tuple[str, ...], list[PurePosixPath]] = {}
        self._shaped: dict[str, list[PurePosixPath]] = {}
        for file in self.all:
            self._named.setdefault(file.parts[-_TAIL:], []).append(file)
            self._shaped.setdefault(_shape(file), []).append(file)

    def of(self, key: PurePosixPath, by: Delivery) -> PurePosixPath | None:
        """The file that a manifest means: the nearest of those with its name and folder, or one beside the manifest."""
        folder = by.path.parent
        beside = folder / key.name
        fitting = [
            (folder in file.parents, _common(key, file), file)
            for file in {*self._named.get(key.parts[-_TAIL:], ()), *self._named.get(beside.parts[-_TAIL:], ())}
            if file == beside or _common(key, file) >= _TAIL
        ]
        return max(fitting)[2] if fitting else None

    def like(self, some: Iterable[PurePosixPath], scope: PurePosixPath) -> set[PurePosixPath]:
        """Those below a folder whose names differ in numbers alone from those of some."""
        within = f"{scope}/"
        shapes = {_shape(file) for file in some}
        return {file for shape in shapes for file in self._shaped[shape] if str(file).startswith(within)}


def _delivery(path: PurePosixPath, said: Mapping[str, Any]) -> Delivery | None:
    bill: tuple[str, ...]
    at = run = ""
    match said:
        case {"reportKeys": [*keys], "billingPeriod": {"start": start}}:
            report = said.get("reportId") or said.get("reportName")
            bill = "aws", str(said.get("account")), str(report), str(start)
        case {"dataFiles": [*keys]}:
            partition = next((one for one in path.parents if "=" in one.name), path.parent)
            bill = "aws-export", str(partition), path.name
        case {"blobs": [*blobs], "runInfo": {"submittedTime": time, "startDate": start, **info}}:
            keys = [blob.get("blobName") for blob in blobs if isinstance(blob, dict)]
            export = said.get("exportConfig")
            about = export if isinstance(export, dict) else {}
            bill = "azure", *(str(about.get(name)) for name in ("resourceId", "exportName", "type")), str(start)
            at, run = str(time), str(info.get("runId", ""))
        case _:
            return None
    named = tuple(PurePosixPath(key.partition("://")[2] or key) for key in keys if isinstance(key, str))
    return Delivery(path=path, bill=bill, at=at, run=run, keys=named) if named else None


def _last(versions: Sequence[Delivery]) -> Delivery | None:
    """The newest version; where none tells its time, the one whose manifest lies above the others. None where that is open."""
    ranked = sorted(versions, key=lambda one: (one.at, -len(one.path.parts)))
    last = ranked[-1]
    ties = [one for one in ranked[:-1] if (one.at, len(one.path.parts)) == (last.at, len(last.path.parts))]
    return last if all(set(one.keys) == set(last.keys) for one in ties) else None


def _common(one: PurePosixPath, other: PurePosixPath) -> int:
    """How many names two paths have in common, from their ends."""
    count = 0
    for mine, yours in zip(reversed(one.parts), reversed(other.parts), strict=False):
        if mine != yours:
            break
        count += 1
    return count


def _scope(last: Delivery, chosen: Sequence[PurePosixPath]) -> PurePosixPath:
    """The folder in which all versions of a bill lie."""
    folder = last.path.parent
    if folder not in chosen[0].parents:
        # Manifests beside the data, in folders of the same partition.
        return next(
            (one for one in chosen[0].parents if one.name in folder.parts and "=" in one.name), chosen[0].parent
        )
    return folder.parent if last.run and folder.name == last.run else folder


def _shape(file: PurePosixPath) -> str:
    """A name without its numbers, which parts of one bill differ in."""
    return re.sub(r"\d+", "#", file.name)

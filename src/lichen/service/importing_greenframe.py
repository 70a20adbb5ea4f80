# SPDX-License-Identifier: Apache-2.0
"""A project of GreenFrame becomes files of Lichen: all of them or none, and never over what is there."""

from __future__ import annotations

from pathlib import Path

from lichen.collect.journeys.greenframe import Imported, read_project
from lichen.config import DEFAULT_FILE
from lichen.errors import ConfigError, StorageError
from lichen.ledger.runfile import write_atomically


def import_greenframe(path: Path, folder: Path, *, partial: bool = False) -> tuple[Imported, list[Path]]:
    """Writes ``lichen.toml`` and the journeys of a project.

    Args:
        path: of ``.greenframe.yml``.
        folder: where the files go.
        partial: write what can be rewritten when something cannot.

    Returns:
        What was read, and the files written: none when something was refused and ``partial`` is not wanted.

    Raises:
        ConfigError: the project cannot be read, or nothing of it can be measured.
        StorageError: a file exists already, or cannot be written; nothing is written.
    """
    project = read_project(path)
    if project.refused and not partial:
        return project, []
    if not project.journeys and "[[journey]]" not in project.settings:
        raise ConfigError(
            f"No scenario of {path} can be rewritten: {project.refused[0]}.",
            repair="Correct the scenario, or write the journey anew.",
            culprit=str(path),
        )
    files = {folder / DEFAULT_FILE: project.settings} | {folder / name: text for name, text in project.journeys.items()}
    for file in files:
        if file.exists() or file.is_symlink():
            raise StorageError(
                f"{file} exists already.", repair="Move it away, or name another folder with --into.", culprit=str(file)
            )
    written: list[Path] = []
    try:
        for file, text in files.items():
            write_atomically(file, text.encode())
            written.append(file)
    except StorageError:
        for file in written:
            file.unlink(missing_ok=True)
        raise
    return project, written

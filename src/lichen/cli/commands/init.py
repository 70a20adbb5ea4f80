# SPDX-License-Identifier: Apache-2.0
"""``lichen init``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.errors import StorageError

EXAMPLE_JOURNEY: Final = '''\
"""What a visitor does. Run it with: lichen measure example"""


def journey(page, step):
    """Opens the home page and reads it. `page` is a Playwright page; `dwell` is the time a person spends, in seconds."""
    with step("open", dwell=5):
        page.goto("/")
    with step("read", dwell=20):
        page.mouse.wheel(0, 2000)
'''


@click.command("init", epilog="Example: lichen init && lichen measure example")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@common_options
@click.pass_obj
def command(invocation: Invocation, force: bool) -> None:
    """Write a commented lichen.toml and an example journey.

    The files go to the current folder, or where --config names the settings file.
    """
    from lichen.config import DEFAULT_FILE, resolve_lang
    from lichen.config.document import starter

    file = invocation.config or Path(DEFAULT_FILE)
    folder = file.absolute().parent
    lang = resolve_lang(invocation.lang or "auto", os.environ)
    files = {
        file: starter(folder.name or "project", lang),
        file.parent / "journeys" / "example.py": EXAMPLE_JOURNEY,
    }
    for path in files:
        if (path.exists() or path.is_symlink()) and not force:
            raise StorageError(
                f"{path} exists already.", repair="Keep it, or overwrite it with --force.", culprit=str(path)
            )
    _write_all(files)
    if invocation.json:
        invocation.print_json({"written": [str(path) for path in files]})
        return
    for path in files:
        click.echo(f"written: {path}")


def _write_all(files: Mapping[Path, str]) -> None:
    """All files or none: what was written or made before one failed is put back as it was."""
    from lichen.ledger.runfile import destination, write_atomically

    before: dict[Path, bytes | None] = {}
    made: list[Path] = []
    for path, content in files.items():
        try:
            destination(path)
            before[path] = path.read_bytes() if path.exists() else None
            made += [folder for folder in path.parents if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content.encode())
        except (OSError, StorageError) as error:
            _put_back(before, made)
            why = (error.strerror or str(error)) if isinstance(error, OSError) else error.problem.rstrip(".")
            raise StorageError(
                f"{path} cannot be written: {why}; nothing was written.",
                repair="Choose a folder that can be written to.",
                culprit=str(path),
            ) from error


def _put_back(before: Mapping[Path, bytes | None], made: Sequence[Path]) -> None:
    from lichen.ledger.runfile import write_atomically

    for path, content in before.items():
        with contextlib.suppress(OSError, StorageError):
            if content is None:
                path.unlink(missing_ok=True)
            elif path.read_bytes() != content:
                write_atomically(path, content)
    for folder in sorted(made, key=lambda folder: len(folder.parts), reverse=True):
        with contextlib.suppress(OSError):  # somebody else has put something there
            folder.rmdir()

# SPDX-License-Identifier: Apache-2.0
"""``lichen init``."""

from __future__ import annotations

import os
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
        if path.exists() and not force:
            raise StorageError(
                f"{path} exists already.", repair="Keep it, or overwrite it with --force.", culprit=str(path)
            )
    for path, content in files.items():
        _write(path, content)
    if invocation.json:
        invocation.print_json({"written": [str(path) for path in files]})
        return
    for path in files:
        click.echo(f"written: {path}")


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}.",
            repair="Choose a folder that can be written to.",
            culprit=str(path),
        ) from error

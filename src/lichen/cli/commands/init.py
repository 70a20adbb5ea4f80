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
from lichen.cli.words import Words
from lichen.errors import StorageError

EXAMPLE_JOURNEY: Final[Mapping[str, str]] = {
    "en": '''\
"""What a visitor does. Run it with: lichen measure example"""


def journey(page, step):
    """Opens the home page and reads it. `page` is a Playwright page; `dwell` is the time a person spends, in seconds."""
    with step("open", dwell=5):
        page.goto("/")
    with step("read", dwell=20):
        page.mouse.wheel(0, 2000)
''',
    "fr": '''\
"""Ce que fait un visiteur. Pour le lancer : lichen measure example"""


def journey(page, step):
    """Ouvre la page d'accueil et la lit. `page` est une page de Playwright ; `dwell`, le temps d'une personne en secondes."""
    with step("ouvrir", dwell=5):
        page.goto("/")
    with step("lire", dwell=20):
        page.mouse.wheel(0, 2000)
''',
}
"""By language: comments and names of steps."""


@click.command("init", epilog="Example: lichen init && lichen measure example")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@common_options
@click.pass_obj
def command(invocation: Invocation, force: bool) -> None:
    """Write a commented lichen.toml and an example journey.

    The files go to the current folder, or where --config names the settings file. An example journey that exists is kept.
    """
    from lichen.config import DEFAULT_FILE, resolve_lang
    from lichen.config.document import starter

    file = invocation.config or Path(DEFAULT_FILE)
    folder = file.absolute().parent
    lang = resolve_lang(invocation.lang or "auto", os.environ)
    example = file.parent / "journeys" / "example.py"
    files = {file: starter(folder.name or "project", lang), example: EXAMPLE_JOURNEY[lang]}
    there = [path for path in files if path.exists() or path.is_symlink()]
    if file in there and not force:
        besides = f", {example} too" if example in there else ""
        raise StorageError(
            f"{file} exists already.",
            repair=f"Keep it, overwrite it with --force{besides}, or name another file with --config.",
            culprit=str(file),
        )
    kept = [] if force or example not in there else [example]
    _write_all({path: content for path, content in files.items() if path not in kept})
    written = [path for path in files if path not in kept]
    if invocation.json:
        invocation.print_json({"written": [str(path) for path in written], "kept": [str(path) for path in kept]})
        return
    words = Words(lang)
    for word, paths in (("written", written), ("kept", kept)):
        for path in paths:
            click.echo(f"{words[word]}{words.colon}{path}")


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
            if isinstance(error, StorageError):
                problem = error.problem.rstrip(".")
            else:
                problem = f"{path} cannot be written: {error.strerror or error}"
            raise StorageError(
                f"{problem}; nothing was written.",
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

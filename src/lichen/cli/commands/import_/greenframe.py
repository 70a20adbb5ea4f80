# SPDX-License-Identifier: Apache-2.0
"""``lichen import greenframe``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words

if TYPE_CHECKING:
    from lichen.collect.journeys.greenframe import Imported


@click.command("greenframe", epilog="Example: lichen import greenframe .greenframe.yml && lichen measure")
@click.argument("file", type=click.Path(path_type=Path), default=".greenframe.yml", metavar="[FILE]")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=".",
    metavar="DIR",
    help="Folder of the new files, this one by default.",
)
@click.option("--partial", is_flag=True, help="Write the scenarios that can be rewritten when others cannot.")
@common_options
@click.pass_obj
def command(invocation: Invocation, file: Path, into: Path, partial: bool) -> None:
    """Write lichen.toml and journeys from a project of GreenFrame.

    FILE is .greenframe.yml when not given. Its scenarios are rewritten as Python journeys. What was mapped, left out and refused
    is listed; when something is refused, nothing is written and the exit code is 2. Files that exist are kept.
    """
    from lichen.config import resolve_lang
    from lichen.service.importing_greenframe import import_greenframe

    project, written = import_greenframe(file, into, partial=partial)
    invocation.written += written
    if invocation.json:
        invocation.print_json(
            {
                "written": [str(path) for path in written], "mapped": list(project.mapped),
                "left_out": list(project.left_out), "refused": list(project.refused),
            }
        )  # fmt: skip
    else:
        _print(project, written, Words(resolve_lang(invocation.lang or "auto", os.environ)))
    if project.refused:
        raise click.exceptions.Exit(2)


def _print(project: Imported, written: list[Path], words: Words) -> None:
    for key, sentences in (("mapped", project.mapped), ("left_out", project.left_out), ("refused", project.refused)):
        for sentence in sentences:
            click.echo(f"{words[key]}{words.colon}{sentence}")
    for path in written:
        click.echo(f"{words['written']}{words.colon}{path}")
    if not written:
        click.echo(words["nothing_written"])

# SPDX-License-Identifier: Apache-2.0
"""``lichen config``."""

from __future__ import annotations

import click

from lichen.cli.invocation import Invocation, common_options


@click.group("config", epilog="Example: lichen config show --origin")
@common_options
def command() -> None:
    """Show the settings in force."""


@command.command("show", epilog="Example: LICHEN_MEASURE_SAMPLES=10 lichen config show --origin")
@click.option("--origin", is_flag=True, help="Say where each value comes from: default, file, env or flag.")
@common_options
@click.pass_obj
def show(invocation: Invocation, origin: bool) -> None:
    """Print every setting; values of a part's variables are hidden."""
    from lichen.config import document

    settings = invocation.settings()
    rows = list(document.values(settings))
    if invocation.json:
        invocation.print_json(
            {
                "file": str(settings.file) if settings.file else None,
                "lang": settings.lang,
                "settings": [
                    {"key": key, "value": value} | ({"origin": place} if origin else {}) for key, value, place in rows
                ],
            }
        )
        return
    lines = [(f"{key} = {'(not set)' if value is None else document.toml(value)}", place) for key, value, place in rows]
    width = max(len(line) for line, _ in lines) if origin else 0
    for line, place in lines:
        click.echo(f"{line:<{width}}  # {place}" if origin else line)

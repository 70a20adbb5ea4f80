# SPDX-License-Identifier: Apache-2.0
"""``lichen methods``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words


@click.group(
    "methods",
    invoke_without_command=True,
    epilog="""\b
Examples:
  lichen methods
  lichen methods show lichen-1""",
)
@common_options
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the methods, or show one."""
    if ctx.invoked_subcommand is not None:
        return
    from lichen.service.evaluation import describe_methods

    invocation = ctx.ensure_object(Invocation)
    workspace = invocation.workspace()
    rows = describe_methods(workspace)
    if invocation.json:
        invocation.print_json(rows)
        return
    _print_list(invocation, rows, workspace.settings.lang)


@command.command("show", epilog="Example: lichen methods show lichen-1 --json")
@click.argument("method_id", metavar="ID")
@common_options
@click.pass_obj
def show(invocation: Invocation, method_id: str) -> None:
    """Show a method whole: rules, formulas, sources, known defects, and what it leaves out."""
    from lichen.service.evaluation import describe_method

    workspace = invocation.workspace()
    method = describe_method(workspace, method_id)
    if invocation.json:
        invocation.print_json(method)
        return
    _print_method(method, workspace.settings.lang)


def _print_list(invocation: Invocation, rows: Sequence[Mapping[str, Any]], lang: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    words = Words(lang)
    table = Table("id", words["version"], words["title"], words["indicators"], box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(row["id"], row["version"], row["title"][lang], ", ".join(row["indicators"]))
    invocation.console().print(table)


def _print_method(method: Mapping[str, Any], lang: str) -> None:
    words = Words(lang)

    def say(key: str, text: str) -> None:
        click.echo(f"{words[key]}{words.colon}{text}")

    name = f"{method['id']} {method['version']}"
    click.echo(f"{click.style(name, bold=True)} {method['title'][lang]}")
    click.echo(method["description"][lang])
    validity, known_defects, not_covered = (
        f"{key}_fr" if lang == "fr" else key for key in ("validity", "known_defects", "not_covered")
    )
    for key, text in (("validity", method[validity]), ("licence", method["licence"])):
        if text:
            say(key, text)
    if method["defaults"]:
        say("defaults", ", ".join(f"{name} = {value}" for name, value in method["defaults"].items()))
    for key, items in (("sources", method["sources"]), ("known_defects", method[known_defects])):
        for item in items:
            say(key, item)
    for rule in method["rules"]:
        say(
            "rule",
            f"{rule['id']}, {rule['indicator']}, {words[rule['phase']]}, {words['from']} {', '.join(rule['quantities'])}",
        )
        for step in rule["steps"]:
            click.echo(f"    {step['formula']} = {step['expression']}")
    for derived in method["derived_from_energy"]:
        say("derived_from_energy", f"{derived['indicator']} = {derived['formula']}")
    for quantity, reason in method[not_covered].items():
        say("not_covered", f"{quantity} ({reason})")

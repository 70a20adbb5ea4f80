# SPDX-License-Identifier: Apache-2.0
"""``lichen team``."""

from __future__ import annotations

import json

import click

from lichen.cli.commands.portfolio import confirm_removal, plan_json, print_plan, print_removal
from lichen.cli.decisions import by_command, opened
from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words


@click.group("team", epilog="Example: lichen team add payments")
@common_options
def command() -> None:
    """Add a team from a template, or take one out."""


@command.command("add", epilog='Example: lichen team add payments --name "Payments and billing"')
@click.argument("code")
@click.option("--name", metavar="TEXT", help="Name as shown, the code by default.")
@click.option("--template", metavar="NAME", default="web", help="What it starts with: web (the default) or batch.")
@common_options
@click.pass_obj
def add(invocation: Invocation, code: str, name: str | None, template: str) -> None:
    """Add a team with an example application, three journeys and a target.

    The target is the organisation's, or 30 % less than this year in four years. What is printed last belongs into the
    lichen.toml of the application, so that its runs are the team's. Everything can be edited: lichen portfolio export.
    """
    from lichen.service.administration import add_team

    with opened(invocation) as (store, workspace):
        lang = workspace.settings.lang
        start, made = add_team(
            store, code, template, name=name, lang=lang,
            nomenclature=workspace.nomenclature, by=by_command("team add"),
        )  # fmt: skip
    settings = _settings(start.application, start.journeys)
    if invocation.json:
        invocation.print_json({"team": code, "application": start.application, "settings": settings} | plan_json(made))
        return
    words = Words(lang)
    print_plan(made, words)
    click.echo(f"\n# {words['for_lichen_toml']}\n{settings}", nl=False)


@command.command("remove", epilog="Example: lichen team remove payments --to loans")
@click.argument("code")
@click.option("--to", "heir", metavar="CODE", help="Team that its applications go to; without it they are unallocated.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@click.pass_obj
def remove(invocation: Invocation, code: str, heir: str | None, yes: bool) -> None:
    """Take a team out; its applications move, with their runs and figures.

    Members lose their role in it, its targets end, tokens that are limited to it stop.
    """
    from lichen.service import removing

    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        with store.reading() as session:
            goes = removing.goes_with_team(session, removing.team_by_code(session, code))
        confirm_removal(invocation, goes, words, yes=yes)
        with store.session() as session:
            to = None if heir is None else removing.team_by_code(session, heir)
            team = removing.team_by_code(session, code)
            goes = removing.remove_team(session, team, heir=to, by=by_command("team remove"))
    print_removal(invocation, goes, words)


def _settings(application: str, journeys: tuple[str, ...]) -> str:
    """A lichen.toml of the application; its addresses are examples."""
    lines = ["[project]", f"name = {json.dumps(application, ensure_ascii=False)}"]
    for journey in journeys:
        lines += ["", "[[journey]]", f'name = "{journey}"', f'url = "https://example.org/{journey}"']
    return "\n".join([*lines, ""])

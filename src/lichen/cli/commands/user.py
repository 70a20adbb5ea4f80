# SPDX-License-Identifier: Apache-2.0
"""``lichen user``."""

from __future__ import annotations

import sys

import click

from lichen.cli.decisions import by_command, opened
from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import UsageError


@click.group("user", epilog="Example: lichen user add ada@example.org --team payments:editor")
@common_options
def command() -> None:
    """Add the account of a person."""


@command.command("add", epilog="Example: lichen user add ada@example.org --team payments:editor --team loans:viewer")
@click.argument("email")
@click.option("--name", default="", metavar="TEXT", help="Name as shown.")
@click.option("--admin", "is_admin", is_flag=True, help="Administrator of the whole organisation.")
@click.option("--team", "teams", multiple=True, metavar="CODE:ROLE", help="Role in a team: viewer, editor or admin.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@click.option("--no-password", is_flag=True, help="Sign in through the identity provider only.")
@common_options
@click.pass_obj
def add(
    invocation: Invocation, email: str, name: str, is_admin: bool, teams: tuple[str, ...],
    password_stdin: bool, no_password: bool,
) -> None:  # fmt: skip
    """Add an account; its password is asked for, twice, and shown nowhere."""
    from lichen.service.administration import NewUser, add_user

    roles = tuple(_role(text) for text in teams)
    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        password = None if no_password else _password(words, from_stdin=password_stdin)
        new = NewUser(email=email, name=name, password=password, is_admin=is_admin, roles=roles)
        user_id = add_user(store, new, by=by_command("user add"))
    if invocation.json:
        invocation.print_json({"id": user_id, "email": email})
        return
    click.echo(f"{words['added']}{words.colon}{email}")


def _role(text: str) -> tuple[str, str]:
    team, sign, role = text.rpartition(":")
    if not (sign and team and role):
        raise UsageError(
            f"'{text}' is no role in a team.", repair="Write CODE:ROLE, as in payments:editor.", culprit=text
        )
    return team, role


def _password(words: Words, *, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to ask for the password at.",
            repair="Send it with --password-stdin, or give --no-password.", culprit="stdin",
        )  # fmt: skip
    answer: str = click.prompt(
        words["password"], hide_input=True, confirmation_prompt=words["password_again"], err=True
    )
    return answer

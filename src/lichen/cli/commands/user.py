# SPDX-License-Identifier: Apache-2.0
"""``lichen user``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from lichen.cli.decisions import by_command, opened
from lichen.cli.failure import printable
from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import UsageError

if TYPE_CHECKING:
    from lichen.service.administration import UserLine


@click.group("user", epilog="Example: lichen user add ada@example.org --team payments:editor")
@common_options
def command() -> None:
    """Add, list, disable and enable the accounts of people."""


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


@command.command("list", epilog="Example: lichen user list --json")
@common_options
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List accounts with their roles, by address."""
    from lichen.service.administration import list_users

    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        lines = list_users(store)
    if invocation.json:
        invocation.print_json({"users": [_json(line) for line in lines]})
        return
    for line in lines:
        click.echo(_line(line, words))
    if not lines:
        click.echo(words["no_user"])


@command.command("disable", epilog="Example: lichen user disable ada@example.org")
@click.argument("email")
@common_options
@click.pass_obj
def disable(invocation: Invocation, email: str) -> None:
    """Disable an account: its sessions end, its tokens stop at once."""
    _set_active(invocation, email, active=False)


@command.command("enable", epilog="Example: lichen user enable ada@example.org")
@click.argument("email")
@common_options
@click.pass_obj
def enable(invocation: Invocation, email: str) -> None:
    """Enable an account that was disabled."""
    _set_active(invocation, email, active=True)


def _set_active(invocation: Invocation, email: str, *, active: bool) -> None:
    from lichen.service.administration import set_user_active

    verb = "enable" if active else "disable"
    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        address = set_user_active(store, email, active, by=by_command(f"user {verb}"))
    if invocation.json:
        invocation.print_json({f"{verb}d": address})
        return
    click.echo(f"{words[f'{verb}d']}{words.colon}{printable(address)}")


def _json(line: UserLine) -> dict[str, Any]:
    return {
        "id": line.user_id, "email": line.email, "name": line.name, "is_admin": line.is_admin, "active": line.active,
        "roles": dict(line.roles), "signs_in_by": list(line.signs_in_by),
    }  # fmt: skip


def _line(line: UserLine, words: Words) -> str:
    state = "user_disabled" if not line.active else "user_active" if line.signs_in_by else "user_invited"
    told = [
        printable(line.email), printable(line.name), words[state], *([words["user_admin"]] if line.is_admin else []),
        *(f"{printable(team)}:{role}" for team, role in line.roles.items()),
    ]  # fmt: skip
    return "  ".join(told)


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

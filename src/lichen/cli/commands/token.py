# SPDX-License-Identifier: Apache-2.0
"""``lichen token``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from lichen.cli.decisions import by_command, opened
from lichen.cli.failure import printable
from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import UsageError

if TYPE_CHECKING:
    from lichen.service.administration import TokenLine


@click.group("token", epilog="Example: lichen token create ci --scope ingest --application portal")
@common_options
def command() -> None:
    """Create, list and revoke the tokens of programs."""


@command.command("create", epilog="Example: LICHEN_TOKEN=$(lichen token create ci --scope ingest --application portal)")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(["ingest", "read", "write", "admin"]),
    help="What it may do; may be repeated.",
)  # fmt: skip
@click.option("--team", metavar="CODE", help="Only in this team.")
@click.option("--application", metavar="CODE", help="Only for this application.")
@click.option("--days", metavar="N|never", default="365", help="How long it lasts, 365 days by default.")
@common_options
@click.pass_obj
def create(
    invocation: Invocation, name: str, scopes: tuple[str, ...], team: str | None, application: str | None, days: str
) -> None:
    """Create a token and print it, this once: the store keeps its hash only."""
    from lichen.service.accounts import SCOPES
    from lichen.service.administration import NewToken, make_token

    new = NewToken(
        name=name, scopes=frozenset(scope for scope in SCOPES if scope in scopes), team=team, application=application,
        days=_days(days),
    )  # fmt: skip
    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        minted = make_token(store, new, by=by_command("token create"))
    if invocation.json:
        invocation.print_json({"id": minted.token_id, "token": minted.text, "expires_at": _iso(minted.expires_at)})
        return
    invocation.say(words["shown_once"])
    click.echo(minted.text)


@command.command("list", epilog="Example: lichen token list --json")
@common_options
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List the tokens that were not revoked, the newest first."""
    from lichen.service.administration import list_tokens

    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        lines = list_tokens(store)
    if invocation.json:
        invocation.print_json({"tokens": [_json(line) for line in lines]})
        return
    for line in lines:
        click.echo(_line(line, words))
    if not lines:
        click.echo(words["no_token"])


@command.command("revoke", epilog="Example: lichen token revoke lichen_Ab12Cd")
@click.argument("token")
@common_options
@click.pass_obj
def revoke(invocation: Invocation, token: str) -> None:
    """End a token at once. TOKEN is its id, or its first characters as the list shows them."""
    from lichen.service.administration import revoke_token

    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        prefix = revoke_token(store, token, by=by_command("token revoke"))
    if invocation.json:
        invocation.print_json({"revoked": prefix})
        return
    click.echo(f"{words['revoked']}{words.colon}{prefix}…")


def _days(text: str) -> int | None:
    if text == "never":
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise UsageError(f"'{text}' is no number of days.", repair="Write 90, or never.", culprit="days")
    return int(text)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _json(line: TokenLine) -> dict[str, Any]:
    return {
        "id": line.token_id, "prefix": line.prefix, "name": line.name, "scopes": list(line.scopes), "team": line.team,
        "application": line.application, "created_by": line.created_by, "created_at": _iso(line.created_at),
        "expires_at": _iso(line.expires_at), "last_used_at": _iso(line.last_used_at),
    }  # fmt: skip


def _line(line: TokenLine, words: Words) -> str:
    only = line.application or line.team
    told = [
        f"{line.prefix}…", printable(line.name), ",".join(line.scopes), *([printable(only)] if only else []),
        f"{words['expires']} {line.expires_at.date()}" if line.expires_at else words["never_expires"],
        f"{words['last_used']} {line.last_used_at.date()}" if line.last_used_at else words["never_used"],
    ]  # fmt: skip
    return "  ".join(told)

# SPDX-License-Identifier: Apache-2.0
"""``--push``: runs on their way to the server, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lichen.cli.failure import printable
from lichen.cli.invocation import F, Invocation
from lichen.cli.words import Words

if TYPE_CHECKING:
    from lichen.config import Settings
    from lichen.service.spool import Pushed


def push_option(command: F) -> F:
    """Adds ``--push``, also called ``--server``; it sets ``output.server``."""

    def remember(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.ensure_object(Invocation).overrides["output.server"] = value

    return click.option(
        "--push", "--server", metavar="SERVER", expose_value=False, callback=remember,
        help="Server that runs are pushed to, with the token of LICHEN_TOKEN.",
    )(command)  # fmt: skip


def send(invocation: Invocation, settings: Settings, runs: Iterable[Path]) -> Pushed | None:
    """Puts runs in the spool, sends what waits and says so; None without a server."""
    from lichen.service.spool import FOLDER, Spool, push

    server = settings.output.server
    if server is None:
        return None
    spool = Spool(settings.folder / FOLDER)
    for run in runs:
        spool.put(run)
    pushed = push(server, spool)
    say(invocation, settings, server, pushed)
    return pushed


def say(invocation: Invocation, settings: Settings, server: str, pushed: Pushed) -> None:
    """What became of the spool, on stderr; what was lost or refused also with ``--quiet``."""
    words = Words(settings.lang)
    if pushed.sent:
        invocation.say(words["pushed"].format(count=pushed.sent, server=server))
    if pushed.waiting:
        invocation.say(printable(words["push_waits"].format(count=pushed.waiting, server=server, why=pushed.why)))
    if pushed.dropped:
        click.echo(words["push_dropped"].format(count=pushed.dropped), err=True)
    for refusal in pushed.refused:
        click.echo(printable(words["push_refused"].format(refusal=refusal)), err=True)


def to_json(pushed: Pushed) -> dict[str, Any]:
    """The same for programs."""
    return {
        "sent": pushed.sent, "waiting": pushed.waiting, "why": pushed.why, "refused": list(pushed.refused),
        "dropped": pushed.dropped,
    }  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""``lichen deployment``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import click

from lichen.cli import decisions, pushing
from lichen.cli.failure import printable
from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import UsageError


@click.group("deployment")
def command() -> None:
    """Tell which version went live, so that histories can name it."""


@command.command(
    "record",
    epilog="""\b
Examples:
  lichen deployment record --server https://lichen.example.org
  lichen deployment record --app portal --version 1.8.2 --environment production""",
)
@click.option("--app", "application", metavar="CODE", help="Application; the project's name when not given.")
@click.option("--version", metavar="VERSION", help="Version; what git describe says when not given.")
@click.option("--commit", metavar="COMMIT", help="Commit; the one that is checked out when not given.")
@click.option("--environment", metavar="NAME", help="Where it runs, such as production.")
@click.option("--at", metavar="TIME", help="When, as in 2026-11-22T10:00:00Z; now when not given.")
@click.option("--author", metavar="NAME", help="Who did it; the commit's author when not given.")
@click.option("--link", metavar="ADDRESS", help="Page of the deployment.")
@pushing.push_option
@common_options
@click.pass_obj
def record(invocation: Invocation, /, application: str | None, at: str | None, **given: str | None) -> None:
    """Keep a deployment, on a server or in the store of this machine.

    A step of the pipeline that deploys. The same version, environment and time are kept once. With --server the token is read
    from the variable LICHEN_TOKEN; without a server the store of lichen.toml is written.
    """
    from lichen.service.history_watch.telling import git_facts, tell_deployment

    settings = invocation.settings()
    facts = {**git_facts(settings.folder), **{name: word for name, word in given.items() if word is not None}}
    code = application or settings.project.name
    moment = _moment(at)
    server = settings.output.server
    words = Words(settings.lang)
    if server is not None:
        kept, is_new = tell_deployment(server, {"application": code, **facts, "at": moment.isoformat()})
        version = str(kept.get("version", ""))
    else:
        version, is_new = _keep(invocation, code, facts, moment)
        kept = {"application": code, **facts, "version": version, "at": moment.isoformat()}
    if invocation.json:
        invocation.print_json({**kept, "is_new": is_new})
        return
    key = "deployment_kept" if is_new else "deployment_known"
    click.echo(printable(words[key].format(application=code, version=version)))


def _keep(invocation: Invocation, code: str, facts: Mapping[str, str], at: datetime) -> tuple[str, bool]:
    """Writes the store of this machine."""
    from lichen.service.context import open_context
    from lichen.service.history_watch.recording import NewDeployment, record_deployment

    context = open_context(invocation.workspace())
    with context.store:
        told = NewDeployment(application=code, at=at, **facts)
        by = decisions.by_command("deployment record")
        found = record_deployment(context, told, allowed=lambda _: True, by=by)
    if found is None:
        raise UsageError(
            f"There is no application '{code}'.", repair="Give --app; lichen portfolio export lists them.", culprit=code
        )
    row, is_new = found
    return row.version or "", is_new


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the last one where UTC has no such year
        pass
    raise UsageError(
        f"--at is '{text}'.", repair="Write a time with its zone, such as 2026-11-22T10:00:00Z.", culprit="--at"
    )

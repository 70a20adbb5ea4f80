# SPDX-License-Identifier: Apache-2.0
"""``lichen digest``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from lichen.cli.decisions import by_command
from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import UsageError

if TYPE_CHECKING:
    from lichen.config import Channel
    from lichen.service.context import ServiceContext
    from lichen.service.digest import About, Digest
    from lichen.store.queries.deliveries import DeliveryFact

_FORMATS: Final[Mapping[str, str]] = {"text": "", "slack": "slack", "html": "email", "json": ""}
"""What a digest is printed as -> the notifier whose payload that is."""


@click.group(
    "digest",
    invoke_without_command=True,
    epilog="""\b
Examples:
  lichen digest --dry-run
  lichen digest --team payments --week 2026-W47 --format slack
  lichen digest test payments
  lichen digest log""",
)
@click.option("--team", metavar="CODE", help="Of this team alone.")
@click.option("--app", "application", metavar="CODE", help="Of this application alone.")
@click.option("--week", metavar="WEEK", help="ISO week such as 2026-W47, the newest that is over when not given.")
@click.option("--dry-run", is_flag=True, help="Print what would be sent, send nothing.")
@click.option("--format", "form", type=click.Choice(list(_FORMATS)), help="What is printed; implies --dry-run.")
@common_options
@click.pass_context
def command(
    ctx: click.Context, team: str | None, application: str | None, week: str | None, dry_run: bool, form: str | None
) -> None:
    """Tell teams what changed in a week, through their channels.

    Each [[channel]] of lichen.toml gets one message for each of its teams and applications, or one of the organisation. A week is
    told once: what was sent before is not sent again. What a channel does not take is tried again by the next lichen digest or
    lichen tick.
    """
    if ctx.invoked_subcommand is not None:
        return
    from lichen.service.digest import About

    if team is not None and application is not None:
        raise UsageError("--team and --app exclude each other.", repair="Give one of them.", culprit="--app")
    only = About("team", team) if team is not None else About("application", application) if application else None
    invocation: Invocation = ctx.obj
    with _opened(invocation) as context:
        if dry_run or form or not context.settings.channels:
            _print(invocation, context, only, week, form)
            if not (dry_run or form):
                invocation.say(Words(context.settings.lang)["no_channel"])
        else:
            _send(invocation, context, only, week)


@contextmanager
def _opened(invocation: Invocation) -> Iterator[ServiceContext]:
    """Store and ledger of the settings, with figures that are up to date."""
    from lichen.service.board import figures
    from lichen.service.context import open_context

    context = open_context(invocation.workspace())
    with context.store:
        if figures.has_news(context):
            figures.refresh(context)
        yield context


def _asked(context: ServiceContext, only: About | None) -> list[tuple[About, str]]:
    """What would be told, and in which language."""
    from lichen.service.digest import About, abouts_of
    from lichen.service.notifying import lang_of

    pairs = [
        (about, lang_of(context, channel))
        for channel in context.settings.channels
        if channel.digest
        for about in abouts_of(channel)
        if only in (None, about)
    ]
    return list(dict.fromkeys(pairs)) or [(only or About("organisation"), context.settings.lang)]


def _print(
    invocation: Invocation, context: ServiceContext, only: About | None, week: str | None, form: str | None
) -> None:
    from lichen.service.digest import build_all, digest_message

    asked = _asked(context, only)
    digests = list(build_all(context, [about for about, _ in asked], week))
    if invocation.json or form == "json":
        invocation.print_json({"digests": [dict(digest_message(digest).facts) for digest in digests]})
        return
    texts = [_said(context, digest, lang, form or "text") for digest, (_, lang) in zip(digests, asked, strict=True)]
    click.echo("\n".join(texts), nl=False)


def _said(context: ServiceContext, digest: Digest, lang: str, form: str) -> str:
    """A digest as a channel would show it."""
    from lichen.config import Channel
    from lichen.render.notices import worded
    from lichen.service.digest import digest_message
    from lichen.service.notifying import Outgoing, base_url, notifiers

    outgoing = Outgoing(
        delivery_id="dry-run", message=digest_message(digest), lang=lang, base_url=base_url(context.settings)
    )
    if form == "text":
        return worded(outgoing).plain()
    kind = _FORMATS[form]
    return notifiers()[kind].payload(outgoing, Channel(name="dry-run", kind=kind)).rstrip("\n") + "\n"


def _send(invocation: Invocation, context: ServiceContext, only: About | None, week: str | None) -> None:
    from lichen.service.digest import enqueue_week
    from lichen.service.notifying import deliver_due, means_of, notifiers

    found = notifiers()
    _check_routes(context.settings.channels, only)
    made = enqueue_week(context, week, only=only)
    deliver_due(context, found, means=means_of(context.settings))
    words = Words(context.settings.lang)
    rows = _facts(context, made)
    if invocation.json:
        invocation.print_json({"deliveries": [_document(row) for row in rows]})
    elif rows:
        _table(rows, words)
    else:
        click.echo(words["digest_told"])
    dead = next((row for row in rows if row.status == "dead"), None)
    if dead is not None:
        raise _given_up(dead)


def _check_routes(channels: Sequence[Channel], only: About | None) -> None:
    """Somebody hears of what is to be told."""
    from lichen.service.digest import abouts_of

    if only is not None and not any(only in abouts_of(channel) for channel in channels if channel.digest):
        raise UsageError(
            f"No channel hears of the {only.scope} '{only.code}'.",
            repair="Add it to a [[channel]], or print it with --dry-run.", culprit=only.code,
        )  # fmt: skip


def _given_up(row: DeliveryFact) -> UsageError:
    return UsageError(
        f"The channel '{row.channel}' refused its message: {row.last_error}",
        repair=f"Repair it, then: lichen digest retry {row.id[:8]}.", culprit=row.channel,
    )  # fmt: skip


def _facts(context: ServiceContext, ids: Sequence[str]) -> list[DeliveryFact]:
    from lichen.store.queries import deliveries

    with context.store.reading() as session:
        found = [deliveries.delivery(session, one) for one in ids]
    return [one for one in found if one is not None]


@command.command("test", epilog="Example: lichen digest test payments")
@click.argument("channel")
@common_options
@click.pass_obj
def test(invocation: Invocation, channel: str) -> None:
    """Send a trial to CHANNEL and say what it answers."""
    from lichen.service.context import open_context
    from lichen.service.notifying import trial

    context = open_context(invocation.workspace())
    with context.store:
        row = trial(context, channel, by=by_command("digest test").actor)
    if invocation.json:
        invocation.print_json(_document(row))
    if row.status != "sent":
        raise UsageError(
            f"The channel '{channel}' did not take the trial: {row.last_error}",
            repair="Repair the channel and try again.", culprit=channel,
        )  # fmt: skip
    if not invocation.json:
        words = Words(context.settings.lang)
        click.echo(words["trial_sent"].format(channel=channel, answer=row.last_status))


@command.command("log", epilog="Example: lichen digest log --channel payments")
@click.option("--channel", metavar="NAME", help="Of this channel alone.")
@common_options
@click.pass_obj
def log(invocation: Invocation, channel: str | None) -> None:
    """List messages and what became of them."""
    from lichen.service.context import open_context
    from lichen.service.notifying import silent
    from lichen.store.queries import deliveries

    context = open_context(invocation.workspace())
    with context.store:
        with context.store.reading() as session:
            rows = deliveries.log(session, channel=channel)
        mute = silent(context)
    if invocation.json:
        silences = [{"channel": one.channel, "why": one.why, "since": one.since.isoformat()} for one in mute]
        invocation.print_json({"deliveries": [_document(row) for row in rows], "silent": silences})
        return
    words = Words(context.settings.lang)
    if rows:
        _table(rows, words)
    else:
        click.echo(words["no_delivery"])
    for one in mute:
        click.echo(words[f"channel_{one.why}"].format(channel=one.channel, since=f"{one.since:%Y-%m-%d}"))


@command.command("retry", epilog="Example: lichen digest retry 1f0c9a2e")
@click.argument("delivery")
@common_options
@click.pass_obj
def retry(invocation: Invocation, delivery: str) -> None:
    """Try a message again that was given up.

    DELIVERY is its id, or the beginning of it, as lichen digest log shows it.
    """
    from lichen.service.context import open_context
    from lichen.service.notifying import deliver_due
    from lichen.store.queries import deliveries

    context = open_context(invocation.workspace())
    with context.store:
        with context.store.session() as session:
            found = deliveries.starting_with(session, delivery)
            if len(found) != 1 or not deliveries.revive(session, found[0].id, context.clock()):
                raise UsageError(
                    f"No message that was given up is called '{delivery}'.", repair="List them: lichen digest log.",
                    culprit=delivery,
                )  # fmt: skip
        deliver_due(context, only=found[0].id)
        row = _facts(context, [found[0].id])[0]
    if invocation.json:
        invocation.print_json(_document(row))
    else:
        _table([row], Words(context.settings.lang))
    if row.status == "dead":
        raise _given_up(row)


def _table(rows: Sequence[DeliveryFact], words: Words) -> None:
    for row in rows:
        told = row.last_error or row.last_status or ""
        status = words[f"delivery_{row.status}"]
        tries = words["tries"].format(count=row.attempts)
        line = f"{row.id[:8]}  {row.created_at:%Y-%m-%d %H:%M}  {row.channel}  {row.title}  {status}  {tries}  {told}"
        click.echo(line.rstrip())


def _document(row: DeliveryFact) -> dict[str, Any]:
    """A delivery as JSON, without what its message says."""
    moments = {"created_at": row.created_at, "next_attempt_at": row.next_attempt_at, "sent_at": row.sent_at}
    return {
        "id": row.id, "channel": row.channel, "kind": row.kind, "title": row.title, "status": row.status,
        "attempts": row.attempts, "last_status": row.last_status, "last_error": row.last_error,
        **{name: at.isoformat() if at else None for name, at in moments.items()},
    }  # fmt: skip

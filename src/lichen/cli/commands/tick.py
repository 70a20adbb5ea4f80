# SPDX-License-Identifier: Apache-2.0
"""``lichen tick``."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lichen.cli.failure import printable
from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import JobFailed
from lichen.records import timestamp

if TYPE_CHECKING:
    from lichen.service.ticking import Planned, Served


@click.command(
    "tick",
    epilog="""\b
Examples:
  lichen tick --dry-run
  lichen tick --job watch""",
)
@click.option("--job", metavar="NAME", help="This job alone, if it is due.")
@click.option("--dry-run", is_flag=True, help="Say what is due and when the rest will be, do nothing.")
@common_options
@click.pass_obj
def command(invocation: Invocation, job: str | None, dry_run: bool) -> None:
    """Do the scheduled work that is due: measure, look for changes, alert, tell, tidy up.

    For cron, a systemd timer or a Kubernetes CronJob, every few minutes. However many processes ask, each moment is served once;
    what was missed is done once. A server does the same by itself, but for what starts programs.
    """
    from lichen.service import ticking
    from lichen.service.context import open_context

    context = open_context(invocation.workspace())
    with contextlib.closing(context.store):
        work = ticking.chosen(ticking.all_work(context.settings), job)
        if dry_run:
            _print_plan(invocation, ticking.plan(context, work), context.settings.lang)
            return
        served = ticking.serve_due(context, work)
        _print(invocation, served, context.settings.lang)
    failed = [one for one in served if one.outcome == "failed"]
    if failed:
        raise JobFailed(
            f"The job '{failed[0].job}' failed: {failed[0].problem}",
            repair="It is tried again by the next lichen tick.", culprit=failed[0].job,
        )  # fmt: skip


def _print(invocation: Invocation, served: Sequence[Served], lang: str) -> None:
    if invocation.json:
        invocation.print_json(
            [
                {
                    "job": one.job, "due_at": timestamp(one.due_at), "outcome": one.outcome, "counts": dict(one.counts),
                    "problem": one.problem or None,
                }
                for one in served
            ]
        )  # fmt: skip
        return
    words = Words(lang)
    for one in served:
        counts = ", ".join(f"{count} {words[f'tick_{name}']}" for name, count in one.counts.items() if count)
        told = one.problem or counts
        click.echo(printable(f"{one.job}: {words[f'tick_{one.outcome}']}{f' ({told})' if told else ''}"))
    if not served:
        invocation.say(words["tick_nothing"])


def _print_plan(invocation: Invocation, planned: Sequence[Planned], lang: str) -> None:
    if invocation.json:
        invocation.print_json(
            [
                {
                    "job": one.job, "due_at": None if one.due_at is None else timestamp(one.due_at),
                    "next_at": timestamp(one.next_at),
                }
                for one in planned
            ]
        )  # fmt: skip
        return
    words = Words(lang)
    for one in planned:
        key, moment = ("tick_due", one.due_at) if one.due_at is not None else ("tick_next", one.next_at)
        click.echo(printable(f"{one.job}: {words[key].format(at=f'{moment:%Y-%m-%d %H:%M}')}"))

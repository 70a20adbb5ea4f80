# SPDX-License-Identifier: Apache-2.0
"""``lichen run``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lichen.cli import outputs, pushing
from lichen.cli.failure import set_aside
from lichen.cli.invocation import Invocation, common_options, methods_option, output_options, setting_option
from lichen.cli.pushing import push_option
from lichen.errors import LichenError, UsageError
from lichen.records import UNITS_REPAIR, countable

if TYPE_CHECKING:
    from lichen.service.run import Outcome

_STDERR: Final = 2


@click.command(
    "run",
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  lichen run -- make test
  lichen run --unit 1000 --unit-name image --zone FR -- python detect.py photos/
  lichen run --samples 5 --json -- ./nightly.sh > figures.json""",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND…")
@click.option(
    "--unit", "units", type=float, default=1.0, metavar="N", help="Units of work that one run does, such as images."
)
@click.option("--unit-name", metavar="NAME", help="What one unit is, such as image.")
@click.option("--name", metavar="NAME", help="What the command is called; its first words when not given.")
@click.option("--parts", "with_parts", is_flag=True, help="Measure the parts of lichen.toml beside the command.")
@click.option(
    "--attach/--no-attach",
    default=None,
    help="Look into the command for test cases and browsers; by default when it is a suite.",
)
@setting_option("--samples", "run.samples", "N|auto")
@setting_option("--tier", "run.tier")
@setting_option("--zone", "context.zone", "ZONE")
@setting_option("--method", "method.use", "ID")
@methods_option
@setting_option("--out", "output.runs", "DIR")
@output_options
@push_option
@common_options
@click.pass_obj
def command(
    invocation: Invocation,
    command: tuple[str, ...],
    units: float,
    unit_name: str | None,
    name: str | None,
    with_parts: bool,
    attach: bool | None,
) -> None:
    """Run any command and print what it consumes, whole and per unit of work.

    The command owns the terminal: its input, output and signals are as if it had been started alone, and its exit code is passed
    on. The figures go to stderr. With --json they go to stdout when the command has ended, and what the command writes on its
    stdout goes to stderr.
    """
    _check(command, units, unit_name, name)
    from lichen.collect.machine.processes.relay import SignalRelay

    # Threads that libraries start while they are imported must not take the signals that are meant for the command.
    with SignalRelay() as relay:
        from lichen.collect.machine.processes.command import CommandLine
        from lichen.service.run import ONE_RUN, Order, measure_command

        workspace = invocation.workspace()
        settings = workspace.settings
        targets = outputs.planned(invocation, settings)
        order = Order(
            line=CommandLine(words=command, stdout=_STDERR if invocation.json else None),
            name=name,
            units=units,
            unit_name=unit_name or (ONE_RUN if units == 1 else "unit"),
            with_parts=with_parts,
            attach="auto" if attach is None else "always" if attach else "never",
        )
        outcome = measure_command(workspace, order, relay, on_written=invocation.written.append)
    try:
        _tell(invocation, outcome, targets, settings.lang)
        pushing.send(invocation, settings, [Path(outcome.result.run_path)])
    except (LichenError, OSError) as error:
        # A command that failed is what its caller must hear of first.
        if not outcome.exit_code:
            raise
        set_aside(error, as_json=invocation.json)
    if outcome.exit_code:
        raise click.exceptions.Exit(outcome.exit_code)


def _check(command: tuple[str, ...], units: float, unit_name: str | None, name: str | None) -> None:
    """Refuses what cannot be run or counted.

    Raises:
        UsageError: with the culprit and the repair.
    """
    if not command:
        raise UsageError(
            "There is no command to run.", repair="Write it after --: lichen run -- make test.", culprit="COMMAND"
        )
    if not countable(units):
        raise UsageError(f"--unit is {units:g}.", repair=UNITS_REPAIR, culprit="--unit")
    if unit_name is not None and not unit_name.strip():
        raise UsageError("--unit-name is empty.", repair="Say what one unit is, such as image.", culprit="--unit-name")
    if name is not None and not name.strip():
        raise UsageError("--name is empty.", repair="Say what the command is called.", culprit="--name")


def _tell(invocation: Invocation, outcome: Outcome, targets: Sequence[outputs.Target], lang: str) -> None:
    """Prints the figures and writes the files asked for.

    Raises:
        StorageError: the run file or a file asked for could not be written.
    """
    if invocation.json:
        invocation.print_json(outcome.result.to_json())
    elif not invocation.quiet:
        from lichen.render.terminal import print_result

        print_result(outcome.result, invocation.console(stderr=True), lang)
    outputs.deliver(invocation, outcome.result, targets, lang)
    if outcome.unwritten is not None:
        raise outcome.unwritten

# SPDX-License-Identifier: Apache-2.0
"""``lichen demo``."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lichen.cli.commands.measure import run
from lichen.cli.failure import missing_extra
from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import StorageError, UsageError

if TYPE_CHECKING:
    from lichen.config import Settings

RUNS: Final = "lichen-runs"
NEEDED: Final = ("playwright", "starlette", "uvicorn", "python_multipart")


@click.command("demo", epilog="Example: lichen demo --samples 3 --html report.html")
@click.option("--samples", default="7", show_default=True, metavar="N|auto", help="Repetitions of each journey.")
@click.option("--html", default="lichen-report.html", show_default=True, metavar="FILE", help="HTML report to write.")
@click.option("--keep", is_flag=True, help="Start the application again afterwards and leave it open until Ctrl-C.")
@common_options
@click.pass_obj
def command(invocation: Invocation, samples: str, html: str, keep: bool) -> None:
    """Measure the bundled sample application and write a report.

    A portal for guaranteed loans and its back office are started here, and three journeys are run on them. Run files go to
    lichen-runs in the current folder.
    """
    for package in NEEDED:
        if importlib.util.find_spec(package) is None:
            raise missing_extra(package)
    if invocation.config is not None:
        raise UsageError(
            "lichen demo has its own settings file.", repair="Leave --config out.", culprit=str(invocation.config)
        )
    _check_here()
    from lichen import demo

    invocation.config = Path(demo.__file__).with_name("lichen.toml")
    invocation.overrides |= {"measure.samples": samples, "output.html": html, "output.runs": RUNS}
    run(invocation, ())
    invocation.say(Words(invocation.settings().lang)["open_dashboard"])
    if keep:
        _leave_open(invocation, invocation.settings())


def _check_here() -> None:
    """The demo has no flag for the folder of its runs, whose own refusal would propose one."""
    from lichen.ledger import runfile

    try:
        runfile.check_folder(Path(RUNS))
    except StorageError as error:
        raise StorageError(
            error.problem,
            repair="Change to a folder that can be written to: runs go to the current folder, wherever --html puts the report.",
            culprit=error.culprit,
        ) from error


def _leave_open(invocation: Invocation, settings: Settings) -> None:
    """Serves the sample application until Ctrl-C."""
    from lichen.collect.machine import Parts
    from lichen.service.parts import declared_parts, run_folder

    declared = declared_parts(settings)
    with contextlib.suppress(KeyboardInterrupt), Parts(declared, folder=run_folder(settings, "logs")) as parts:
        for part in declared:
            invocation.say(f"{part.name}: {parts.url(part.name)}")
        invocation.say("Ctrl-C ends it")
        signal.pause()

# SPDX-License-Identifier: Apache-2.0
"""The ``lichen`` command: a group that imports a command only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any, Final, NoReturn

import click

from lichen import __version__
from lichen.cli.failure import end, leave, run
from lichen.cli.invocation import common_options

COMMANDS: Final[Mapping[str, str]] = {
    "init": "Write a commented lichen.toml and an example journey.",
    "config": "Show the settings in force.",
    "doctor": "Say what this machine can measure, how precisely, and how to repair what lacks.",
    "measure": "Run journeys in a browser and print what they consume.",
    "run": "Run any command and print what it consumes, whole and per unit of work.",
    "import": "Import what other tools have written.",
    "demo": "Measure the bundled sample application and write a report.",
    "compare": "Say whether HEAD uses more than BASE, and what that comes from.",
    "gate": "Hold journeys to the budgets of lichen.toml.",
    "comment": "Write what a gate found on the merge request, in one comment.",
    "advise": "Say what to change in journeys or a bill, what saves most first.",
    "explain": "Open a figure down to its formula, factors, sources and raw values.",
    "methods": "List the methods, or show one.",
    "factors": "Search the factors; open one; compare packs; list licences; fetch hours.",
    "restate": "Recompute history with today's method and factors, beside what was said first.",
    "evaluate": "Apply methods to activities given as JSON.",
    "bills": "Hold bills against what their providers say, and export them with figures.",
    "simulate": "Weigh the same workload elsewhere: money, people's time, footprint, limits.",
    "power": "Estimate watts at the wall of a machine at a load, with range, without a meter.",
    "ledger": "Keep run files as tables that other tools read.",
    "push": "Send run files to a server.",
    "serve": "Serve the dashboard and the API until Ctrl-C.",
    "backup": "Write the server's data to one file, while it serves.",
    "restore": "Bring a backup back.",
    "digest": "Tell teams what changed in a week, through their channels.",
    "tick": "Do the scheduled work that is due: measure, look for changes, alert, tell, tidy up.",
    "deployment": "Tell which version went live, so that histories can name it.",
    "portfolio": "Export and import the portfolio as files; retire applications and take them out.",
    "team": "Add a team from a template, or take one out.",
    "user": "Add, list, disable and enable the accounts of people.",
    "token": "Create, list and revoke the tokens of programs.",
    "plugins": "List the plug-ins, installed and local.",
}
"""Every command with its help, in the order of first use. Each is ``lichen.cli.commands.<name>:command``; a name that is a word
of Python has a ``_`` behind it there."""


class LazyGroup(click.Group):
    """The top-level group; its help is printed without importing any command."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order of first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Imports a command."""
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = import_module(f"lichen.cli.commands.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands' one-line helps."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, where an unknown command is answered with the nearest one."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean '{close[0]}'?" if close else f"Commands: {', '.join(COMMANDS)}."
            raise click.UsageError(f"There is no command '{args[0]}'. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def main(  # type: ignore[override]  # click's returns in non-standalone mode; here the exit code is always ours
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **_extra: Any
    ) -> NoReturn:
        """Runs the command line and exits with a code of the public contract."""
        leave(run(self, sys.argv[1:] if args is None else args, prog_name or "lichen", last=True))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 pass, 1 budget or regression, 2 usage or configuration, 3 internal error, 4 the journey failed, "
    "5 nothing measured, 6 inconclusive. First steps: lichen doctor, then lichen demo.",
)
@click.version_option(__version__, prog_name="lichen", message="%(prog)s %(version)s")
@common_options
def root() -> None:
    """Measure what a user's journey consumes in a real browser and on its servers, and explain its footprint."""


def main() -> NoReturn:
    """Entry point."""
    try:
        root.main(prog_name="lichen")
    except SystemExit as ending:
        if not isinstance(ending.code, int) or _watched():
            raise
        end(ending.code)


def _watched() -> bool:
    """Whether a profiler or a debugger goes on after the end."""
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    tools = () if monitoring is None else (monitoring.get_tool(number) for number in range(6))
    return bool(sys.getprofile() or sys.gettrace() or any(tools))

# SPDX-License-Identifier: Apache-2.0
"""``lichen import``: each kind is a module of this package with a ``command``, found by its name."""

from __future__ import annotations

import difflib
from importlib import import_module
from pkgutil import iter_modules

import click

from lichen.cli.invocation import common_options


class KindGroup(click.Group):
    """The kinds: modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """By name."""
        return sorted(module.name for module in iter_modules(__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a kind."""
        if cmd_name not in self.list_commands(ctx):
            return None
        kind: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return kind

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, where an unknown kind is answered with the known ones."""
        kinds = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in kinds:
            close = difflib.get_close_matches(args[0], kinds, n=1)
            hint = f"Did you mean '{close[0]}'?" if close else f"Kinds: {', '.join(kinds)}."
            raise click.UsageError(f"There is no kind '{args[0]}' to import. {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    "import",
    cls=KindGroup,
    epilog="""\b
Examples:
  lichen import har checkout.har
  lichen import greenframe .greenframe.yml
  lichen import traffic access.log --application shop""",
)
@common_options
def command() -> None:
    """Import what other tools have written."""

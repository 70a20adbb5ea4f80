# SPDX-License-Identifier: Apache-2.0
"""What a command is called with: the flags that all commands take, and how its result leaves."""

from __future__ import annotations

import itertools
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lichen.cli.json_text import pieces
from lichen.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from lichen.config import Key, Settings
    from lichen.service.progress import Progress
    from lichen.service.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])
_PIECES: Final = 10_000


@dataclass
class Invocation:
    """One call of the command line.

    Attributes:
        config, json, quiet, lang: the flags that all commands take.
        overrides: settings given as flags, by dotted key.
        formats: outputs asked for, as ``NAME=FILE``; junit: file of the output ``junit``, which has a flag of its own.
        written: files that this call has written so far, each whole.
    """

    config: Path | None = None
    json: bool = False
    quiet: bool = False
    lang: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    junit: Path | None = None
    written: list[Path] = field(default_factory=list)

    def settings(self, config: Path | None = None) -> Settings:
        """The settings in force; ``config`` stands in for a missing ``--config``."""
        from lichen.config import load_settings

        overrides = self.overrides | {"project.lang": self.lang}
        return load_settings(self.config or config, overrides=overrides, env=os.environ)

    def workspace(self, config: Path | None = None) -> Workspace:
        """Settings and the data they name."""
        from lichen.service.workspace import Workspace

        return Workspace(self.settings(config))

    def print_json(self, document: Any) -> None:
        """The result as JSON on stdout; escaped where the terminal cannot write every character."""
        plain = (sys.stdout.encoding or "ascii").lower().replace("-", "") != "utf8"
        text = pieces(document, ensure_ascii=plain)
        while part := "".join(itertools.islice(text, _PIECES)):
            click.echo(part, nl=False)
        click.echo()

    def console(self, *, stderr: bool = False) -> Console:
        """Stdout, or stderr, for results that are tables; names are never read as markup."""
        from rich.console import Console

        class Plain(Console):
            """Leaves a closed pipe to whoever ends the command; rich's own would end the process with 1, a budget exceeded."""

            def on_broken_pipe(self) -> None:
                raise BrokenPipeError

        return Plain(markup=False, highlight=False, emoji=False, stderr=stderr)

    def progress(self, lang: str) -> Progress:
        """Listener that tells on stderr how a measurement gets on; silent with ``--quiet``."""
        from lichen.render.progress import make_progress

        return make_progress(quiet=self.quiet, stream=sys.stderr, lang=lang)

    def say(self, text: str) -> None:
        """A line of progress on stderr, unless ``--quiet``."""
        if not self.quiet:
            click.echo(text, err=True)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value and not ctx.resilient_parsing:
        setattr(ctx.ensure_object(Invocation), str(param.name), value)


def common_options(command: F) -> F:
    """Adds ``--config``, ``--json``, ``--quiet`` and ``--lang``; they may stand before or after the command's name."""
    options = (
        click.option(
            "--config", type=click.Path(path_type=Path), metavar="FILE", expose_value=False, callback=_remember,
            help="Settings file, lichen.toml when not given.",
        ),
        click.option("--json", is_flag=True, expose_value=False, callback=_remember, help="Print JSON."),
        click.option("--quiet", "-q", is_flag=True, expose_value=False, callback=_remember, help="Print no progress."),
        click.option(
            "--lang", type=click.Choice(["en", "fr"]), expose_value=False, callback=_remember, help="Language of the results.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def output_options(command: F) -> F:
    """Adds ``--html``, ``--junit`` and ``--format``; `lichen.cli.outputs.planned` reads them."""
    junit = click.option(
        "--junit", type=click.Path(path_type=Path), metavar="FILE", expose_value=False, callback=_remember,
        help="Write JUnit XML.",
    )  # fmt: skip
    formats = click.option(
        "--format", "formats", multiple=True, metavar="NAME=FILE", expose_value=False, callback=_remember,
        help="Write FILE through an output plug-in.",
    )  # fmt: skip
    return setting_option("--html", "output.html", "FILE")(junit(formats(command)))


def method_names(text: str) -> list[str]:
    """The methods of ``A,B,C``; UsageError where one is empty or named twice."""
    names = [word.strip() for word in text.split(",")]
    if not all(names):
        raise UsageError(
            f"'{text}' has an empty method name.", repair="Write lichen-1 or lichen-1,greenframe-2.", culprit=text
        )
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"'{text}' names {twice} twice.", repair="Name each method once.", culprit=text)
    return names


def methods_option(command: F) -> F:
    """Adds ``--methods``: the first one sets ``method.use``, the others ``method.compare``."""

    def remember(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value is not None:
            first, *others = method_names(value)
            named = {"method.use": first, "method.compare": shlex.join(others)}
            ctx.ensure_object(Invocation).overrides.update(named)

    return click.option(
        "--methods", metavar="ID[,ID…]", expose_value=False, callback=remember,
        help="Method applied, and those that its figures are set beside.",
    )(command)  # fmt: skip


def setting_option(flag: str, dotted: str, metavar: str = "") -> Callable[[F], F]:
    """A flag that sets a key of lichen.toml; choices and help come from the key's declaration."""
    from lichen.config import KEYS

    key: Key = KEYS[dotted]

    def remember(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.ensure_object(Invocation).overrides[dotted] = value

    return click.option(
        flag, expose_value=False, callback=remember, help=key.en,
        type=click.Choice(key.kind.choices) if key.kind.choices else str, metavar=metavar or None,
    )  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""The one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import click

from lichen.cli.invocation import Invocation
from lichen.cli.streams import lossy_stderr
from lichen.errors import ExitCode, LichenError, NothingMeasured, StorageError, UsageError

TERMINATED: Final = 128 + signal.SIGTERM
PIPE_CLOSED: Final = 128 + signal.SIGPIPE

_LONGEST: Final = 200
"""Characters of a culprit that a sentence shows."""

_EXTRAS: Final[Mapping[str, str]] = {
    "playwright": "journeys",
    "cryptography": "journeys",
    "ijson": "imports",
    "tree_sitter": "imports",
    "tree_sitter_javascript": "imports",
    "yaml": "imports",
    "websockets": "journeys",
    "starlette": "demo",
    "uvicorn": "demo",
    "python_multipart": "demo",
    "pyarrow": "ledger",
    "deltalake": "ledger",
    "duckdb": "ledger",
    "ibis": "ledger",
    "alembic": "server",
    "argon2": "server",
    "fastapi": "server",
    "prometheus_client": "server",
    "sqlalchemy": "server",
    "psycopg": "postgres",
}
"""Packages that a plain installation lacks, and the extra that brings each."""


def run(group: click.Group, args: Sequence[str], prog_name: str, *, last: bool = False) -> int:
    """Runs the command line.

    Args:
        group: the top-level group.
        args: the words after the program's name.
        last: the process ends afterwards: what a signal does stays as it is here, until the end.

    Returns:
        The exit code: those of the public contract; 130 after Ctrl-C, 143 after SIGTERM, 141 when the reader of stdout left.
    """
    with lossy_stderr():
        return _run(group, args, prog_name, last=last)


def _run(group: click.Group, args: Sequence[str], prog_name: str, *, last: bool) -> int:
    as_json = "--json" in (args[: args.index("--")] if "--" in args else args)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    invocation = Invocation()

    signals = _Signals(invocation)
    signals.attend()
    try:
        code = _invoke(group, args, prog_name, signals, as_json)
    except BrokenPipeError:
        _leave_pipe()
        code = PIPE_CLOSED
    finally:
        if not last:
            signals.restore()
    return TERMINATED if signals.first == signal.SIGTERM else code


def leave(code: int) -> NoReturn:
    """Ends the process with ``code``, also when a journey or a plug-in has left a thread that never ends."""
    if any(not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def end(code: int) -> NoReturn:
    """Ends the process as soon as all is done that was put off until then.

    To take down an interpreter with large libraries takes half a second, for nothing.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - documented nowhere, and the same in all versions; what it is for is what is meant
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError, AttributeError):
        # What could not be written is told as ever.
        sys.exit(code)
    os._exit(code)


class _Signals:
    """Ctrl-C and SIGTERM: the first unwinds the stack, so that parts and browsers are stopped; a second one ends at once.

    Ending at once leaves nothing behind either: guards end browsers and parts when this process is gone.

    Attributes:
        first: number of the signal that came first.
    """

    def __init__(self, invocation: Invocation) -> None:
        self.invocation = invocation
        self.first: int | None = None
        numbers = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.getsignal(number) for number in numbers}

    def attend(self) -> None:
        """From now on; a signal that whoever started this process wants ignored stays ignored."""
        for number, before in self._before.items():
            if before != signal.SIG_IGN:
                signal.signal(number, self._take)

    def restore(self) -> None:
        """As it was before."""
        for number, before in self._before.items():
            signal.signal(number, before)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self.first is not None:
            os._exit(128 + self.first)
        self.first = number
        raise KeyboardInterrupt


def stopped(invocation: Invocation) -> str:
    """What a call that was stopped leaves behind: files are written whole or not at all."""
    left = ", ".join(str(path) for path in invocation.written)
    return f"stopped: {left} written, nothing else" if left else "stopped: nothing was written"


def _invoke(group: click.Group, args: Sequence[str], prog_name: str, signals: _Signals, as_json: bool) -> int:
    if sys.stdout is None:
        closed = StorageError(
            "Standard output is closed.", repair="Leave it open, or send it to a file.", culprit="stdout"
        )
        return report(closed, as_json)
    try:
        with group.make_context(prog_name, list(args), obj=signals.invocation, color=_colour()) as ctx:
            group.invoke(ctx)
        sys.stdout.flush()
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.ClickException as error:
        return report(_from_click(error), as_json)
    except (KeyboardInterrupt, click.Abort):
        return _stop(signals)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: a traceback is never the user's business
        if signals.first is not None:  # what it interrupted has failed while it was being tidied up
            return _stop(signals)
        if os.environ.get("LICHEN_DEBUG") == "1":
            import traceback

            traceback.print_exc()
        return report(error if isinstance(error, LichenError) else _unexpected(error), as_json)
    return ExitCode.PASS


def _stop(signals: _Signals) -> int:
    click.echo(stopped(signals.invocation), err=True)
    return 128 + (signals.first or signal.SIGINT)


def _from_click(error: click.ClickException) -> UsageError:
    ctx = getattr(error, "ctx", None)
    repair = f"Try '{ctx.command_path} --help'." if ctx is not None else ""
    message = error.format_message()
    return UsageError(
        message if message.endswith((".", "?")) else f"{message}.",
        repair=repair,
        culprit=getattr(error, "param_hint", "") or "",
    )


def _unexpected(error: Exception) -> LichenError:
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _EXTRAS:
        package = (error.name or "").partition(".")[0]
        return missing_extra(package)
    if isinstance(error, FileNotFoundError) and _homeless():
        return StorageError(
            "The current folder does not exist any more.", repair="Change to a folder that exists.", culprit="."
        )
    if isinstance(error, OSError) and error.filename is None:
        return StorageError(
            f"The output cannot be written: {error.strerror or error}.", repair="Free some space, or write elsewhere."
        )
    first = str(error).strip().partition("\n")[0]
    return LichenError(
        f"Lichen itself failed: {type(error).__name__}{f': {first}' if first else ''}.",
        repair="Run it again with LICHEN_DEBUG=1 and report what it prints.",
    )


def _homeless() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def missing_extra(package: str) -> NothingMeasured:
    """A package that an optional extra brings is not installed."""
    extra = _EXTRAS[package]
    return NothingMeasured(
        f"The package '{package}' is not installed.",
        repair=f"Install it with: pip install 'lichen[{extra}]'.",
        culprit=package,
    )


def printable(text: str) -> str:
    """``text`` with control characters shown as escapes: what a file or a server says must not steer the terminal."""
    return "".join(f"\\x{ord(c):02x}" if c < " " or "\x7f" <= c <= "\x9f" else c for c in text)


def shortened(text: str, culprit: str) -> str:
    """``text`` with a culprit longer than `_LONGEST` cut."""
    return text.replace(culprit, f"{culprit[:_LONGEST]}…") if len(culprit) > _LONGEST else text


def report(error: LichenError, as_json: bool) -> int:
    """Says an error on stderr, as a sentence or as JSON; its exit code."""
    code = int(error.exit_code)
    if as_json:
        content = {
            "code": error.code, "exit_code": code, "problem": error.problem, "repair": error.repair, "culprit": error.culprit,
            "docs": error.anchor,
        }  # fmt: skip
        click.echo(json.dumps({"error": content}), err=True)
        return code
    colour = _colour()
    click.echo(
        f"{click.style('error:', fg='red', bold=True)} {printable(shortened(error.problem, error.culprit))}",
        err=True,
        color=colour,
    )
    if error.repair:
        click.echo(
            f"{click.style('hint:', bold=True)} {printable(shortened(error.repair, error.culprit))}",
            err=True,
            color=colour,
        )
    click.echo(f"{click.style('docs:', bold=True)} {error.anchor}", err=True, color=colour)
    return code


def set_aside(error: LichenError | OSError, as_json: bool) -> None:
    """Says an error that does not decide the exit code; one without a sentence is stdout's, which is left."""
    if not isinstance(error, BrokenPipeError):
        report(error if isinstance(error, LichenError) else _unexpected(error), as_json)
    if isinstance(error, OSError):
        _leave_pipe()


def _colour() -> bool | None:
    """False where NO_COLOR is set (https://no-color.org); None: colours on a terminal only."""
    return False if os.environ.get("NO_COLOR") else None


def _leave_pipe() -> None:
    """Nobody reads any more: what is still buffered goes nowhere, without a complaint at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())

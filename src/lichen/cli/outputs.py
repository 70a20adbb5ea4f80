# SPDX-License-Identifier: Apache-2.0
"""Files that a measurement or a gate writes through output plug-ins: checked before it starts, written after it is printed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lichen import plugins
from lichen.cli.words import Words
from lichen.errors import ConfigError, LichenError, StorageError, UsageError

if TYPE_CHECKING:
    from lichen.cli.invocation import Invocation
    from lichen.config import Settings
    from lichen.outputs import GateOutput, Output
    from lichen.service.gating.outcome import GateResult
    from lichen.service.result import Result

GROUP = "lichen.outputs"
GATE_GROUP = "lichen.gate_outputs"


@dataclass(frozen=True, slots=True)
class Target:
    """A file and the plug-in that renders it: an `Output`, or a `GateOutput`."""

    name: str
    output: Any
    path: Path


def planned(invocation: Invocation, settings: Settings) -> list[Target]:
    """The files that a call asks for; raises as `plan` does."""
    junit = [] if invocation.junit is None else [f"junit={invocation.junit}"]
    return plan(settings.output.html, [*junit, *invocation.formats], keep=settings.file)


def show(invocation: Invocation, result: Result, targets: Sequence[Target], lang: str) -> None:
    """Prints a result on stdout, then writes the files asked for; raises as `write` does."""
    if invocation.json:
        invocation.print_json(result.to_json())
    else:
        from lichen.render.terminal import print_result

        print_result(result, invocation.console(), lang)
    deliver(invocation, result, targets, lang)


def deliver(invocation: Invocation, result: Result, targets: Sequence[Target], lang: str) -> None:
    """Writes the files asked for and says so; raises as `write` does."""
    words = Words(lang)
    for target in targets:
        write([target], result, lang)
        invocation.written.append(target.path)
        invocation.say(f"{words['written']}{words.colon}{target.path}")


def plan(html: Path | None, formats: Sequence[str], keep: Path | None = None, *, group: str = GROUP) -> list[Target]:
    """The files to write.

    Args:
        html: of ``output.html``.
        formats: ``NAME=FILE`` words, NAME being an output plug-in.
        keep: the settings file in use, which no output may replace.
        group: of the plug-ins.

    Raises:
        UsageError: a word is not ``NAME=FILE``, names no output plug-in or the settings file, or two words name one file.
        StorageError: a file cannot be written there, or what stands there is not a file.
    """
    from lichen.ledger.runfile import destination

    targets = [] if html is None else [_target("html", html, group)]
    for word in formats:
        name, equals, file = word.partition("=")
        if not (name and equals and file):
            raise UsageError(
                f"'{word}' is not NAME=FILE.", repair="Write for example --format json=result.json.", culprit=word
            )
        targets.append(_target(name, Path(file), group))
    taken = set()
    kept = None if keep is None else destination(keep)
    for target in targets:
        place = destination(target.path)
        if place == kept:
            raise UsageError(
                f"{target.path} is the settings file in use.", repair="Name another file.", culprit=str(target.path)
            )
        if place in taken:
            raise UsageError(
                f"{target.path} is to be written twice.", repair="Name two files.", culprit=str(target.path)
            )
        taken.add(place)
    return targets


def _target(name: str, path: Path, group: str) -> Target:
    try:
        return _checked_target(name, path, group)
    except OSError as error:  # a name that is too long, a folder that may not be searched
        raise _unwritable(path, error) from error


def _checked_target(name: str, path: Path, group: str) -> Target:
    if name not in plugins.names(group):
        raise UsageError(
            f"There is no output '{name}'.", repair=f"Outputs: {', '.join(plugins.names(group))}.", culprit=name
        )
    _check_place(path)
    return Target(name, plugins.load(group, name)(), path)


def check_file(path: Path, keep: Path | None) -> None:
    """Makes sure that a file can be written, before work is done for it.

    Args:
        keep: the settings file in use, which no output may replace.

    Raises:
        UsageError: it is the settings file.
        StorageError: a file cannot be written there, or what stands there is not a file.
    """
    from lichen.ledger.runfile import destination

    try:
        _check_place(path)
    except OSError as error:  # a name that is too long, a folder that may not be searched
        raise _unwritable(path, error) from error
    if keep is not None and destination(path) == destination(keep):
        raise UsageError(f"{path} is the settings file in use.", repair="Name another file.", culprit=str(path))


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} cannot be written: {error.strerror}.",
        repair="Name a file in a folder that can be written to.",
        culprit=str(path),
    )


def _check_place(path: Path) -> None:
    from lichen.ledger.runfile import destination

    place = (path if path.is_dir() else destination(path)).absolute().parent
    if not place.exists():
        raise StorageError(
            f"{path} cannot be written: there is no folder {place}.",
            repair="Correct the path, or make the folder first.",
            culprit=str(path),
        )
    if path.is_dir() or not place.is_dir() or not os.access(path if path.exists() else place, os.W_OK):
        raise StorageError(
            f"{path} cannot be written.", repair="Name a file in a folder that can be written to.", culprit=str(path)
        )


def write(targets: Sequence[Target], result: Result, lang: str) -> None:
    """Renders and writes each file, whole or not at all.

    Raises:
        ConfigError: an output plug-in failed.
        StorageError: the folder is read-only, the disk is full.
    """

    def render(output: Output) -> bytes:
        return output.render(result, lang=lang)

    _write(targets, render, f"The run is kept in {result.run_path}; repair the output plug-in.")


def deliver_gate(invocation: Invocation, gate: GateResult, targets: Sequence[Target], lang: str) -> None:
    """Writes the files asked for of a gate and says so; raises as `write` does."""

    def render(output: GateOutput) -> bytes:
        return output.render(gate, lang=lang)

    words = Words(lang)
    for target in targets:
        _write([target], render, "Repair the output plug-in.")
        invocation.written.append(target.path)
        invocation.say(f"{words['written']}{words.colon}{target.path}")


def _write(targets: Sequence[Target], render: Callable[[Any], bytes], repair: str) -> None:
    from lichen.ledger.runfile import write_atomically

    for target in targets:
        try:
            content = render(target.output)
        except LichenError:
            raise
        except Exception as error:
            raise ConfigError(
                f"The output '{target.name}' failed: {type(error).__name__}: {error}.",
                repair=repair,
                culprit=target.name,
            ) from error
        write_atomically(target.path, content)

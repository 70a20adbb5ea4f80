# SPDX-License-Identifier: Apache-2.0
"""A Git reference as a folder: its files in a work tree of their own, built, removed afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen import redact
from lichen.errors import ConfigError, UsageError

_LAST_LINES: Final = 8
_SHOWN: Final = 12
"""Characters of a commit that are shown."""
_SECONDS_PER_MINUTE: Final = 60.0
_PYTHON: Final = "{python}"
_OF_ANOTHER_CALL: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})
"""Variables of Git that a hook runs with: they would point this work at the caller's index and files."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit in a folder of its own.

    Attributes:
        commit: whole hash.
        folder: where the folder of lichen.toml lies in its files.
    """

    commit: str
    folder: Path

    @property
    def short(self) -> str:
        """The commit as it is shown."""
        return self.commit[:_SHOWN]


@contextlib.contextmanager
def checked_out(reference: str, folder: Path) -> Iterator[Revision]:
    """The files of a reference while it lasts, beside the repository's own work tree, which is not touched.

    Args:
        reference: branch, tag or commit.
        folder: of lichen.toml, in the repository.

    Raises:
        UsageError: there is no Git, no repository or no such reference.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel"))
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
    place = Path(tempfile.mkdtemp(prefix="lichen-compare-"))
    tree = place / "tree"
    try:
        _git(top, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        inside = folder.resolve().relative_to(top.resolve())
        if not (tree / inside).is_dir():
            raise UsageError(
                f"'{reference}' has no folder {inside}, where lichen.toml is now.",
                repair="Compare with a commit that has it.",
                culprit=reference,
            )
        yield Revision(commit, tree / inside)
    finally:
        subprocess.run(
            ["git", "-C", str(top), "worktree", "remove", "--force", str(tree)],
            capture_output=True,
            check=False,
            env=_environment(),
        )
        shutil.rmtree(place, ignore_errors=True)


def build(revision: Revision, command: Sequence[str], side: str, *, minutes: float) -> None:
    """Runs the build command in the folder of a revision.

    Args:
        command: words; ``{python}`` is the interpreter of Lichen.
        side: how messages call it.
        minutes: longest time [min].

    Raises:
        ConfigError: it does not succeed; the sentence holds its last lines.
    """
    words = [word.replace(_PYTHON, sys.executable) for word in command]
    shown = " ".join(redact.words(command))
    what = f"The {side} ({revision.short}) does not build"
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                words, cwd=revision.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=_environment(),
            )  # fmt: skip
        except OSError as error:
            raise ConfigError(
                f"{what}: '{shown}' cannot be started: {error.strerror}.",
                repair="Correct compare.build in lichen.toml.",
                culprit="compare.build",
            ) from error
        try:
            code = process.wait(minutes * _SECONDS_PER_MINUTE)
        except subprocess.TimeoutExpired as error:
            raise ConfigError(
                f"{what}: '{shown}' did not end within {minutes:g} minutes.",
                repair="Allow more time with compare.build_minutes, or correct compare.build.",
                culprit="compare.build",
            ) from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if code:
            log.seek(0)
            said = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
            last = f"; it said last: {' | '.join(said[-_LAST_LINES:])}" if said else "; it said nothing"
            raise ConfigError(
                f"{what}: '{shown}' ended with code {code}{last}.",
                repair="Repair that commit, choose another one, or correct compare.build.",
                culprit="compare.build",
            )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_CALL}


def _git(folder: Path, *words: str) -> str:
    """Standard output of a Git command, without its last line end."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False, env=_environment())
    except OSError as error:
        raise UsageError(
            f"Git cannot be started: {error.strerror}.", repair="Install it, or compare addresses.", culprit="git"
        ) from error
    if done.returncode == 0:
        return done.stdout.decode(errors="surrogateescape").rstrip("\n")
    if "--verify" in words:
        reference = words[-1].removesuffix("^{commit}")
        raise UsageError(
            f"There is no commit '{reference}' in the repository of {folder}.",
            repair="Name a branch, a tag or a commit that is there; a shallow clone lacks older ones: git fetch --unshallow.",
            culprit=reference,
        )
    said = done.stderr.decode(errors="replace").strip().splitlines()
    raise UsageError(
        f"Git refuses in {folder}: {said[-1] if said else f'code {done.returncode}'}.",
        repair="Compare Git references from inside their repository.",
        culprit=str(folder),
    )

# SPDX-License-Identifier: Apache-2.0
"""Every error that Lichen raises on purpose.

::

    LichenError                      exit 3   something in Lichen itself
    ├── JobFailed                             scheduled work that did not come to its end
    ├── UsageError                   exit 2   a word on the command line
    │   ├── ConfigError                       lichen.toml, a journey file, a product or part declaration
    │   ├── ActivityError                     a row given to the model
    │   ├── MethodError                       a method file
    │   ├── FactorError                       a factor pack
    │   │   └── FactorNotFound                no row for this factor, place and date
    │   └── StorageError                      a folder that cannot be read or written, a full disk, a damaged run file
    │       ├── StoreBusy                     somebody else writes, or too much is waiting: try again
    │       ├── StoreConflict                 what is to be added exists already, and differs
    │       └── StoreFull                     no space is left on its disk
    ├── JourneyFailed                exit 4   the journey itself: selector, crash, hang, site down
    └── NothingMeasured              exit 5   the machine cannot measure
        ├── BrowserMissing                    no Chromium, or one that will not start
        └── PartFailed                        a server part that dies, never gets ready, or finds its port taken

Each error carries one sentence that names the culprit and one that names the repair; ``docs/errors.md`` has a heading per code.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from lichen import redact


class ExitCode(IntEnum):
    """What the shell sees. Part of the public contract."""

    PASS = 0
    BUDGET = 1
    USAGE = 2
    INTERNAL = 3
    JOURNEY_FAILED = 4
    NOTHING_MEASURED = 5
    INCONCLUSIVE = 6


class LichenError(Exception):
    """Base of all deliberate errors. Secrets in its sentences are masked here, so that no message can leak one.

    Args:
        problem: one sentence that names the culprit.
        repair: what the user can do; empty when the problem already says it.
        culprit: file, key, row or process at fault, for machine-readable output.
    """

    code: ClassVar[str] = "E300"
    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, problem: str, *, repair: str = "", culprit: str = "") -> None:
        self.problem = redact.text(problem)
        self.repair = redact.text(repair)
        self.culprit = redact.text(culprit)
        super().__init__(self.problem)
        if self.repair:  # who calls Lichen from Python sees it below the traceback
            self.add_note(self.repair)

    @property
    def anchor(self) -> str:
        """Where the documentation explains this error."""
        return f"docs/errors.md#{self.code.lower()}"

    def sentence(self) -> str:
        """The problem and its repair as one line."""
        return f"{self.problem} {self.repair}".strip()


class JobFailed(LichenError):
    """Scheduled work failed: a command, or something of Lichen's own. It is tried again."""

    code = "E310"


class UsageError(LichenError):
    """A word on the command line is wrong."""

    code = "E200"
    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """lichen.toml, a journey file or another declaration is wrong."""

    code = "E210"


class ActivityError(UsageError):
    """A row given to the model is wrong: unknown quantity, incompatible unit, NaN, infinite or negative value."""

    code = "E220"


class MethodError(UsageError):
    """A method is unknown, or its file is wrong."""

    code = "E230"


class FactorError(UsageError):
    """A factor pack is wrong."""

    code = "E240"


class FactorNotFound(FactorError):
    """No row for this factor, place and date. The model turns it into ``not_covered``."""

    code = "E241"


class StorageError(UsageError):
    """A folder cannot be read or written, the disk is full, or a run file is damaged."""

    code = "E250"


class StoreBusy(StorageError):
    """Another process keeps writing to the store, or more is waiting for it than it takes. Trying again may work."""

    code = "E251"


class StoreConflict(StorageError):
    """What is to be added to the store exists already and differs, or refers to what does not exist."""

    code = "E252"


class StoreFull(StorageError):
    """The disk of the store is full; nothing of the change was kept."""

    code = "E253"


class JourneyFailed(LichenError):
    """The journey itself failed: a selector that never came, a crash, a hang, a site that is down."""

    code = "E400"
    exit_code = ExitCode.JOURNEY_FAILED


class NothingMeasured(LichenError):
    """This machine cannot take the measurement."""

    code = "E500"
    exit_code = ExitCode.NOTHING_MEASURED


class BrowserMissing(NothingMeasured):
    """No Chromium was found, or the one found does not start."""

    code = "E510"


class PartFailed(NothingMeasured):
    """A server part died, never got ready, or found its port taken."""

    code = "E520"

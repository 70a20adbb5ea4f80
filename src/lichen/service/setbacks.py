# SPDX-License-Identifier: Apache-2.0
"""Runs that did not land when it was tried: tried again later, a few times, then set aside with the reason.

What was checked before it was acknowledged can land; a run that cannot shows a defect of this version. It stays in the journal,
is named by ``lichen ledger status``, and another version tries it anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from lichen import __version__
from lichen.errors import LichenError

PAUSES_S: Final = (2.0, 10.0, 60.0, 300.0)
"""Before each further attempt; after the last one the run is set aside."""
_SHOWN_MAX: Final = 300
"""Most characters of a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """A run that did not land.

    Attributes:
        seq: its number in the journal.
        reason: what the last attempt failed with, as a sentence.
        attempts: how many there were.
        is_aside: whether it is tried no more.
    """

    seq: int
    run_id: str
    application: str
    reason: str
    attempts: int
    is_aside: bool


class Setbacks:
    """Those that one process knows of.

    Args:
        said: what another process kept of them, from `to_json`; those of another version are tried anew.
    """

    def __init__(self, said: Mapping[str, Any] | None = None) -> None:
        self._of: dict[int, Setback] = {}
        self._again_at: dict[int, float] = {}
        if said is not None and said.get("version") == __version__:
            for one in read(said):
                if one.is_aside:
                    self._of[one.seq] = one

    def note(self, seq: int, run_id: str, application: str, error: Exception) -> None:
        """Counts an attempt that failed."""
        before = self._of.get(seq)
        attempts = 1 if before is None else before.attempts + 1
        reason = error.sentence() if isinstance(error, LichenError) else f"{type(error).__name__}: {error}"
        is_aside = attempts > len(PAUSES_S)
        self._of[seq] = Setback(
            seq=seq, run_id=run_id, application=application, reason=reason[:_SHOWN_MAX], attempts=attempts, is_aside=is_aside,
        )  # fmt: skip
        if is_aside:
            self._again_at.pop(seq, None)
        else:
            self._again_at[seq] = time.monotonic() + PAUSES_S[attempts - 1]

    def landed(self, numbers: Iterable[int]) -> None:
        """Forgets those that have landed."""
        for seq in numbers:
            self._of.pop(seq, None)
            self._again_at.pop(seq, None)

    def barred(self) -> frozenset[int]:
        """Numbers of the journal that are not tried now."""
        now = time.monotonic()
        return frozenset(seq for seq in self._of if self._again_at.get(seq, float("inf")) > now)

    def to_json(self) -> dict[str, Any]:
        """For whoever asks how the landing gets on, and for the next process."""
        return {"version": __version__, "setbacks": [asdict(one) for one in self._of.values()]}


def read(said: Mapping[str, Any]) -> Sequence[Setback]:
    """Setbacks as `Setbacks.to_json` wrote them."""
    return [Setback(**one) for one in said.get("setbacks", ())]

# SPDX-License-Identifier: Apache-2.0
"""Currencies of a bill, before anything of it is written: each is a code, or is not told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lichen.collect.bills.pipeline import BillFile, Pipeline, Told
from lichen.errors import StorageError

_CODE: Final = re.compile("[A-Z]{3}")
"""ISO 4217."""
_LONGEST: Final = 60


def check_currencies(pipeline: Pipeline, files: Sequence[BillFile], told: Told) -> None:
    """Money is of a currency by its code: ``$`` and ``US Dollar`` would stand beside ``USD`` as others.

    Args:
        files: that were summed.

    Raises:
        StorageError: a currency is neither a code nor empty; the message names the file, its column and what is there.
    """
    wrong = sorted({one.currency for one in told.costs if one.currency and not _CODE.fullmatch(one.currency)})
    for currency in wrong:
        for file in files:
            lines = pipeline.lines(file, currency)
            if lines:
                column = ", ".join(file.format.rules["currency"].named)
                raise StorageError(
                    f"{file.name} has {lines} line{'' if lines == 1 else 's'} whose {column} cannot be read: it is "
                    f"'{_short(currency)}'.",
                    repair="Write the code of the currency, such as EUR (ISO 4217), or leave it empty.",
                    culprit=file.name,
                )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

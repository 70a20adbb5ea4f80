# SPDX-License-Identifier: Apache-2.0
"""What the libraries below the ledger raise, told in a sentence that names the place and the repair.

They raise one class for all of it, a full disk and a wrong password alike: what they say must be read.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from typing import Final

from lichen.errors import StorageError

_NUMBERS: Final[Mapping[int, str]] = {
    errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EFBIG: "full",
    errno.EACCES: "forbidden", errno.EPERM: "forbidden", errno.EROFS: "forbidden",
}  # fmt: skip
_WORDS: Final[Mapping[str, re.Pattern[str]]] = {
    "full": re.compile(r"os error (28|122|27)\b|No space left|Disk quota|File too large", re.IGNORECASE),
    "forbidden": re.compile(r"os error (1|13|30)\b|Permission denied|Read-only file system", re.IGNORECASE),
    "refused": re.compile(
        r"Signature_?DoesNotMatch|Invalid_?Access_?Key_?Id|Access_?Denied|Expired_?Token|401 Unauthorized|403 Forbidden"
        r"|Invalid_?Client_?Token_?Id",
        re.IGNORECASE,
    ),
    "no bucket": re.compile(r"No_?Such_?Bucket", re.IGNORECASE),
    "away": re.compile(
        r"error sending request|connection refused|tcp connect|dns error|timed out|connection reset|broken pipe"
        r"|50[0234] (Internal|Bad|Service|Gateway)|Service_?Unavailable|Internal_?Failure|Slow_?Down|Request_?Timeout"
        r"|Network_?Connection|curlCode|error decoding response|connection closed|instance credentials",
        re.IGNORECASE,
    ),
}
_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "full": (
        "The disk of the ledger {where} is full.",
        "Free some space and repeat the command: no row is half written.",
    ),
    "forbidden": (
        "The ledger {where} cannot be used: permission denied.",
        "Give this user the right, or choose another place.",
    ),
    "refused": (
        "The object store refuses these credentials for {where}.",
        "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights on the bucket.",
    ),
    "no bucket": ("The bucket of {where} does not exist.", "Create it, or correct server.ledger."),
    "away": (
        "The object store of {where} does not answer.",
        "Check AWS_ENDPOINT_URL and the network, then repeat the command: no row is half written.",
    ),
}


def cause_of(error: BaseException) -> str | None:
    """What an error comes from, a key of `_SENTENCES`; None when it is not one of these."""
    number = (error.errno or 0) if isinstance(error, OSError) else 0
    if number in _NUMBERS:
        return _NUMBERS[number]
    said = str(error)
    return next((cause for cause, pattern in _WORDS.items() if pattern.search(said)), None)


def failure(error: BaseException, where: str, table: str = "") -> StorageError:
    """The sentence for an error.

    Args:
        where: the ledger.
        table: absolute path of the table that was used; empty when it was none.
    """
    cause = cause_of(error)
    if cause is not None:
        problem, repair = _SENTENCES[cause]
        return StorageError(problem.format(where=where), repair=repair, culprit=where)
    lines = str(error).strip().splitlines()
    said = (lines[0] if lines else type(error).__name__).rstrip(".: ")
    if not table:
        return StorageError(f"The ledger {where} cannot be used: {said}.", repair="Check the place.", culprit=where)
    return StorageError(
        f"The ledger's table {table} is damaged: {said}.",
        repair="Restore it from a backup; run files can be ingested again.",
        culprit=table,
    )

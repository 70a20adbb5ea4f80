# SPDX-License-Identifier: Apache-2.0
"""The text of an API token: ``lichen_``, 30 random characters of base 62 (178 bits), 6 characters of checksum.

The prefix lets scanners of repositories recognise a token that leaked; the checksum lets them, and a user who copied half of
it, tell a real one without asking the server.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from typing import Final

PREFIX: Final = "lichen_"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH: Final = 30
_CHECK_LENGTH: Final = 6
LENGTH: Final = len(PREFIX) + _RANDOM_LENGTH + _CHECK_LENGTH
SHOWN_LENGTH: Final = len(PREFIX) + 6
"""Characters of a token that lists show; they are no secret."""


def new_text() -> str:
    """A new token, from the system's random source."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return body + _checksum(body)


def is_wellformed(text: str) -> bool:
    """Whether a text is a token: prefix, length, alphabet and checksum. Says nothing about who knows it."""
    if len(text) != LENGTH or not text.startswith(PREFIX) or not set(text[len(PREFIX) :]) <= set(_ALPHABET):
        return False
    return secrets.compare_digest(_checksum(text[:-_CHECK_LENGTH]), text[-_CHECK_LENGTH:])


def digest(text: str) -> str:
    """SHA-256 of a secret in hexadecimal: what the store keeps. A token is random, so no salt and no slow hash is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    """CRC-32 (ISO 3309) of the body in base 62, six digits."""
    value = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(_CHECK_LENGTH):
        value, rest = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return digits

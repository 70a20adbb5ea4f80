# SPDX-License-Identifier: Apache-2.0
"""Passwords: argon2id (RFC 9106) with the memory and passes of the OWASP Password Storage Cheat Sheet, so that a server that
holds few megabytes can check several at once."""

from __future__ import annotations

import threading
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lichen.errors import UsageError

LENGTH_MIN: Final = 8
"""OWASP ASVS 5.0, V6.2.1; 15 or more are advised."""
LENGTH_MAX: Final = 256
"""More would be work for the server and no safety; ASVS V6.2.9 asks for at least 64."""
_MEMORY_KIB: Final = 19 * 1024
_PASSES: Final = 2
_AT_ONCE: Final = threading.BoundedSemaphore(4)
"""Memory of a burst of sign-ins stays bounded: each check holds `_MEMORY_KIB`."""
_COMMON: Final = frozenset(
    (
        "00000000", "11111111", "12345678", "123456789", "1234567890", "87654321", "abcd1234", "admin123", "administrator",
        "azerty123", "azertyuiop", "baseball", "bonjour123", "changeme", "computer", "football", "iloveyou", "letmein1",
        "motdepasse", "password", "password1", "password123", "princess", "qwerty123", "qwertyui", "qwertyuiop", "soleil123",
        "starwars", "sunshine", "superman", "trustno1", "welcome1", "whatever",
    )
)  # fmt: skip
"""The ones that are tried first and are long enough."""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)


@cache
def _nobody() -> str:
    """A hash that no password gives in practice: checking it takes as long as checking a real one."""
    return _hasher().hash("an account that does not exist")


def check_strength(password: str, *, known: tuple[str, ...] = ()) -> None:
    """UsageError when a new password is too short, too long, among the first that are guessed, or a word of the account.

    Args:
        password: as typed; every character counts, none is refused.
        known: words that a guesser knows, such as the address and the name.
    """
    if len(password) < LENGTH_MIN:
        raise UsageError(
            f"The password has {len(password)} characters.",
            repair=f"Take at least {LENGTH_MIN}; 15 or more are better.",
        )
    if len(password) > LENGTH_MAX:
        raise UsageError(
            "The password is too long.", repair=f"Take at most {LENGTH_MAX} characters.", culprit="password"
        )
    plain = password.casefold()
    words = {word.casefold() for text in known for word in (text, *text.split("@"), *text.split())} | {"lichen"}
    if (
        plain in _COMMON
        or len(set(plain)) < 3
        or any(len(word) > 3 and plain.strip("0123456789!.") == word for word in words)
    ):
        raise UsageError(
            "This password is among the first that are guessed.", repair="Take another one.", culprit="password"
        )


def hash_password(password: str) -> str:
    """The hash that is kept: algorithm, cost, salt and digest in one text."""
    with _AT_ONCE:
        return _hasher().hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether a password gives the stored hash; takes the same time when there is none."""
    if len(password) > LENGTH_MAX:
        password, stored = "", None
    with _AT_ONCE:
        try:
            _hasher().verify(stored or _nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made at another cost than today's."""
    return _hasher().check_needs_rehash(stored)

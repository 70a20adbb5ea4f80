# SPDX-License-Identifier: Apache-2.0
"""Password hashes (scrypt, RFC 7914)."""

import hashlib
import hmac
from typing import Final

_COST: Final = 2**14
_BLOCK: Final = 8
_PARALLEL: Final = 1


def hash_password(password: str, salt: bytes) -> str:
    """Return `salt$hash` in hexadecimal."""
    digest = hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL)
    return f"{salt.hex()}${digest.hex()}"


def verify_password(password: str, stored: str) -> bool:
    """Say whether `password` gives the stored hash, in constant time."""
    salt = bytes.fromhex(stored.partition("$")[0])
    return hmac.compare_digest(hash_password(password, salt), stored)

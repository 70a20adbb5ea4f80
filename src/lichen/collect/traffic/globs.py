# SPDX-License-Identifier: Apache-2.0
"""Patterns of paths, matched in a time that grows with the path alone: paths come from whoever asks a server for them."""

from __future__ import annotations

import re
from typing import Final

_PIECES: Final = re.compile(r"\*+|.", re.DOTALL)


class Glob:
    """A pattern of whole paths: ``*`` is anything but a slash, ``**`` anything, ``?`` one character but a slash.

    All positions of the pattern that a path may have reached are the bits of one number, moved on by each letter.

    >>> Glob("/apply/**").matches("/apply/amount/2"), Glob("/apply/*").matches("/apply/amount/2")
    (True, False)
    """

    def __init__(self, text: str) -> None:
        pieces = _PIECES.findall(text)
        self._end = 1 << len(pieces)
        self._many = self._inside = self._one = 0
        self._letters: dict[str, int] = {}
        for place, piece in enumerate(pieces):
            bit = 1 << place
            if piece == "*":
                self._inside |= bit
            elif piece.startswith("*"):
                self._many |= bit
            elif piece == "?":
                self._one |= bit
            else:
                self._letters[piece] = self._letters.get(piece, 0) | bit

    def matches(self, path: str) -> bool:
        """Whether the whole path is of this pattern."""
        reached = self._past_stars(1)
        for letter in path:
            on, stay = self._letters.get(letter, 0), self._many
            if letter != "/":
                on |= self._one
                stay |= self._inside
            reached = self._past_stars((reached & on) << 1 | reached & stay)
            if not reached:
                return False
        return bool(reached & self._end)

    def _past_stars(self, reached: int) -> int:
        """A star may stand for nothing."""
        stars = self._inside | self._many
        while (further := reached | (reached & stars) << 1) != reached:
            reached = further
        return reached
